//! Short lists of physical memory ranges: what RAM there is, what of it is taken.
//!
//! Invariant: a list never grows to cover an address that was not in it. When it overflows, memory
//! is lost, never invented.

/// A range of physical addresses: `start` is in it, `end` is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// First address behind the range.
    pub end: u64,
}

impl Range {
    /// The `bytes` that start at `start`; cut short at the end of the address space.
    pub const fn sized(start: u64, bytes: u64) -> Self {
        Self {
            start,
            end: start.saturating_add(bytes),
        }
    }

    /// Length in bytes.
    pub const fn bytes(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether no address is in it.
    pub const fn is_empty(self) -> bool {
        self.bytes() == 0
    }

    /// Whether an address is in both ranges.
    pub const fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The largest range inside whose ends are multiples of `unit`, a power of two.
    pub const fn shrink_to(self, unit: u64) -> Self {
        match self.start.checked_next_multiple_of(unit) {
            Some(start) => Self {
                start,
                end: self.end & !(unit - 1),
            },
            None => Self { start: 0, end: 0 },
        }
    }

    /// The smallest range around it whose ends are multiples of `unit`, a power of two.
    pub const fn grow_to(self, unit: u64) -> Self {
        let end = match self.end.checked_next_multiple_of(unit) {
            Some(end) => end,
            None => u64::MAX,
        };
        Self {
            start: self.start & !(unit - 1),
            end,
        }
    }
}

/// Up to [`Ranges::CAPACITY`] ranges.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ranges {
    list: [Range; Self::CAPACITY],
    count: usize,
}

impl Ranges {
    /// Most ranges that a list holds.
    pub const CAPACITY: usize = 16;

    /// The ranges.
    pub fn as_slice(&self) -> &[Range] {
        &self.list[..self.count]
    }

    /// Bytes in all ranges together.
    pub fn bytes(&self) -> u64 {
        self.as_slice()
            .iter()
            .fold(0, |sum, range| sum.saturating_add(range.bytes()))
    }

    /// Adds a range; an empty one is skipped.
    ///
    /// # Errors
    /// [`Full`] if the list has no room; it is unchanged then.
    pub fn push(&mut self, range: Range) -> Result<(), Full> {
        if range.is_empty() {
            return Ok(());
        }
        *self.list.get_mut(self.count).ok_or(Full)? = range;
        self.count += 1;
        Ok(())
    }

    /// Takes `hole` out of every range; the order stays. If a range falls into two parts and there is
    /// no room for both, the shorter part is lost.
    pub fn subtract(&mut self, hole: Range) {
        if hole.is_empty() {
            return;
        }
        let before = *self;
        self.count = 0;
        for (done, &range) in before.as_slice().iter().enumerate() {
            let still_to_come = before.count - done - 1;
            self.push_without(range, hole, Self::CAPACITY - still_to_come);
        }
    }

    /// Shrinks every range to multiples of `unit`, a power of two; ranges without one vanish.
    pub fn shrink_to(&mut self, unit: u64) {
        let before = *self;
        self.count = 0;
        for range in before.as_slice() {
            self.keep(range.shrink_to(unit));
        }
    }

    /// Adds what is left of `range` without `hole`, as far as `room` entries reach.
    fn push_without(&mut self, range: Range, hole: Range, room: usize) {
        if !range.overlaps(hole) {
            return self.keep(range);
        }
        let below = Range {
            start: range.start,
            end: hole.start.max(range.start),
        };
        let above = Range {
            start: hole.end.min(range.end),
            end: range.end,
        };
        if self.count + 1 < room {
            self.keep(below);
            self.keep(above);
        } else if below.bytes() < above.bytes() {
            self.keep(above);
        } else {
            self.keep(below);
        }
    }

    /// [`Self::push`] where a full list means that the range is lost.
    fn keep(&mut self, range: Range) {
        let _lost_if_full = self.push(range);
    }
}

