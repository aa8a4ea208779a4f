//! Locked memory: `mlock` and its kin, `mincore`.
//!
//! Nothing here ever takes a page away, so locking makes pages present and counts them.

use crate::map::Wish;
use crate::memory::Memory;
use crate::policy::ForkPolicy;
use crate::ports::Machine;
use crate::region::{Backing, Kind, Region, mark, page};
use crate::remap::Change;
use crate::space::{Future, Space};
use crate::{Mem, Resolution};
use abi::addr::{page_down, page_up};
use abi::layout::{PERSONALITY, USER_END};
use abi::message::{access, decline};
use abi::{Errno, PAGE_BYTES};
use proto::Pid;
use proto::mem::{Reply, flags, lock};
use proto::port::{Callers, Incoming, Refusal};

/// Bits of `mlockall`.
mod all {
    pub const CURRENT: u32 = 1;
    pub const FUTURE: u32 = 2;
    pub const ON_FAULT: u32 = 4;
}

/// Pages of which `mincore` tells at once.
const PIECE: usize = 1024;

/// Whether a program's locks concern a region: the personality's are none of its own.
fn counts(region: &Region) -> bool {
    region.start < PERSONALITY && !matches!(region.backing, Backing::Device { .. })
}

impl Space {
    /// Bytes that are locked.
    fn locked(&self) -> u64 {
        let locked = |region: &&Region| region.marks & mark::LOCKED != 0;
        let list = self.regions.as_slice().iter();
        list.filter(locked).map(Region::bytes).sum()
    }

    /// Whether so many more bytes may be locked.
    ///
    /// # Errors
    /// `refusal`.
    pub(crate) fn may_lock(&self, more: u64, refusal: Errno) -> Result<(), Errno> {
        let over = || self.locked().saturating_add(more) > self.lock_limit;
        if self.lock_limit != u64::MAX && over() {
            Err(refusal)
        } else {
            Ok(())
        }
    }

    /// Whether a mapping of so many bytes may come, if such are locked.
    ///
    /// # Errors
    /// `EAGAIN`.
    pub(crate) fn may_lock_more(&self, more: u64) -> Result<(), Errno> {
        match self.future {
            Future::Free => Ok(()),
            _ => self.may_lock(more, Errno::EAGAIN),
        }
    }

    /// How a new mapping is locked.
    ///
    /// # Errors
    /// `EPERM`, `EAGAIN` if it may not be.
    pub(crate) fn lock_for(&self, wish: &Wish) -> Result<Future, Errno> {
        let asked = wish.has(flags::LOCKED);
        if asked && self.lock_limit < PAGE_BYTES {
            return Err(Errno::EPERM);
        }
        if asked || self.future != Future::Free {
            self.may_lock(wish.bytes, Errno::EAGAIN)?;
        }
        Ok(if asked { Future::Locked } else { self.future })
    }

    /// How many regions of a range are locked.
    ///
    /// # Errors
    /// `ENOMEM` for a hole.
    pub(crate) fn check(&self, (start, end): (u64, u64)) -> Result<u64, Errno> {
        if !self.regions.covers(start, end) {
            return Err(Errno::ENOMEM);
        }
        let there = &self.regions.as_slice()[self.regions.overlapping(start, end)];
        let locked = |region: &&Region| region.marks & mark::LOCKED != 0;
        Ok(there.iter().filter(locked).count() as u64)
    }
}

impl Memory {
    /// Does to a child's regions what its parent's program asked for.
    pub(crate) fn obey_marks<M: Machine>(&mut self, machine: &mut M, child: &mut Space) {
        let mut at = 0;
        while let Some(&region) = child.regions.as_slice().get(at) {
            if region.marks & mark::NOT_FORKED != 0 {
                self.unmap(machine, child, region.start, region.end);
                continue;
            }
            if region.marks & mark::WIPED != 0 {
                self.hide(machine, child, region.backing, region.start, region.end);
                self.drop_private(child, region.start, region.end);
            }
            at += 1;
        }
        child.regions.mark(0..at, 0, mark::LOCKED);
    }

