//! The supply of page frames, and how many owners each one has.
//!
//! Invariant: a frame is either free (in the list or in a fresh range) or has a count of at least
//! one; `free` is the number of the free ones. One table of 32-bit entries holds the count of a
//! used frame and the link of a free one, so taking and giving back cost a few instructions and
//! never allocate.

use abi::boot::FrameRange;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Frames that programs cannot have, so that the servers survive when programs use up memory.
pub const RESERVE: u32 = 64;

/// A sixteenth of all frames, but at most this many, cannot become objects' (files'), so that there
/// is always room for the programs that empty a full file system.
const ROOM_FOR_PROGRAMS: u32 = 2048;

/// Mark of a free frame's entry; the rest of the entry is the next free frame's index.
const FREE: u32 = 1 << 31;
/// End of the list of free frames.
const END: u32 = FREE - 1;

/// For whom a frame is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rank {
    /// A program: leaves [`RESERVE`] frames, and those that are promised to objects.
    #[default]
    Program,
    /// A server: may take the last one.
    Server,
}

/// All frames that the server decides about.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Frames {
    /// Number of the frame that `entries[0]` describes.
    base: u32,
    /// Count of a used frame, [`FREE`] and link of a free one, 0 for one never used.
    entries: Vec<u32>,
    /// First of the list of free frames that were used before.
    head: u32,
    /// Ranges never used so far; the last one is used first.
    fresh: Vec<FreshRange>,
    /// Free frames in all.
    free: u32,
    /// Fewest free frames since [`Frames::watch_from_now`].
    least: u32,
    /// Frames managed in all.
    total: u32,
    /// Frames that the kernel holds as objects and tables.
    kernel: u32,
    /// Frames that are kept back for objects.
    promised: u32,
}

/// A range of frames that nobody used so far.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct FreshRange {
    first: u32,
    count: u32,
}

impl Frames {
    /// Manages the frames of `free`, and those of `fixed` as used once already.
    pub fn new(free: &[FrameRange], fixed: FrameRange) -> Self {
        let used = free
            .iter()
            .chain(core::iter::once(&fixed))
            .filter(|range| range.count > 0);
        let base = used.clone().map(|range| range.first).min().unwrap_or(0);
        let end = used
            .map(|range| range.first.saturating_add(range.count))
            .max()
            .unwrap_or(0);
        let mut fresh: Vec<FreshRange> = (free.iter().filter(|range| range.count > 0))
            .map(|range| FreshRange {
                first: range.first,
                count: range.count,
            })
            .collect();
        fresh.sort_by_key(|range| core::cmp::Reverse(range.first));
        let count = fresh.iter().map(|range| range.count).sum();
        let mut frames = Frames {
            base,
            entries: vec![0; (end - base) as usize],
            head: END,
            fresh,
            free: count,
            least: count,
            total: count + fixed.count,
            kernel: 0,
            promised: 0,
        };
        for frame in fixed.first..fixed.first.saturating_add(fixed.count) {
            frames.entries[(frame - base) as usize] = 1;
        }
        frames
    }

    /// Takes a frame whose content is unknown; its count is 1.
    pub fn take(&mut self, rank: Rank) -> Option<u32> {
        if self.free <= self.floor(rank) {
            return None;
        }
        let index = self.pop()?;
        *self.entries.get_mut(index as usize)? = 1;
        self.free -= 1;
        self.least = self.least.min(self.free);
        Some(self.base + index)
    }

    /// Frames that must be left.
    fn floor(&self, rank: Rank) -> u32 {
        match rank {
            Rank::Program => RESERVE.saturating_add(self.promised),
            Rank::Server => 0,
        }
    }

    /// Keeps back so many frames from programs.
    pub fn promise(&mut self, count: u64) {
        self.promised = count.min(u64::from(u32::MAX)) as u32;
    }

    fn pop(&mut self) -> Option<u32> {
        if self.head != END {
            let index = self.head;
            self.head = self.entries.get(index as usize)? & !FREE;
            return Some(index);
        }
        let range = self.fresh.last_mut()?;
        let index = range.first - self.base;
        range.first += 1;
        range.count -= 1;
        if range.count == 0 {
            self.fresh.pop();
        }
        Some(index)
    }

    /// Takes a frame that goes to the kernel.
    pub fn take_kernel(&mut self, rank: Rank) -> Option<u32> {
        let frame = self.take(rank)?;
        self.kernel += 1;
        Some(frame)
    }

    /// Gives back a frame that the kernel had.
    pub fn release_kernel(&mut self, frame: u32) {
        self.kernel = self.kernel.saturating_sub(1);
        self.release(frame);
    }

