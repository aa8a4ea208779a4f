//! `madvise`.

use crate::policy::ForkPolicy;
use crate::ports::Machine;
use crate::region::{Backing, Region, WRITE, mark};
use crate::{Mem, Resolution};
use abi::message::{access, decline};
use abi::{Errno, PAGE_BYTES};
use proto::Pid;

/// `madvise` numbers of Linux.
mod advice {
    pub const NORMAL: u32 = 0;
    pub const WILL_NEED: u32 = 3;
    pub const DONT_NEED: u32 = 4;
    pub const FREE: u32 = 8;
    pub const REMOVE: u32 = 9;
    pub const DONT_FORK: u32 = 10;
    pub const DO_FORK: u32 = 11;
    pub const MERGEABLE: u32 = 12;
    pub const DO_DUMP: u32 = 17;
    pub const WIPE_ON_FORK: u32 = 18;
    pub const KEEP_ON_FORK: u32 = 19;
    pub const COLD: u32 = 20;
    pub const PAGE_OUT: u32 = 21;
    pub const POPULATE_READ: u32 = 22;
    pub const POPULATE_WRITE: u32 = 23;
    pub const DONT_NEED_LOCKED: u32 = 24;
}

/// The part of a range that is in a region.
fn part(region: &Region, (start, end): (u64, u64)) -> (u64, u64) {
    (region.start.max(start), region.end.min(end))
}

/// Refuses regions that are locked, unless `even_locked`, and devices.
fn may_drop(region: &Region, number: u32) -> Result<(), Errno> {
    let locked = region.marks & mark::LOCKED != 0 && number != advice::DONT_NEED_LOCKED;
    let shared = number == advice::FREE && region.backing != Backing::Anonymous;
    if locked || shared || matches!(region.backing, Backing::Device { .. }) {
        Err(Errno::EINVAL)
    } else {
        Ok(())
    }
}

impl<P: ForkPolicy> Mem<P> {
    /// `madvise`. What is mapped is advised even if there are holes between.
    ///
    /// # Errors
    /// `EINVAL` for unknown advice, or where it cannot be followed; `ENOMEM` for a hole; `EACCES`.
    pub(crate) fn advise<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        (start, end): (u64, u64),
        number: u32,
    ) -> Result<(), Errno> {
        if number > advice::DONT_NEED_LOCKED || (5..8).contains(&number) {
            return Err(Errno::EINVAL);
        }
        if start == end {
            return Ok(());
        }
        if let advice::POPULATE_READ | advice::POPULATE_WRITE = number {
            let bits = match number {
                advice::POPULATE_WRITE => access::WRITE,
                _ => 0,
            };
            return self.populate_all(machine, pid, (start, end), bits);
        }
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let there = space.regions.as_slice()[space.regions.overlapping(start, end)].to_vec();
        for region in &there {
            self.advise_region(machine, pid, region, part(region, (start, end)), number)?;
        }
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        space.check((start, end)).map(drop)
    }

    fn advise_region<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        region: &Region,
        place: (u64, u64),
        number: u32,
    ) -> Result<(), Errno> {
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let memory = &mut self.memory;
        match number {
            advice::NORMAL..=advice::WILL_NEED | advice::MERGEABLE..=advice::DO_DUMP => Ok(()),
            advice::COLD | advice::PAGE_OUT => may_drop(region, number),
            advice::DONT_NEED | advice::FREE | advice::DONT_NEED_LOCKED => {
                may_drop(region, number)?;
                memory.hide(machine, space, region.backing, place.0, place.1);
                memory.drop_private(space, place.0, place.1);
                Ok(())
            }
            advice::REMOVE => self.remove(machine, region, place),
            advice::DONT_FORK => memory.mark(space, place, mark::NOT_FORKED, 0),
            advice::DO_FORK => memory.mark(space, place, 0, mark::NOT_FORKED),
            advice::WIPE_ON_FORK if region.backing != Backing::Anonymous => Err(Errno::EINVAL),
            advice::WIPE_ON_FORK => memory.mark(space, place, mark::WIPED, 0),
            advice::KEEP_ON_FORK => memory.mark(space, place, 0, mark::WIPED),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Makes a hole in what a shared mapping shows.
    fn remove<M: Machine>(
        &mut self,
        machine: &mut M,
        region: &Region,
        (start, end): (u64, u64),
    ) -> Result<(), Errno> {
        let Backing::Shared { object, offset } = region.backing else {
            return Err(Errno::EINVAL);
        };
        if region.marks & mark::LOCKED != 0 {
            return Err(Errno::EINVAL);
        }
        if region.prot & WRITE == 0 {
            return Err(Errno::EACCES);
        }
        let from = offset + (start - region.start);
        self.zero(machine, object, from, end - start)
    }

    /// Makes pages present, as touching them would.
    fn populate_all<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        (start, end): (u64, u64),
        bits: u64,
    ) -> Result<(), Errno> {
        let mut at = start;
        while at < end {
            match self.fault(machine, pid, at, bits) {
                Resolution::Retry => at += PAGE_BYTES,
                Resolution::Decline(decline::NOT_ALLOWED) => return Err(Errno::EINVAL),
                Resolution::Decline(decline::NO_OBJECT) => return Err(Errno::EFAULT),
                Resolution::Decline(_) => return Err(Errno::ENOMEM),
            }
        }
        Ok(())
    }
}
