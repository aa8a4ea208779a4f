//! What a program does with its own space: `brk`, `mmap`, `mprotect`. Reservations are free; frames are
//! taken on touch.

use crate::memory::Memory;
use crate::ports::Machine;
use crate::region::{Backing, EXECUTE, Kind, LOWEST, READ, Region, WRITE, mark};
use crate::space::Space;
use abi::addr::{page_down, page_up};
use abi::layout::USER_END;
use abi::{Errno, PAGE_BYTES};
use proto::mem::{Prot, flags};

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
    /// `EINVAL` for no length or unknown bits, `ENOMEM` for a length beyond everything.
    pub fn new(address: u64, bytes: u64, prot: Prot, wished: u32) -> Result<Wish, Errno> {
        let known = flags::SHARED
            | flags::FIXED
            | flags::FIXED_NOREPLACE
            | flags::POPULATE
            | flags::STACK
            | flags::MAY_WRITE
            | flags::LOCKED
            | flags::GROWS;
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

    pub(crate) fn has(&self, flag: u32) -> bool {
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
            marks: if self.has(flags::GROWS) {
                mark::GROWS
            } else {
                0
            },
            backing,
        }
    }
}

/// Permission bits as a region keeps them.
///
/// # Errors
/// `EINVAL` for unknown bits.
pub fn check_prot(prot: Prot) -> Result<u8, Errno> {
    if prot > Prot::from(READ | WRITE | EXECUTE) {
        return Err(Errno::EINVAL);
    }
    Ok(prot as u8)
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
        space.marked |= region.marks != 0;
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
        } else if new > old
            && (space.may_lock_more(new - old).is_err() || self.grow_heap(space, old, new).is_err())
        {
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
            Some(heap)
                if heap.end == old
                    && heap.start == start
                    && heap.kind == Kind::Heap
                    && heap.marks == 0 =>
            {
                space.regions.set_end(start, new);
            }
            _ => space.regions.insert(Region {
                start: old,
                end: new,
                prot: READ | WRITE,
                kind: Kind::Heap,
                may_write: true,
                marks: 0,
                backing: Backing::Anonymous,
            }),
        }
        space.size += new - old;
        Ok(())
    }
}
