//! Regions: what lies where in a space. A sorted list without overlaps.

use abi::layout::{MMAP_BASE, USER_END};
use abi::message::access;
use abi::{Errno, PAGE_BYTES, map::prot as map_prot};
use alloc::vec::Vec;
use core::ops::Range;
use proto::mem::ObjectId;
use serde::{Deserialize, Serialize};

/// Permissions as in the protocol: read.
pub const READ: u8 = 1;
/// Permissions as in the protocol: write.
pub const WRITE: u8 = 2;
/// Permissions as in the protocol: execute.
pub const EXECUTE: u8 = 4;

/// Lowest address that can be mapped, so that a null pointer with an offset is a fault.
pub const LOWEST: u64 = 0x1_0000;

/// Bytes that stay free below a region that grows (Linux: `stack_guard_gap`).
const GROWTH_GAP: u64 = 256 * PAGE_BYTES;

/// Most regions of a space.
pub const MAX_REGIONS: usize = 4096;

/// Where a region's pages come from when the space has no own ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backing {
    /// Zeros.
    Anonymous,
    /// An object's pages, until written.
    Private {
        /// The object.
        object: ObjectId,
        /// The region's first byte in it.
        offset: u64,
    },
    /// An object's pages, also when written.
    Shared {
        /// The object.
        object: ObjectId,
        /// The region's first byte in it.
        offset: u64,
    },
    /// Device registers.
    Device {
        /// The first page's frame.
        frame: u32,
    },
}

/// What the region is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A mapping.
    Plain,
    /// What `brk` moves the end of.
    Heap,
    /// The initial stack.
    Stack,
}

/// What a program asked for beside backing and permissions: bits of [`Region::marks`].
pub mod mark {
    /// Its pages stay (which they always do) and count as locked.
    pub const LOCKED: u8 = 1;
    /// Children of a fork do not have it.
    pub const NOT_FORKED: u8 = 2;
    /// Children of a fork find zeros.
    pub const WIPED: u8 = 4;
    /// It grows downwards where it is touched just below.
    pub const GROWS: u8 = 8;
}

/// A range of pages with the same backing and permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// [`READ`], [`WRITE`], [`EXECUTE`].
    pub prot: u8,
    /// What it is for.
    pub kind: Kind,
    /// Whether it may become writable.
    pub may_write: bool,
    /// [`mark`]s.
    pub marks: u8,
    /// Where its pages come from.
    pub backing: Backing,
}

impl Region {
    /// Length in bytes.
    pub fn bytes(&self) -> u64 {
        self.end - self.start
    }

    /// The page numbers.
    pub fn pages(&self) -> Range<u32> {
        page(self.start)..page(self.end)
    }

    /// The object that it maps.
    pub fn object(&self) -> Option<ObjectId> {
        match self.backing {
            Backing::Private { object, .. } | Backing::Shared { object, .. } => Some(object),
            Backing::Anonymous | Backing::Device { .. } => None,
        }
    }

    /// The page of the object that page `number` of the space shows; 0 without an object.
    pub fn object_page(&self, number: u32) -> u32 {
        match self.backing {
            Backing::Private { offset, .. } | Backing::Shared { offset, .. } => {
                page(offset) + (number - page(self.start))
            }
            Backing::Anonymous | Backing::Device { .. } => 0,
        }
    }

    /// Whether it can hold private pages that count as the program's own memory.
    pub fn is_private_writable(&self) -> bool {
        self.prot & WRITE != 0
            && matches!(self.backing, Backing::Anonymous | Backing::Private { .. })
    }

    /// Whether an access with these [`access`] bits is allowed.
    pub fn allows(&self, bits: u64) -> bool {
        let needed = match bits & (access::WRITE | access::EXECUTE) {
            0 => READ | WRITE | EXECUTE,
            access::EXECUTE => EXECUTE,
            _ => WRITE,
        };
        self.prot & needed != 0
    }

