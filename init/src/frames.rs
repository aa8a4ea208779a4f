//! Free frames, given out from the front until the memory server takes the rest over.

use abi::boot::FrameRange;

/// Ranges of free frames.
#[derive(Clone, Copy, Debug)]
pub struct Frames {
    ranges: [FrameRange; 16],
    count: usize,
}

impl Frames {
    /// None.
    pub const NONE: Frames = Frames {
        ranges: [FrameRange { first: 0, count: 0 }; 16],
        count: 0,
    };

    /// The first `count` of `ranges`.
    pub fn new(ranges: &[FrameRange; 16], count: usize) -> Self {
        Self {
            ranges: *ranges,
            count: count.min(ranges.len()),
        }
    }

    /// Takes `count` consecutive frames; returns the first.
    pub fn take(&mut self, count: u32) -> Option<u32> {
        let range = self
            .ranges
            .get_mut(..self.count)?
            .iter_mut()
            .find(|range| range.count >= count)?;
        let first = range.first;
        range.first += count;
        range.count -= count;
        Some(first)
    }

    /// The ranges that are left, and how many.
    pub fn left(&self) -> ([FrameRange; 16], u32) {
        let mut left = [FrameRange::default(); 16];
        let used = self
            .ranges
            .iter()
            .take(self.count)
            .filter(|range| range.count > 0);
        let count = left
            .iter_mut()
            .zip(used)
            .map(|(place, range)| *place = *range)
            .count();
        (left, count as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Frames {
        let mut ranges = [FrameRange::default(); 16];
        ranges[0] = FrameRange {
            first: 10,
            count: 2,
        };
        ranges[1] = FrameRange {
            first: 100,
            count: 50,
        };
        Frames::new(&ranges, 2)
    }

    #[test]
    fn no_frame_is_given_out_twice_and_the_rest_is_left() {
        let mut frames = frames();
        assert_eq!(frames.take(3), Some(100));
        assert_eq!(frames.take(2), Some(10));
        assert_eq!(frames.take(1), Some(103));
        let (left, count) = frames.left();
        assert_eq!(
            (left[0], count),
            (
                FrameRange {
                    first: 104,
                    count: 46
                },
                1
            )
        );
    }

    #[test]
    fn more_than_there_is_is_refused_and_takes_nothing() {
        let mut frames = frames();
        assert_eq!(frames.take(51), None);
        assert_eq!(frames.left().1, 2);
        assert_eq!(Frames::NONE.clone().take(1), None);
    }
}
