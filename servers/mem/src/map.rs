//! What a program does with its own space: `brk`, `mmap`, `munmap`, `mprotect`, `mremap`,
//! `madvise`. Reservations are free; frames are taken on touch.

use crate::memory::Memory;
use crate::pages::Mapped;
use crate::ports::Machine;
use crate::region::{Backing, EXECUTE, Kind, LOWEST, READ, Region, WRITE, page};
use crate::space::Space;
use abi::addr::{page_down, page_up};
use abi::layout::USER_END;
use abi::{Errno, PAGE_BYTES};
use proto::mem::{Prot, flags};

/// Bit of a `Remap` request: the mapping may move.
const MAY_MOVE: u32 = 1;

/// `madvise` numbers of Linux.
mod advice {
    pub const NORMAL: u32 = 0;
    pub const WILL_NEED: u32 = 3;
    pub const DONT_NEED: u32 = 4;
    pub const FREE: u32 = 8;
    pub const HUGE: u32 = 14;
    pub const DO_DUMP: u32 = 17;
}

/// A request for a mapping, its numbers checked.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Wished address, or 0.
    pub address: u64,
    /// Length in bytes, whole pages.
    pub bytes: u64,
    /// Permissions.
    pub prot: u8,
    /// [`flags`].
    pub flags: u32,
}

impl Wish {
    /// Checks the numbers of a request.
    ///
    /// # Errors
    /// `EINVAL` for no length or unknown bits, `ENOMEM` for a length beyond everything, `EACCES`
    /// for memory that is both writable and executable, which the kernel does not map.
    pub fn new(address: u64, bytes: u64, prot: Prot, wished: u32) -> Result<Wish, Errno> {
        let known = flags::SHARED
            | flags::FIXED
            | flags::FIXED_NOREPLACE
            | flags::POPULATE
            | flags::STACK
            | flags::MAY_WRITE;
        if bytes == 0 || wished & !known != 0 {
            return Err(Errno::EINVAL);
        }
        let bytes = page_up(bytes)
            .filter(|&bytes| bytes <= USER_END)
            .ok_or(Errno::ENOMEM)?;
        Ok(Wish {
            address,
            bytes,
            prot: check_prot(prot)?,
            flags: wished,
        })
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The region at `start`.
    pub fn region(&self, start: u64, backing: Backing) -> Region {
        let shared = matches!(backing, Backing::Shared { .. });
        let may_write = !shared || self.prot & WRITE != 0 || self.has(flags::MAY_WRITE);
        Region {
            start,
            end: start + self.bytes,
            prot: self.prot,
            kind: Kind::Plain,
            may_write,
            backing,
        }
    }
}

/// Permission bits as a region keeps them.
///
/// # Errors
/// `EINVAL` for unknown bits, `EACCES` for write with execute.
pub fn check_prot(prot: Prot) -> Result<u8, Errno> {
    if prot > Prot::from(READ | WRITE | EXECUTE) {
        return Err(Errno::EINVAL);
    }
    let prot = prot as u8;
    if prot & (WRITE | EXECUTE) == WRITE | EXECUTE {
        return Err(Errno::EACCES);
    }
    Ok(prot)
}

/// The range of whole pages that starts at `address`.
///
/// # Errors
/// `EINVAL` if it is not aligned or not in the user half.
pub fn range(address: u64, bytes: u64) -> Result<(u64, u64), Errno> {
    let bytes = page_up(bytes).ok_or(Errno::EINVAL)?;
    let end = address
        .checked_add(bytes)
        .filter(|&end| end <= USER_END)
        .ok_or(Errno::EINVAL)?;
    if !address.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL);
    }
    Ok((address, end))
}