    /// Permissions for the page tables, for a frame that may be written.
    pub fn hardware(&self) -> u8 {
        let write = if self.prot & WRITE != 0 {
            map_prot::WRITE
        } else {
            0
        };
        write | self.hardware_read_only()
    }

    /// Permissions for the page tables, for a frame that must not be written.
    pub fn hardware_read_only(&self) -> u8 {
        if self.prot & EXECUTE != 0 {
            map_prot::EXECUTE
        } else {
            0
        }
    }

    /// The part of it from `start` to `end`.
    fn part(&self, start: u64, end: u64) -> Region {
        let by = start - self.start;
        let backing = match self.backing {
            Backing::Anonymous => Backing::Anonymous,
            Backing::Private { object, offset } => Backing::Private {
                object,
                offset: offset + by,
            },
            Backing::Shared { object, offset } => Backing::Shared {
                object,
                offset: offset + by,
            },
            Backing::Device { frame } => Backing::Device {
                frame: frame + page(by),
            },
        };
        Region {
            start,
            end,
            backing,
            ..*self
        }
    }

    /// Whether `next` continues it so that both can be one.
    fn continues(&self, next: &Region) -> bool {
        self.end == next.start
            && self.prot == next.prot
            && self.may_write == next.may_write
            && self.marks == next.marks
            && self.kind == Kind::Plain
            && next.kind == Kind::Plain
            && self.backing == Backing::Anonymous
            && next.backing == Backing::Anonymous
    }
}

/// Number of the page that an address in the user half is in.
pub fn page(address: u64) -> u32 {
    (address / PAGE_BYTES) as u32
}

/// A space's regions, by address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regions {
    list: Vec<Region>,
    /// The region that the last search found: faults come in clusters.
    last: u32,
    /// No page between `MMAP_BASE` and here is free.
    full_below: u64,
}

impl Regions {
    /// All of them, by address.
    pub fn as_slice(&self) -> &[Region] {
        &self.list
    }

    /// The region that `address` is in.
    pub fn find(&mut self, address: u64) -> Option<Region> {
        if let Some(region) = self.list.get(self.last as usize)
            && region.start <= address
            && address < region.end
        {
            return Some(*region);
        }
        let at = self.first_behind(address);
        let region = self.list.get(at).filter(|region| region.start <= address)?;
        self.last = at as u32;
        Some(*region)
    }

    /// Index of the first region that ends behind `address`.
    fn first_behind(&self, address: u64) -> usize {
        self.list.partition_point(|region| region.end <= address)
    }

    /// Indices of the regions that overlap `start..end`.
    pub fn overlapping(&self, start: u64, end: u64) -> Range<usize> {
        let from = self.first_behind(start);
        let count = self.list[from..]
            .iter()
            .take_while(|region| region.start < end)
            .count();
        from..from + count
    }

    /// Whether no region overlaps `start..end`.
    pub fn is_free(&self, start: u64, end: u64) -> bool {
        self.overlapping(start, end).is_empty()
    }

    /// Whether every page of `start..end` is in a region.
    pub fn covers(&self, start: u64, end: u64) -> bool {
        let mut at = start;
        for region in &self.list[self.overlapping(start, end)] {
            if region.start > at {
                return false;
            }
            at = region.end;
        }
        at >= end
    }

    /// How far every page from `start` on is in a region, up to `end`.
    pub fn covered(&self, start: u64, end: u64) -> u64 {
        let mut at = start;
        for region in &self.list[self.overlapping(start, end)] {
            if region.start > at {
                break;
            }
            at = region.end;
        }
        at.min(end)
    }

    /// Sees to it that a range can be cut out and a region be put there.
    ///
    /// # Errors
    /// `ENOMEM` if the space has [`MAX_REGIONS`], or memory is short.
    pub fn reserve(&mut self) -> Result<(), Errno> {
        self.reserve_for(3)
    }