    /// Adds an owner.
    pub fn share(&mut self, frame: u32) {
        let entry = &mut self.entries[frame.wrapping_sub(self.base) as usize];
        debug_assert!(*entry & FREE == 0 && *entry > 0, "a free frame is shared");
        *entry += 1;
    }

    /// Removes an owner; the last one's frame becomes free.
    pub fn release(&mut self, frame: u32) {
        let index = frame.wrapping_sub(self.base);
        let entry = &mut self.entries[index as usize];
        debug_assert!(*entry & FREE == 0 && *entry > 0, "a free frame is released");
        if *entry > 1 {
            *entry -= 1;
            return;
        }
        *entry = FREE | self.head;
        self.head = index;
        self.free += 1;
    }

    /// How many owners the frame has; 0 for a free frame and for one that is not ours.
    pub fn owners(&self, frame: u32) -> u32 {
        match self.entries.get(frame.wrapping_sub(self.base) as usize) {
            Some(&entry) if entry & FREE == 0 => entry,
            _ => 0,
        }
    }

    /// Whether `count` more frames can be taken.
    pub fn has(&self, count: u64, rank: Rank) -> bool {
        count <= u64::from(self.free.saturating_sub(self.floor(rank)))
    }

    /// Whether objects may grow by `count` frames.
    pub fn has_for_objects(&self, count: u64) -> bool {
        let room = u64::from((self.total / 16).min(ROOM_FOR_PROGRAMS));
        count == 0 || self.has(count.saturating_add(room), Rank::Program)
    }

    /// Free frames.
    pub fn free(&self) -> u32 {
        self.free
    }

    /// Fewest frames that were free at a time.
    pub fn least_free(&self) -> u32 {
        self.least
    }

    /// Forgets what was before.
    pub fn watch_from_now(&mut self) {
        self.least = self.free;
    }

    /// Managed frames, used ones included.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Frames in kernel objects and page tables.
    pub fn kernel(&self) -> u32 {
        self.kernel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: FrameRange = FrameRange { first: 0, count: 0 };

    fn frames(count: u32) -> Frames {
        Frames::new(&[FrameRange { first: 100, count }], NONE)
    }

    #[test]
    fn all_frames_can_be_taken_once_and_return() {
        let mut frames = frames(70);
        let taken: Vec<u32> = core::iter::from_fn(|| frames.take(Rank::Server)).collect();
        assert_eq!(taken, (100..170).collect::<Vec<_>>());
        taken.iter().for_each(|&frame| frames.release(frame));
        assert_eq!(frames.free(), 70);
        assert_eq!(
            frames.take(Rank::Server),
            Some(169),
            "the last freed is the warmest"
        );
    }

    #[test]
    fn the_fewest_free_frames_are_remembered_until_told_otherwise() {
        let mut frames = frames(70);
        let taken = [(); 3].map(|()| frames.take(Rank::Server).unwrap());
        taken.iter().for_each(|&frame| frames.release(frame));
        assert_eq!((frames.free(), frames.least_free()), (70, 67));
        frames.watch_from_now();
        assert_eq!(frames.least_free(), 70);
    }

    #[test]
    fn programs_leave_the_reserve() {
        let mut frames = frames(RESERVE + 1);
        assert!(frames.take(Rank::Program).is_some());
        assert_eq!(frames.take(Rank::Program), None);
        assert!(frames.take(Rank::Server).is_some());
    }

    #[test]
    fn objects_leave_room_for_programs() {
        let frames = frames(RESERVE + 96);
        let room = u64::from((RESERVE + 96) / 16);
        assert!(frames.has_for_objects(96 - room));
        assert!(!frames.has_for_objects(97 - room));
        assert!(frames.has(96, Rank::Program));
        assert!(frames.has_for_objects(0));
    }

    #[test]
    fn a_shared_frame_is_free_after_its_last_owner() {
        let mut frames = frames(70);
        let frame = frames.take(Rank::Program).unwrap();
        frames.share(frame);
        frames.release(frame);
        assert_eq!((frames.owners(frame), frames.free()), (1, 69));
        frames.release(frame);
        assert_eq!((frames.owners(frame), frames.free()), (0, 70));
    }

    #[test]
    fn fixed_frames_are_used_until_released() {
        let mut frames = Frames::new(
            &[FrameRange { first: 8, count: 1 }],
            FrameRange { first: 2, count: 2 },
        );
        assert_eq!((frames.free(), frames.total(), frames.owners(3)), (1, 3, 1));
        frames.release(3);
        assert_eq!(frames.free(), 2);
    }
}
