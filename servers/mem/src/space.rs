//! Address spaces, by process id. A slot that becomes free keeps its lists' memory, so that the
//! next process needs no allocation.

use crate::frames::Rank;
use crate::hot::Hot;
use crate::pages::Pages;
use crate::ports::{SpaceKey, ThreadKey};
use crate::region::Regions;
use alloc::vec::Vec;
use proto::Pid;
use serde::{Deserialize, Serialize};

/// A thread of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its name at the kernel.
    pub key: ThreadKey,
    /// The frame it lies in.
    pub frame: u32,
    /// Its priority.
    pub priority: u32,
    /// Its number among the threads of the system.
    pub tid: u32,
    /// Its robust locks.
    pub robust: Robust,
}

/// Where a thread keeps the list of locks that others must learn of if it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Robust {
    /// Address of the list's head; 0 for none.
    pub head: u64,
}

/// Limits in bytes; `u64::MAX` is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// All mappings.
    pub memory: u64,
    /// The stack.
    pub stack: u64,
    /// The heap.
    pub data: u64,
}

impl Limits {
    /// No limits.
    pub const NONE: Limits = Limits {
        memory: u64::MAX,
        stack: u64::MAX,
        data: u64::MAX,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Limits::NONE
    }
}

/// Whether mappings to come are locked (`MCL_FUTURE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Future {
    /// No.
    #[default]
    Free,
    /// Yes, with their pages present from the start.
    Locked,
    /// Yes, when they are touched.
    LockedOnFault,
}

/// One address space.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Space {
    /// Whose it is.
    pub pid: Pid,
    /// Its name at the kernel.
    pub key: SpaceKey,
    /// Which frames it may take.
    pub rank: Rank,
    /// Frame of the kernel's object.
    pub frame: u32,
    /// Frame of the root page table.
    pub root: u32,
    /// Frames of further handle slots.
    pub extensions: Vec<u32>,
    /// Its threads; the first one came with it.
    pub threads: Vec<Thread>,
    /// What lies where.
    pub regions: Regions,
    /// Private pages.
    pub pages: Pages,
    /// Start of the heap.
    pub heap_start: u64,
    /// End of the heap as `brk` set it.
    pub heap_end: u64,
    /// Bytes in regions.
    pub size: u64,
    /// Limits.
    pub limits: Limits,
    /// Most bytes of locked memory.
    pub lock_limit: u64,
    /// What happens to new mappings.
    pub future: Future,
    /// Whether a region may have marks.
    pub marked: bool,
    /// Faults served.
    pub faults: u64,
    /// Whose memory it has a copy of; 0 once it has executed a program.
    pub parent: Pid,
    /// What is touched after forks.
    pub hot: Hot,
    /// Whose memory its thread uses; 0 if it has its own.
    pub lender: Pid,
}

/// All spaces.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Spaces {
    /// Process id and slot, by id.
    index: Vec<(Pid, u32)>,
    slots: Vec<Space>,
    free: Vec<u32>,
    /// What the last search found: messages come in clusters.
    last: (Pid, u32),
    /// Spaces that use another's memory.
    borrowers: u32,
}

impl Spaces {
    /// The slot of a process.
    pub fn slot(&mut self, pid: Pid) -> Option<usize> {
        if self.last.0 == pid && pid != Pid(0) {
            return Some(self.last.1 as usize);
        }
        let at = self
            .index
            .binary_search_by(|entry| entry.0.cmp(&pid))
            .ok()?;
        self.last = self.index[at];
        Some(self.last.1 as usize)
    }

    /// The space of a process.
    pub fn get_mut(&mut self, pid: Pid) -> Option<&mut Space> {
        let slot = self.slot(pid)?;
        self.slots.get_mut(slot)
    }

    /// The space in a slot that [`Spaces::slot`] named.
    pub fn at(&mut self, slot: usize) -> &mut Space {
        &mut self.slots[slot]
    }

    /// Whose memory a process uses: its own, or that of the lender.
    #[inline]
    pub fn memory_of(&mut self, pid: Pid) -> Pid {
        if self.borrowers == 0 {
            return pid;
        }
        match self.get_mut(pid) {
            Some(space) if space.lender != Pid(0) => space.lender,
            _ => pid,
        }
    }

    /// Lets `pid` use the memory of `lender`, which has its own.
    pub fn borrow(&mut self, pid: Pid, lender: Pid) {
        if let Some(space) = self.get_mut(pid) {
            space.lender = lender;
            self.borrowers += 1;
        }
    }

    /// `pid` has memory of its own from now on.
    pub fn give_back(&mut self, pid: Pid) {
        if let Some(space) = self.get_mut(pid)
            && core::mem::take(&mut space.lender) != Pid(0)
        {
            self.borrowers -= 1;
        }
    }

    /// Whether somebody uses the memory of `pid`.
    pub fn lends(&mut self, pid: Pid) -> bool {
        self.borrowers > 0 && self.iter_mut().any(|space| space.lender == pid)
    }

    /// Two different spaces.
    pub fn two(&mut self, first: usize, second: usize) -> Option<[&mut Space; 2]> {
        self.slots.get_disjoint_mut([first, second]).ok()
    }

    /// Makes an empty space for a process that has none, and returns its slot; `None` also if memory
    /// is short.
    pub fn insert(&mut self, pid: Pid) -> Option<usize> {
        let at = self
            .index
            .binary_search_by(|entry| entry.0.cmp(&pid))
            .err()?;
        self.index.try_reserve(1).ok()?;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.grow()?,
        };
        self.index.insert(at, (pid, slot));
        let space = &mut self.slots[slot as usize];
        space.pid = pid;
        space.rank = if pid.is_server() {
            Rank::Server
        } else {
            Rank::Program
        };
        (space.heap_start, space.heap_end, space.size, space.faults) = (0, 0, 0, 0);
        (space.parent, space.hot) = (Pid(0), Hot::default());
        space.lender = Pid(0);
        space.limits = Limits::NONE;
        (space.lock_limit, space.future, space.marked) = (u64::MAX, Future::Free, false);
        Some(slot as usize)
    }

    /// Adds a slot, and room for it in the list of free ones.
    fn grow(&mut self) -> Option<u32> {
        self.slots.try_reserve(1).ok()?;
        self.free.try_reserve(self.slots.len() + 1).ok()?;
        self.slots.push(Space::default());
        Some(self.slots.len() as u32 - 1)
    }

    /// Forgets a process whose space is empty.
    pub fn remove(&mut self, pid: Pid) {
        if let Ok(at) = self.index.binary_search_by(|entry| entry.0.cmp(&pid)) {
            let (_, slot) = self.index.remove(at);
            self.free.push(slot);
        }
        self.last = (Pid(0), 0);
    }

    /// All spaces, by process id.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Space> {
        let free = &self.free;
        let living = move |(slot, _): &(usize, &mut Space)| !free.contains(&(*slot as u32));
        self.slots
            .iter_mut()
            .enumerate()
            .filter(living)
            .map(|(_, space)| space)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.index.len()
    }
}