    /// Sees to it that `more` regions fit.
    ///
    /// # Errors
    /// As [`Regions::reserve`].
    pub fn reserve_for(&mut self, more: usize) -> Result<(), Errno> {
        if self.list.len() + more > MAX_REGIONS {
            return Err(Errno::ENOMEM);
        }
        self.list.try_reserve(more).map_err(|_| Errno::ENOMEM)
    }

    /// Splits the region that has `address` inside, and returns the object that is now mapped by
    /// one region more.
    pub fn split(&mut self, address: u64) -> Option<ObjectId> {
        let at = self.first_behind(address);
        let region = *self.list.get(at).filter(|region| region.start < address)?;
        self.list[at] = region.part(region.start, address);
        self.list.insert(at + 1, region.part(address, region.end));
        region.object()
    }

    /// Adds a region where nothing is, joining it with equal neighbours.
    pub fn insert(&mut self, region: Region) {
        let at = self.first_behind(region.start);
        debug_assert!(self.is_free(region.start, region.end), "regions overlap");
        if region.start <= self.full_below.max(MMAP_BASE)
            && region.end > self.full_below
            && region.start >= MMAP_BASE
        {
            self.full_below = region.end;
        }
        self.list.insert(at, region);
        self.join(at + 1);
        self.join(at);
    }

    /// Joins the regions `at - 1` and `at` if they are alike.
    fn join(&mut self, at: usize) {
        if at == 0 || at >= self.list.len() || !self.list[at - 1].continues(&self.list[at]) {
            return;
        }
        self.list[at - 1].end = self.list[at].end;
        self.list.remove(at);
    }

    /// Removes regions by index. The caller accounts for what they mapped.
    pub fn remove(&mut self, range: Range<usize>) {
        if let Some(first) = self.list.get(range.start)
            && !range.is_empty()
        {
            self.full_below = self.full_below.min(first.start.max(MMAP_BASE));
        }
        self.list.drain(range);
    }

    /// Changes the permissions of the regions `range`, and joins what became alike.
    pub fn protect(&mut self, range: Range<usize>, prot: u8) {
        for region in &mut self.list[range.clone()] {
            region.prot = prot;
        }
        for at in (range.start..=range.end).rev() {
            self.join(at);
        }
    }

    /// Changes the marks of the regions `range`, and joins what became alike.
    pub fn mark(&mut self, range: Range<usize>, set: u8, cleared: u8) {
        for region in &mut self.list[range.clone()] {
            region.marks = region.marks & !cleared | set;
        }
        for at in (range.start..=range.end).rev() {
            self.join(at);
        }
    }

    /// The region that grows down to `address` when it is touched there, which no region has: its
    /// start, if it is far enough from what is below.
    pub fn growing(&self, address: u64) -> Option<Region> {
        let at = self.first_behind(address);
        let region = self.list.get(at)?;
        let below = at.checked_sub(1).map_or(LOWEST, |at| self.list[at].end);
        let far = address.saturating_sub(below) >= GROWTH_GAP || at == 0;
        (region.marks & mark::GROWS != 0 && far && address >= LOWEST).then_some(*region)
    }

    /// Moves the start of the region that starts at `old` down to `start`, where nothing is.
    pub fn grow_down(&mut self, old: u64, start: u64) {
        let at = self.first_behind(old);
        if let Some(region) = self.list.get_mut(at).filter(|region| region.start == old) {
            region.start = start;
        }
    }

    /// Moves the end of the region that starts at `start`.
    pub fn set_end(&mut self, start: u64, end: u64) {
        let at = self.first_behind(start);
        if let Some(region) = self.list.get_mut(at).filter(|region| region.start == start) {
            if end < region.end {
                self.full_below = self.full_below.min(end.max(MMAP_BASE));
            }
            region.end = end;
        }
    }

    /// The lowest free place of `bytes` from `MMAP_BASE` up.
    pub fn gap(&self, bytes: u64) -> Option<u64> {
        let mut start = self.full_below.max(MMAP_BASE);
        for region in &self.list[self.first_behind(start)..] {
            if region.start >= start && region.start - start >= bytes {
                return Some(start);
            }
            start = region.end;
        }
        (USER_END - start >= bytes).then_some(start)
    }

