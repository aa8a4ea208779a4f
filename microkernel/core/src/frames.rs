//! The frame table: what each physical page is used as, so that no page is ever kernel memory and
//! user memory at once.
//!
//! One 64-bit entry per frame: the kind in bits 0-7; for a page of user memory the number of
//! mappings in bits 32-63; for a page table the next table of its space there, and the range of
//! entries in use in bits 8-31.

use crate::object::FrameNumber;
use abi::Error;

/// What a frame is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// User memory, or free: only `mem` knows which. May be mapped.
    User = 0,
    /// The kernel's image and tables, firmware's memory: never touched.
    Reserved = 1,
    /// A thread.
    Thread = 2,
    /// An endpoint.
    Endpoint = 3,
    /// An address space with its first handles.
    Space = 4,
    /// Further handles of a space.
    Slots = 5,
    /// Donated for page tables and not used yet.
    SpareTable = 6,
    /// A page table of levels 1 or 2.
    UpperTable = 7,
    /// A page table of level 3.
    LeafTable = 8,
    /// Part of the trace's ring.
    Trace = 9,
}

const KINDS: [Kind; 10] = [
    Kind::User,
    Kind::Reserved,
    Kind::Thread,
    Kind::Endpoint,
    Kind::Space,
    Kind::Slots,
    Kind::SpareTable,
    Kind::UpperTable,
    Kind::LeafTable,
    Kind::Trace,
];

const COUNT_ONE: u64 = 1 << 32;
/// User memory only: instruction fetches see its present content.
const SYNCED: u64 = 1 << 8;
const LOW_SHIFT: u32 = 8;
const HIGH_SHIFT: u32 = 20;
const INDEX: u64 = 0xfff;

/// The table, over memory that the kernel sets aside at boot.
pub struct FrameTable<'a> {
    first: FrameNumber,
    entries: &'a mut [u64],
    objects: u64,
    mapped: u64,
}

impl<'a> FrameTable<'a> {
    /// A table for `entries.len()` frames from `first` on, all [`Kind::Reserved`] until
    /// [`Self::open`]ed.
    pub fn new(first: FrameNumber, entries: &'a mut [u64]) -> Self {
        entries.fill(Kind::Reserved as u64);
        FrameTable {
            first,
            entries,
            objects: 0,
            mapped: 0,
        }
    }

    /// Makes reserved frames available as user memory. Those outside the table stay unknown.
    pub fn open(&mut self, first: FrameNumber, count: u32) {
        let length = self.entries.len();
        let start = (first.saturating_sub(self.first) as usize).min(length);
        let end = (first.saturating_add(count).saturating_sub(self.first) as usize).min(length);
        self.entries[start..end].fill(Kind::User as u64);
    }

    /// All frames that the table knows.
    pub fn all(&self) -> core::ops::Range<FrameNumber> {
        self.first..self.first + self.entries.len() as FrameNumber
    }

    fn entry(&mut self, frame: FrameNumber) -> Option<&mut u64> {
        self.entries
            .get_mut(frame.checked_sub(self.first)? as usize)
    }

    /// What a frame is used as; `None` outside RAM.
    #[inline]
    pub fn kind(&self, frame: FrameNumber) -> Option<Kind> {
        let entry = self.get(frame)?;
        Some(KINDS[(entry & 0xff) as usize % KINDS.len()])
    }

    /// Whether the frame is used as `kind`.
    #[inline]
    pub fn is(&self, frame: FrameNumber, kind: Kind) -> bool {
        self.kind(frame) == Some(kind)
    }

    /// Number of frames in use as kernel objects.
    pub fn objects(&self) -> u64 {
        self.objects
    }

    /// Turns an unmapped page of user memory into a kernel object.
    ///
    /// # Errors
    /// [`Error::FrameBusy`] if it is mapped, an object already, reserved or outside RAM.
    #[inline]
    pub fn claim(&mut self, frame: FrameNumber, kind: Kind) -> Result<(), Error> {
        let entry = self.entry(frame).ok_or(Error::FrameBusy)?;
        if *entry & !SYNCED != Kind::User as u64 {
            return Err(Error::FrameBusy);
        }
        *entry = kind as u64;
        self.objects += 1;
        Ok(())
    }

    /// Whether [`Self::claim`] would succeed.
    #[inline]
    pub fn is_claimable(&self, frame: FrameNumber) -> bool {
        self.get(frame)
            .is_some_and(|entry| entry & !SYNCED == Kind::User as u64)
    }

    fn get(&self, frame: FrameNumber) -> Option<u64> {
        self.entries
            .get(frame.checked_sub(self.first)? as usize)
            .copied()
    }

    /// Whether instruction fetches see what the frame holds.
    #[inline]
    pub fn is_synced(&self, frame: FrameNumber) -> bool {
        self.get(frame).is_some_and(|entry| entry & SYNCED != 0)
    }

    /// Notes whether instruction fetches see what a frame of user memory holds.
    #[inline]
    pub fn set_synced(&mut self, frame: FrameNumber, synced: bool) {
        if let Some(entry) = self
            .entry(frame)
            .filter(|entry| **entry & 0xff == Kind::User as u64)
        {
            *entry = if synced {
                *entry | SYNCED
            } else {
                *entry & !SYNCED
            };
        }
    }

    /// Number of frames that are mapped at least once.
    pub fn mapped(&self) -> u64 {
        self.mapped
    }