impl Memory {
    /// Finds the place of a mapping. Nothing changes.
    ///
    /// # Errors
    /// `EINVAL`, `EPERM` for the lowest pages, `EEXIST`, `ENOMEM`.
    pub fn place(&self, space: &Space, wish: &Wish) -> Result<u64, Errno> {
        let fits = |start: u64| start <= USER_END - wish.bytes;
        if wish.has(flags::FIXED) || wish.has(flags::FIXED_NOREPLACE) {
            if !wish.address.is_multiple_of(PAGE_BYTES) {
                return Err(Errno::EINVAL);
            }
            if wish.address < LOWEST {
                return Err(Errno::EPERM);
            }
            if !fits(wish.address) {
                return Err(Errno::ENOMEM);
            }
            let free = space
                .regions
                .is_free(wish.address, wish.address + wish.bytes);
            if wish.has(flags::FIXED_NOREPLACE) && !free {
                return Err(Errno::EEXIST);
            }
            return Ok(wish.address);
        }
        let hint = page_down(wish.address);
        if hint >= LOWEST && fits(hint) && space.regions.is_free(hint, hint + wish.bytes) {
            return Ok(hint);
        }
        space.regions.gap(wish.bytes).ok_or(Errno::ENOMEM)
    }

    /// Whether the space may have `bytes` more.
    ///
    /// # Errors
    /// `ENOMEM` beyond its limits, and for more private writable memory than the machine has.
    pub fn allow(&self, space: &mut Space, bytes: u64, writable: bool) -> Result<(), Errno> {
        space.regions.reserve()?;
        let all = u64::from(self.frames.total()) * PAGE_BYTES;
        if space.size.saturating_add(bytes) > space.limits.memory || (writable && bytes > all) {
            return Err(Errno::ENOMEM);
        }
        Ok(())
    }

    /// Puts a region where `place` said, replacing what is there.
    pub fn install<M: Machine>(&mut self, machine: &mut M, space: &mut Space, region: Region) {
        if let Some(object) = region.object() {
            self.objects.add_mapping(object);
        }
        self.unmap(machine, space, region.start, region.end);
        space.size += region.bytes();
        space.regions.insert(region);
    }