    /// Becomes a copy of `other`, keeping its own memory.
    ///
    /// # Errors
    /// `ENOMEM`, and nothing has changed.
    pub fn copy_of(&mut self, other: &Regions) -> Result<(), Errno> {
        self.fit(other)?;
        self.list.clear();
        self.list.extend_from_slice(&other.list);
        self.last = other.last;
        self.full_below = other.full_below;
        Ok(())
    }

    /// Sees to it that [`Regions::copy_of`] works, also after [`Regions::clear`].
    ///
    /// # Errors
    /// `ENOMEM` if memory is short.
    pub fn fit(&mut self, other: &Regions) -> Result<(), Errno> {
        let more = other.list.len().saturating_sub(self.list.len());
        self.list.try_reserve(more).map_err(|_| Errno::ENOMEM)
    }

    /// Removes all. The caller accounts for what they mapped.
    pub fn clear(&mut self) {
        self.list.clear();
        self.full_below = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anonymous(start: u64, end: u64) -> Region {
        Region {
            start,
            end,
            prot: READ | WRITE,
            kind: Kind::Plain,
            may_write: true,
            marks: 0,
            backing: Backing::Anonymous,
        }
    }

    fn regions(list: &[(u64, u64)]) -> Regions {
        let mut regions = Regions::default();
        list.iter()
            .for_each(|&(start, end)| regions.insert(anonymous(start, end)));
        regions
    }

    #[test]
    fn neighbours_alike_become_one() {
        let regions = regions(&[(0x10000, 0x11000), (0x12000, 0x13000), (0x11000, 0x12000)]);
        assert_eq!(regions.as_slice(), [anonymous(0x10000, 0x13000)]);
    }

    #[test]
    fn a_region_is_found_at_its_first_and_last_byte_only() {
        let mut regions = regions(&[(0x10000, 0x11000), (0x20000, 0x21000)]);
        assert!(regions.find(0xffff).is_none());
        assert!(regions.find(0x10000).is_some());
        assert!(regions.find(0x10fff).is_some());
        assert!(regions.find(0x11000).is_none());
        assert_eq!(
            regions.find(0x20800).map(|region| region.start),
            Some(0x20000)
        );
    }

    #[test]
    fn splitting_an_object_region_keeps_each_page_at_its_offset() {
        let object = ObjectId(3);
        let mut regions = Regions::default();
        regions.insert(Region {
            backing: Backing::Shared {
                object,
                offset: 0x4000,
            },
            ..anonymous(0x10000, 0x14000)
        });
        assert_eq!(regions.split(0x11000), Some(object));
        assert_eq!(
            regions.as_slice()[1].backing,
            Backing::Shared {
                object,
                offset: 0x5000
            }
        );
        assert_eq!(regions.as_slice()[1].object_page(page(0x12000)), 6);
    }

    #[test]
    fn the_lowest_gap_is_taken_and_found_again_after_removal() {
        let mut regions = Regions::default();
        for _ in 0..3 {
            let start = regions.gap(0x2000).unwrap();
            regions.insert(Region {
                prot: READ,
                kind: Kind::Heap,
                ..anonymous(start, start + 0x2000)
            });
        }
        assert_eq!(regions.gap(0x1000), Some(MMAP_BASE + 0x6000));
        regions.remove(1..2);
        assert_eq!(regions.gap(0x1000), Some(MMAP_BASE + 0x2000));
        assert_eq!(regions.gap(0x3000), Some(MMAP_BASE + 0x6000));
        assert_eq!(regions.gap(USER_END), None);
    }

    #[test]
    fn coverage_notices_a_hole() {
        let regions = regions(&[(0x10000, 0x11000), (0x12000, 0x13000)]);
        assert!(regions.covers(0x10000, 0x11000));
        assert!(!regions.covers(0x10000, 0x13000));
        assert!(!regions.covers(0x12000, 0x14000));
    }
}