    /// Turns a kernel object's frame back into user memory.
    #[inline]
    pub fn release(&mut self, frame: FrameNumber) {
        if let Some(entry) = self.entry(frame) {
            *entry = Kind::User as u64;
            self.objects -= 1;
        }
    }

    /// Counts one more mapping.
    ///
    /// # Errors
    /// [`Error::FrameBusy`] if the frame is no user memory.
    #[inline]
    pub fn map(&mut self, frame: FrameNumber) -> Result<(), Error> {
        let entry = self.entry(frame).ok_or(Error::FrameBusy)?;
        if *entry & 0xff != Kind::User as u64 {
            return Err(Error::FrameBusy);
        }
        *entry += COUNT_ONE;
        if *entry >> 32 == 1 {
            self.mapped += 1;
        }
        Ok(())
    }

    /// As [`Self::map`], for a mapping through which the frame's content may change.
    ///
    /// # Errors
    /// As [`Self::map`].
    #[inline]
    pub fn map_writable(&mut self, frame: FrameNumber) -> Result<(), Error> {
        let entry = self.entry(frame).ok_or(Error::FrameBusy)?;
        if *entry & 0xff != Kind::User as u64 {
            return Err(Error::FrameBusy);
        }
        *entry = (*entry + COUNT_ONE) & !SYNCED;
        if *entry >> 32 == 1 {
            self.mapped += 1;
        }
        Ok(())
    }

    /// Counts one mapping less. Frames outside RAM (devices) are not counted.
    #[inline]
    pub fn unmap(&mut self, frame: FrameNumber) {
        if let Some(entry) = self.entry(frame) {
            *entry -= COUNT_ONE;
            if *entry >> 32 == 0 {
                self.mapped -= 1;
            }
        }
    }

    /// How often a frame of user memory is mapped.
    pub fn mappings(&self, frame: FrameNumber) -> u32 {
        match frame
            .checked_sub(self.first)
            .and_then(|index| self.entries.get(index as usize))
        {
            Some(entry) if entry & 0xff == Kind::User as u64 => (entry >> 32) as u32,
            _ => 0,
        }
    }

    /// Makes a table frame a table of `kind` whose list goes on with `next`, with no entry in use.
    #[inline]
    pub fn set_table(&mut self, frame: FrameNumber, kind: Kind, next: FrameNumber) {
        if let Some(entry) = self.entry(frame) {
            *entry = kind as u64 | u64::from(next) << 32 | INDEX << LOW_SHIFT;
        }
    }

    /// The next table in the list.
    #[inline]
    pub fn table_next(&self, frame: FrameNumber) -> FrameNumber {
        match frame
            .checked_sub(self.first)
            .and_then(|index| self.entries.get(index as usize))
        {
            Some(entry) => (entry >> 32) as u32,
            None => 0,
        }
    }

    /// Notes that entry `index` of a table is in use from now on.
    #[inline]
    pub fn table_uses(&mut self, frame: FrameNumber, index: usize) {
        let index = index as u64 & INDEX;
        if let Some(entry) = self.entry(frame) {
            let low = (*entry >> LOW_SHIFT & INDEX).min(index);
            let high = (*entry >> HIGH_SHIFT & INDEX).max(index);
            *entry = *entry & !(INDEX << LOW_SHIFT | INDEX << HIGH_SHIFT)
                | low << LOW_SHIFT
                | high << HIGH_SHIFT;
        }
    }

    /// The entries of a table that may be in use; empty if none ever was.
    #[inline]
    pub fn table_range(&self, frame: FrameNumber) -> core::ops::RangeInclusive<usize> {
        match frame
            .checked_sub(self.first)
            .and_then(|index| self.entries.get(index as usize))
        {
            Some(entry) => {
                (entry >> LOW_SHIFT & INDEX) as usize..=(entry >> HIGH_SHIFT & INDEX) as usize
            }
            None => core::ops::RangeInclusive::new(1, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mapped_frame_never_becomes_an_object_and_an_object_is_never_mapped() {
        let mut entries = [0; 8];
        let mut frames = FrameTable::new(100, &mut entries);
        assert_eq!(
            frames.map(100),
            Err(Error::FrameBusy),
            "reserved until opened"
        );
        frames.open(100, 8);
        frames.map(101).unwrap();
        assert_eq!(frames.claim(101, Kind::Thread), Err(Error::FrameBusy));
        frames.unmap(101);
        frames.claim(101, Kind::Thread).unwrap();
        assert_eq!(frames.map(101), Err(Error::FrameBusy));
        assert_eq!(frames.claim(99, Kind::Space), Err(Error::FrameBusy));
        assert_eq!(frames.claim(108, Kind::Space), Err(Error::FrameBusy));
    }

    proptest! {
        #[test]
        fn the_used_range_covers_every_used_entry(indices in prop::collection::vec(0usize..512, 0..40)) {
            let mut entries = [0; 2];
            let mut frames = FrameTable::new(1, &mut entries);
            frames.set_table(1, Kind::LeafTable, 0xffff_0001);
            for &index in &indices {
                frames.table_uses(1, index);
            }
            let range = frames.table_range(1);
            match (indices.iter().min(), indices.iter().max()) {
                (Some(&low), Some(&high)) => prop_assert_eq!(range, low..=high),
                _ => prop_assert!(range.is_empty()),
            }
            prop_assert_eq!(frames.table_next(1), 0xffff_0001);
            prop_assert!(frames.is(1, Kind::LeafTable));
        }
    }
}