    /// Changes the marks of a range that is in regions.
    ///
    /// # Errors
    /// `ENOMEM` if the space has too many regions then.
    pub(crate) fn mark(
        &mut self,
        space: &mut Space,
        (start, end): (u64, u64),
        set: u8,
        cleared: u8,
    ) -> Result<(), Errno> {
        space.regions.reserve()?;
        self.split(space, start, end);
        let changed = space.regions.overlapping(start, end);
        space.regions.mark(changed, set, cleared);
        space.marked |= set != 0;
        Ok(())
    }
}

impl<P: ForkPolicy> Mem<P> {
    /// `mlock2`, `munlock`. What is mapped in front of a hole is locked all the same, as on Linux.
    ///
    /// # Errors
    /// `EINVAL`, `EPERM`, `ENOMEM`, `EAGAIN`.
    pub(crate) fn lock<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        (address, bytes): (u64, u64),
        how: u32,
    ) -> Result<(), Errno> {
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        if how > lock::NOT {
            return Err(Errno::EINVAL);
        }
        if how != lock::NOT && space.lock_limit < PAGE_BYTES {
            return Err(Errno::EPERM);
        }
        let start = page_down(address);
        let end = address.checked_add(bytes).and_then(page_up);
        let end = end.filter(|&end| end >= start).ok_or(Errno::EINVAL)?;
        if start == end {
            return Ok(());
        }
        let covered = space.regions.covered(start, end);
        if how != lock::NOT {
            let inside = &space.regions.as_slice()[space.regions.overlapping(start, end)];
            let again = inside
                .iter()
                .filter(|region| region.marks & mark::LOCKED != 0)
                .map(|region| region.end.min(end) - region.start.max(start))
                .sum::<u64>();
            space.may_lock((end - start).saturating_sub(again), Errno::ENOMEM)?;
        }
        if covered > start {
            let (set, cleared) = match how {
                lock::NOT => (0, mark::LOCKED),
                _ => (mark::LOCKED, 0),
            };
            self.memory.mark(space, (start, covered), set, cleared)?;
        }
        if covered < end {
            return Err(Errno::ENOMEM);
        }
        match how {
            lock::NOW => self.make_present(machine, pid, (start, end)),
            _ => Ok(()),
        }
    }

    /// `mlockall`, `munlockall`.
    ///
    /// # Errors
    /// `EINVAL`, `EPERM`, `ENOMEM`.
    pub(crate) fn lock_all<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        wished: u32,
    ) -> Result<(), Errno> {
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        if wished & !(all::CURRENT | all::FUTURE | all::ON_FAULT) != 0 || wished == all::ON_FAULT {
            return Err(Errno::EINVAL);
        }
        if wished != 0 && space.lock_limit < PAGE_BYTES {
            return Err(Errno::EPERM);
        }
        if wished & all::CURRENT != 0 && space.size > space.lock_limit {
            return Err(Errno::ENOMEM);
        }
        space.future = match wished & (all::FUTURE | all::ON_FAULT) {
            0 | all::ON_FAULT => Future::Free,
            all::FUTURE => Future::Locked,
            _ => Future::LockedOnFault,
        };
        if wished & all::CURRENT == 0 && wished != 0 {
            return Ok(());
        }
        let list: alloc::vec::Vec<Region> = (space.regions.as_slice().iter())
            .filter(|region| counts(region))
            .copied()
            .collect();
        for region in list {
            let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
            let place = (region.start, region.end);
            let (set, cleared) = match wished {
                0 => (0, mark::LOCKED),
                _ => (mark::LOCKED, 0),
            };
            self.memory.mark(space, place, set, cleared)?;
            if wished & all::ON_FAULT == 0 && wished != 0 && region.kind != Kind::Stack {
                // As on Linux, what cannot be made present is no error here.
                let _ = self.make_present(machine, pid, place);
            }
        }
        Ok(())
    }

    /// Locks a new mapping, as far as that was asked for.
    pub(crate) fn lock_new<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        (start, bytes): (u64, u64),
        lock: Future,
    ) {
        if lock == Future::Free {
            return;
        }
        let place = (start, start + bytes);
        if let Some(space) = self.spaces.get_mut(pid)
            && self.memory.mark(space, place, mark::LOCKED, 0).is_ok()
            && lock == Future::Locked
        {
            // A mapping is no less there for lack of frames.
            let _ = self.make_present(machine, pid, place);
        }
    }

    /// `brk`; what it adds is locked if all mappings to come are.
    ///
    /// # Errors
    /// `ESRCH`.
    pub(crate) fn brk<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        end: u64,
    ) -> Result<u64, Errno> {
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let old = space.heap_end;
        let new = self.memory.brk(machine, space, end);
        let future = space.future;
        if future != Future::Free && new > old {
            let from = page_up(old).unwrap_or(old);
            let bytes = page_up(new).unwrap_or(new) - from;
            self.lock_new(machine, pid, (from, bytes), future);
        }
        Ok(new)
    }

    /// `mremap`; what a locked mapping grows by is made present.
    ///
    /// # Errors
    /// As [`Memory::remap`].
    pub(crate) fn change<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        change: &Change,
    ) -> Result<u64, Errno> {
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let start = self.memory.remap(machine, space, change)?;
        let region = space.regions.find(start);
        if region.is_some_and(|region| region.marks & mark::LOCKED != 0) {
            let bytes = page_up(change.new_bytes).unwrap_or(0);
            // As on Linux, the mapping has grown even if its pages could not be had.
            let _ = self.make_present(machine, pid, (start, start + bytes));
        }
        Ok(start)
    }

    /// Touches all pages of a range as `mlock` does: private ones are written to, so that they are
    /// copied now and not later.
    ///
    /// # Errors
    /// `EAGAIN` without frames, `ENOMEM` where the program itself could not touch.
    pub(crate) fn make_present<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        (start, end): (u64, u64),
    ) -> Result<(), Errno> {
        let mut at = start;
        while at < end {
            let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
            let region = space.regions.find(at).ok_or(Errno::ENOMEM)?;
            let write = region.is_private_writable();
            let bits = if write { access::WRITE } else { 0 };
            match self.fault(machine, pid, at, bits) {
                Resolution::Retry => at += PAGE_BYTES,
                Resolution::Decline(decline::NO_MEMORY) => return Err(Errno::EAGAIN),
                Resolution::Decline(_) => return Err(Errno::ENOMEM),
            }
        }
        Ok(())
    }

    /// How much `pid` may lock.
    ///
    /// # Errors
    /// `ESRCH`.
    pub(crate) fn limit_locks(&mut self, pid: Pid, bytes: u64) -> Result<(), Errno> {
        let owner = self.spaces.memory_of(pid);
        self.spaces.get_mut(owner).ok_or(Errno::ESRCH)?.lock_limit = bytes;
        Ok(())
    }

    /// `mincore`.
    ///
    /// # Errors
    /// `EINVAL`, `ENOMEM` for a hole, `EFAULT`.
    pub(crate) fn tell_resident<C: Callers<Reply>>(
        &mut self,
        callers: &mut C,
        incoming: &Incoming<proto::mem::Request>,
        (start, bytes): (u64, u64),
    ) -> Result<Reply, Refusal> {
        if !start.is_multiple_of(PAGE_BYTES) {
            return Err(Errno::EINVAL.into());
        }
        let bytes = page_up(bytes).ok_or(Errno::ENOMEM)?;
        let end = start.checked_add(bytes).filter(|&end| end <= USER_END);
        let end = end.ok_or(Errno::ENOMEM)?;
        let pid = self.spaces.memory_of(incoming.sender);
        let mut piece = [0; PIECE];
        let (mut at, mut told) = (start, 0);
        while at < end {
            let count = (u64::from(page(end - at)) as usize).min(PIECE);
            for byte in &mut piece[..count] {
                let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
                let region = space.regions.find(at).ok_or(Errno::ENOMEM)?;
                *byte = u8::from(self.memory.is_present(space, &region, page(at)));
                at += PAGE_BYTES;
            }
            callers.write(incoming.token, 0, told, &piece[..count])?;
            told += count as u64;
        }
        Ok(Reply::Done)
    }
}

impl Memory {
    /// Whether a page of a region has a frame.
    fn is_present(&self, space: &Space, region: &Region, number: u32) -> bool {
        let own = space.pages.get(&self.chunks, number).is_some();
        own || region
            .object()
            .and_then(|id| self.objects.get(id))
            .is_some_and(|object| {
                let pages = &object.pages;
                pages
                    .get(&self.chunks, region.object_page(number))
                    .is_some()
            })
    }
}
