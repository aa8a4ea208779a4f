//! `mremap`: mappings grow, shrink and move, with their pages.

use crate::map::{Wish, range};
use crate::memory::Memory;
use crate::pages::Mapped;
use crate::ports::Machine;
use crate::region::{Backing, Kind, Region, mark, page};
use crate::space::Space;
use abi::layout::USER_END;
use abi::{Errno, PAGE_BYTES};
use proto::mem::remap;

/// What `mremap` asks for.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Where the mapping is.
    pub address: u64,
    /// How many bytes of it are meant.
    pub old_bytes: u64,
    /// How many there shall be.
    pub new_bytes: u64,
    /// [`remap`] bits.
    pub how: u32,
    /// Where it shall be, with [`remap::FIXED`].
    pub target: u64,
}

impl Change {
    fn has(&self, bit: u32) -> bool {
        self.how & bit != 0
    }

    /// The range that is meant, and its new length in whole pages.
    ///
    /// # Errors
    /// `EINVAL` for contradictions.
    fn check(&self) -> Result<(u64, u64, u64), Errno> {
        let known = remap::MAY_MOVE | remap::FIXED | remap::KEEP;
        let contradicts = (self.has(remap::FIXED | remap::KEEP) && !self.has(remap::MAY_MOVE))
            || (self.has(remap::KEEP) && self.old_bytes != self.new_bytes);
        if self.how & !known != 0 || contradicts {
            return Err(Errno::EINVAL);
        }
        let (start, end) = range(self.address, self.old_bytes)?;
        let wish = Wish::new(0, self.new_bytes, 0, 0)?;
        if self.has(remap::FIXED) {
            let place = range(self.target, wish.bytes)?;
            if place.0 < end && start < place.1 || place.0 < crate::region::LOWEST {
                return Err(Errno::EINVAL);
            }
        }
        Ok((start, end, wish.bytes))
    }
}

impl Memory {
    /// `mremap`: grows, shrinks or moves a mapping, and returns where it is then.
    ///
    /// # Errors
    /// `EINVAL`, `EFAULT` if the range is not one region, `ENOMEM`, `EAGAIN` for more locked memory
    /// than is allowed.
    pub fn remap<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        change: &Change,
    ) -> Result<u64, Errno> {
        let (start, old_end, bytes) = change.check()?;
        let region = space.regions.find(start).ok_or(Errno::EFAULT)?;
        let old_bytes = old_end - start;
        if region.kind != Kind::Plain
            || matches!(region.backing, Backing::Device { .. })
            || (old_bytes == 0 && !matches!(region.backing, Backing::Shared { .. }))
        {
            return Err(Errno::EINVAL);
        }
        if region.end < old_end {
            return Err(Errno::EFAULT);
        }
        let must_move = change.has(remap::FIXED | remap::KEEP) || old_bytes == 0;
        if !must_move && bytes <= old_bytes {
            space.regions.reserve()?;
            self.unmap(machine, space, start + bytes, old_end);
            return Ok(start);
        }
        let more = bytes.saturating_sub(old_bytes);
        if region.marks & mark::LOCKED != 0 {
            space.may_lock(more, Errno::EAGAIN)?;
        }
        let kept = if change.has(remap::KEEP) { bytes } else { 0 };
        self.allow(space, more + kept, region.is_private_writable())?;
        if !must_move && self.grow_in_place(space, &region, old_end, more) {
            return Ok(start);
        }
        if !change.has(remap::MAY_MOVE) {
            return Err(Errno::ENOMEM);
        }
        self.move_to(machine, space, change, (start, old_end), bytes)
    }

    /// Makes a region longer where nothing is behind it.
    fn grow_in_place(&mut self, space: &mut Space, region: &Region, end: u64, more: u64) -> bool {
        let Some(new_end) = end.checked_add(more).filter(|&end| end <= USER_END) else {
            return false;
        };
        if region.end != end || !space.regions.is_free(end, new_end) {
            return false;
        }
        space.regions.set_end(region.start, new_end);
        space.size += more;
        true
    }

    /// Moves a range of a region to where it shall be, or to where there is room.
    fn move_to<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        change: &Change,
        (start, end): (u64, u64),
        bytes: u64,
    ) -> Result<u64, Errno> {
        let moved_end = end.min(start + bytes);
        let chunks = space.pages.chunks_in(page(start)..page(moved_end)) + 1;
        space.pages.reserve(chunks)?;
        self.chunks.reserve(chunks)?;
        // Cutting out the target and the rest, and splitting the source, need room in the list.
        space.regions.reserve_for(9)?;
        let target = if change.has(remap::FIXED) {
            self.unmap(machine, space, change.target, change.target + bytes);
            change.target
        } else {
            space.regions.gap(bytes).ok_or(Errno::ENOMEM)?
        };
        if moved_end < end {
            self.unmap(machine, space, moved_end, end);
        }
        if end == start {
            self.duplicate(machine, space, start, target, bytes);
        } else {
            let keep = change.has(remap::KEEP);
            self.relocate(machine, space, (start, moved_end), (target, bytes), keep);
        }
        Ok(target)
    }

    /// Maps what a shared region shows from `start` on once more.
    fn duplicate<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        start: u64,
        target: u64,
        bytes: u64,
    ) {
        let Some(region) = space.regions.find(start) else {
            return;
        };
        let backing = match region.backing {
            Backing::Shared { object, offset } => Backing::Shared {
                object,
                offset: offset + (start - region.start),
            },
            other => other,
        };
        let copy = Region {
            start: target,
            end: target + bytes,
            backing,
            ..region
        };
        self.install(machine, space, copy);
    }

    /// Moves a part of a region to `target`, where nothing is, with its private pages. `keep`: the old
    /// place stays, without pages.
    fn relocate<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        (start, end): (u64, u64),
        (target, bytes): (u64, u64),
        keep: bool,
    ) {
        self.split(space, start, end);
        let at = space.regions.overlapping(start, end);
        let Some(&region) = space.regions.as_slice().get(at.start) else {
            return;
        };
        self.hide(machine, space, region.backing, start, end);
        for number in page(start)..page(end) {
            let mut moved = None;
            space
                .pages
                .remove(&mut self.chunks, number..number + 1, |_, frame| {
                    moved = Some(frame)
                });
            if let Some(frame) = moved {
                let to = number - page(start) + page(target);
                let done = space.pages.set(&mut self.chunks, to, frame, Mapped::No);
                debug_assert_eq!(done, Ok(None), "there was room, and nothing else");
            }
        }
        if keep {
            space.regions.mark(at, 0, mark::LOCKED);
            if let Some(object) = region.object() {
                self.objects.add_mapping(object);
            }
        } else {
            space.regions.remove(at);
            space.size -= region.bytes();
        }
        space.regions.insert(Region {
            start: target,
            end: target + bytes,
            ..region
        });
        space.size += bytes;
        debug_assert!(bytes >= end - start && bytes.is_multiple_of(PAGE_BYTES));
    }
}