    /// Maps zeros.
    ///
    /// # Errors
    /// As [`Memory::place`] and [`Memory::allow`].
    pub fn map<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        wish: &Wish,
    ) -> Result<u64, Errno> {
        self.allow(space, wish.bytes, wish.prot & WRITE != 0)?;
        let start = self.place(space, wish)?;
        let backing = if wish.has(flags::SHARED) {
            Backing::Shared {
                object: self.objects.create(wish.bytes, None)?,
                offset: 0,
            }
        } else {
            Backing::Anonymous
        };
        // Who may share zeros with nobody but its children may also make them writable.
        self.install(
            machine,
            space,
            Region {
                may_write: true,
                ..wish.region(start, backing)
            },
        );
        Ok(start)
    }

    /// Splits the regions at both ends of a range.
    pub(crate) fn split(&mut self, space: &mut Space, start: u64, end: u64) {
        for address in [start, end] {
            if let Some(object) = space.regions.split(address) {
                self.objects.add_mapping(object);
            }
        }
    }

    /// Changes permissions.
    ///
    /// # Errors
    /// `ENOMEM` for a hole, `EACCES` where it is not allowed; nothing has changed.
    pub fn protect<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        (start, end): (u64, u64),
        prot: u8,
    ) -> Result<(), Errno> {
        if start == end {
            return Ok(());
        }
        space.regions.reserve()?;
        if !space.regions.covers(start, end) {
            return Err(Errno::ENOMEM);
        }
        let forbidden = |region: &Region| {
            (prot & WRITE != 0 && !region.may_write)
                || matches!(region.backing, Backing::Device { .. })
        };
        if space.regions.as_slice()[space.regions.overlapping(start, end)]
            .iter()
            .any(forbidden)
        {
            return Err(Errno::EACCES);
        }
        self.split(space, start, end);
        let changed = space.regions.overlapping(start, end);
        space.regions.protect(changed, prot);
        self.weaken(machine, space, start, end, prot);
        Ok(())
    }

    /// Moves the end of the heap and returns the end in force.
    pub fn brk<M: Machine>(&mut self, machine: &mut M, space: &mut Space, end: u64) -> u64 {
        let old = page_up(space.heap_end).unwrap_or(space.heap_end);
        let Some(new) = page_up(end).filter(|&new| end >= space.heap_start && new <= USER_END)
        else {
            return space.heap_end;
        };
        if space.heap_start == 0 || end - space.heap_start > space.limits.data {
            return space.heap_end;
        }
        if new < old {
            if space.regions.reserve().is_err() {
                return space.heap_end;
            }
            self.unmap(machine, space, new, old);
        } else if new > old && self.grow_heap(space, old, new).is_err() {
            return space.heap_end;
        }
        space.heap_end = end;
        end
    }

    /// # Errors
    /// `ENOMEM` if something else is there or a limit is in the way.
    fn grow_heap(&mut self, space: &mut Space, old: u64, new: u64) -> Result<(), Errno> {
        self.allow(space, new - old, true)?;
        if !space.regions.is_free(old, new) {
            return Err(Errno::ENOMEM);
        }
        let start = space.heap_start;
        match space.regions.find(start) {
            Some(heap) if heap.end == old && heap.start == start && heap.kind == Kind::Heap => {
                space.regions.set_end(start, new);
            }
            _ => space.regions.insert(Region {
                start: old,
                end: new,
                prot: READ | WRITE,
                kind: Kind::Heap,
                may_write: true,
                backing: Backing::Anonymous,
            }),
        }
        space.size += new - old;
        Ok(())
    }

    /// `mremap`: grows or shrinks a mapping, moving it if it may.
    ///
    /// # Errors
    /// `EINVAL`, `EFAULT` if the range is not one plain region, `ENOMEM`.
    pub fn remap<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        (address, old_bytes, new_bytes): (u64, u64, u64),
        how: u32,
    ) -> Result<u64, Errno> {
        let (start, old_end) = range(address, old_bytes)?;
        let wish = Wish::new(0, new_bytes, 0, 0)?;
        if how & !MAY_MOVE != 0 || start == old_end {
            return Err(Errno::EINVAL);
        }
        let region = space
            .regions
            .find(start)
            .filter(|region| region.end >= old_end)
            .ok_or(Errno::EFAULT)?;
        if region.kind != Kind::Plain || matches!(region.backing, Backing::Device { .. }) {
            return Err(Errno::EINVAL);
        }
        let old_bytes = old_end - start;
        if wish.bytes <= old_bytes {
            space.regions.reserve()?;
            self.unmap(machine, space, start + wish.bytes, old_end);
            return Ok(start);
        }
        let more = wish.bytes - old_bytes;
        self.allow(space, more, region.is_private_writable())?;
        let new_end = start.checked_add(wish.bytes).filter(|&end| end <= USER_END);
        if let Some(new_end) = new_end
            && region.end == old_end
            && space.regions.is_free(old_end, new_end)
        {
            space.regions.set_end(region.start, new_end);
            space.size += more;
            return Ok(start);
        }
        if how & MAY_MOVE == 0 {
            return Err(Errno::ENOMEM);
        }
        let target = space.regions.gap(wish.bytes).ok_or(Errno::ENOMEM)?;
        let chunks = space.pages.chunks_in(page(start)..page(old_end)) + 1;
        space.pages.reserve(chunks)?;
        self.chunks.reserve(chunks)?;
        self.relocate(machine, space, (start, old_end), target, wish.bytes);
        Ok(target)
    }

    /// Moves a part of a region to `target`, where nothing is, with its private pages.
    fn relocate<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        (start, end): (u64, u64),
        target: u64,
        bytes: u64,
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
        space.regions.remove(at);
        space.regions.insert(Region {
            start: target,
            end: target + bytes,
            ..region
        });
        space.size += bytes - region.bytes();
    }

    /// `madvise`.
    ///
    /// # Errors
    /// `EINVAL` for advice that would change something we do not do, `ENOMEM` for a hole.
    pub fn advise<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        (start, end): (u64, u64),
        number: u32,
    ) -> Result<(), Errno> {
        match number {
            advice::DONT_NEED | advice::FREE => {
                for at in space.regions.overlapping(start, end) {
                    let region = space.regions.as_slice()[at];
                    if matches!(region.backing, Backing::Device { .. }) {
                        return Err(Errno::EINVAL);
                    }
                    let (from, to) = (region.start.max(start), region.end.min(end));
                    self.hide(machine, space, region.backing, from, to);
                    self.drop_private(space, from, to);
                }
            }
            advice::NORMAL..=advice::WILL_NEED | advice::HUGE..=advice::DO_DUMP => (),
            _ => return Err(Errno::EINVAL),
        }
        if space.regions.covers(start, end) {
            Ok(())
        } else {
            Err(Errno::ENOMEM)
        }
    }
}