/// A list of ranges has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    fn list(ranges: &[(u64, u64)]) -> Ranges {
        let mut list = Ranges::default();
        for &(start, end) in ranges {
            list.push(Range { start, end }).unwrap();
        }
        list
    }

    fn pairs(list: &Ranges) -> Vec<(u64, u64)> {
        list.as_slice().iter().map(|r| (r.start, r.end)).collect()
    }

    #[test]
    fn a_hole_in_the_middle_leaves_both_sides() {
        let mut ram = list(&[(0, 100), (200, 300)]);
        ram.subtract(Range { start: 20, end: 30 });
        assert_eq!(pairs(&ram), [(0, 20), (30, 100), (200, 300)]);
    }

    #[test]
    fn a_hole_over_an_edge_cuts_it_and_one_over_all_removes_all() {
        let mut ram = list(&[(100, 200), (300, 400)]);
        ram.subtract(Range {
            start: 150,
            end: 350,
        });
        assert_eq!(pairs(&ram), [(100, 150), (350, 400)]);
        ram.subtract(Range {
            start: 0,
            end: u64::MAX,
        });
        assert!(ram.as_slice().is_empty());
    }

    #[test]
    fn an_overflowing_list_loses_the_shorter_part_and_nothing_else() {
        let starts: Vec<_> = (0..16).map(|i| (i * 100, i * 100 + 50)).collect();
        let mut ram = list(&starts);
        ram.subtract(Range { start: 10, end: 20 });
        assert_eq!(ram.as_slice().len(), 16);
        assert_eq!(ram.bytes(), 16 * 50 - 20);
        assert!(
            !ram.as_slice()
                .iter()
                .any(|r| r.overlaps(Range { start: 0, end: 20 }))
        );
    }

    #[test]
    fn an_empty_range_overlaps_nothing_and_is_not_stored() {
        let mut ram = list(&[(0, 100), (7, 7)]);
        ram.subtract(Range { start: 50, end: 50 });
        assert_eq!(pairs(&ram), [(0, 100)]);
    }

    #[test]
    fn a_full_list_refuses_and_stays_as_it_is() {
        let mut full = list(&[(0, 1); 16]);
        assert_eq!(full.push(Range { start: 5, end: 6 }), Err(Full));
        assert_eq!(full.bytes(), 16);
    }

    #[test]
    fn shrinking_stays_inside_and_growing_stays_around() {
        let range = Range {
            start: 0x1001,
            end: 0x3fff,
        };
        assert_eq!(
            range.shrink_to(0x1000),
            Range {
                start: 0x2000,
                end: 0x3000
            }
        );
        assert_eq!(
            range.grow_to(0x1000),
            Range {
                start: 0x1000,
                end: 0x4000
            }
        );
        assert!(
            Range {
                start: 1,
                end: 0xfff
            }
            .shrink_to(0x1000)
            .is_empty()
        );
        let top = Range {
            start: u64::MAX - 1,
            end: u64::MAX,
        };
        assert!(top.shrink_to(0x1000).is_empty());
        let mut ram = list(&[(1, 0xfff), (0, 0x1001)]);
        ram.shrink_to(0x1000);
        assert_eq!(pairs(&ram), [(0, 0x1000)]);
    }

    proptest::proptest! {
        #[test]
        fn subtracting_never_keeps_a_taken_nor_invents_an_address(
            ranges in proptest::collection::vec((0u64..64, 0u64..16), 0..16),
            holes in proptest::collection::vec((0u64..64, 0u64..16), 0..8),
        ) {
            let mut ram = Ranges::default();
            for &(start, bytes) in &ranges {
                ram.push(Range::sized(start, bytes)).unwrap();
            }
            for &(start, bytes) in &holes {
                ram.subtract(Range::sized(start, bytes));
            }
            let within = |list: &[(u64, u64)], a: u64| list.iter().any(|&(s, n)| s <= a && a < s + n);
            for address in 0..80 {
                if ram.as_slice().iter().any(|r| r.start <= address && address < r.end) {
                    proptest::prop_assert!(within(&ranges, address) && !within(&holes, address));
                }
            }
        }
    }
}
