//! What the file server keeps per process: descriptors, directories, umask.
//!
//! The table is indexed as the published one is (`pid % CAPACITY`), so finding a process is one
//! division by a power of two.

use crate::linux;
use crate::node::Place;
use abi::Errno;
use alloc::boxed::Box;
use alloc::vec::Vec;
use proto::Pid;
use proto::publish::{CAPACITY, slot};
use proto::vfs::Fd;
use serde::{Deserialize, Serialize};

/// Number of an open file description.
pub type OpenId = u32;

/// A descriptor that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// The open file description; [`Descriptor::FREE`]'s is nobody's.
    pub open: OpenId,
    /// Exec closes it.
    pub close_on_exec: bool,
}

impl Descriptor {
    /// A number that is not in use.
    const FREE: Descriptor = Descriptor {
        open: OpenId::MAX,
        close_on_exec: false,
    };

    fn is_free(self) -> bool {
        self.open == OpenId::MAX
    }
}

/// A process's descriptors: always the lowest free number is given out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Descriptors {
    slots: Vec<Descriptor>,
    /// No number below this one is free.
    lowest: usize,
}

impl Descriptors {
    /// The descriptor with number `fd`.
    ///
    /// # Errors
    /// `EBADF`.
    #[inline]
    pub fn get(&self, fd: Fd) -> Result<Descriptor, Errno> {
        match self.slots.get(fd as usize) {
            Some(&descriptor) if fd >= 0 && !descriptor.is_free() => Ok(descriptor),
            _ => Err(Errno::EBADF),
        }
    }

    /// Sets whether exec closes `fd`.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_close_on_exec(&mut self, fd: Fd, close_on_exec: bool) -> Result<(), Errno> {
        self.get(fd)?;
        self.slots[fd as usize].close_on_exec = close_on_exec;
        Ok(())
    }

    /// The lowest free number from `minimum` on, if it is below `limit`.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn free_number(&mut self, minimum: usize, limit: u32) -> Result<usize, Errno> {
        let start = minimum.max(self.lowest);
        let mut number = start;
        while self
            .slots
            .get(number)
            .is_some_and(|descriptor| !descriptor.is_free())
        {
            number += 1;
        }
        if minimum <= self.lowest {
            self.lowest = number;
        }
        if number >= limit as usize {
            Err(Errno::EMFILE)
        } else {
            Ok(number)
        }
    }

    /// Uses the lowest free number from `minimum` on.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn insert(
        &mut self,
        descriptor: Descriptor,
        minimum: usize,
        limit: u32,
    ) -> Result<Fd, Errno> {
        let number = self.free_number(minimum, limit)?;
        self.put(number, descriptor);
        Ok(number as Fd)
    }

    /// Uses this number, and answers what it named before.
    pub fn replace(&mut self, number: usize, descriptor: Descriptor) -> Option<Descriptor> {
        let old = self.slots.get(number).copied().filter(|old| !old.is_free());
        self.put(number, descriptor);
        old
    }

    /// Frees a number and answers what it named.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn remove(&mut self, fd: Fd) -> Result<Descriptor, Errno> {
        let descriptor = self.get(fd)?;
        self.slots[fd as usize] = Descriptor::FREE;
        self.lowest = self.lowest.min(fd as usize);
        Ok(descriptor)
    }

    /// How many numbers there is room for.
    pub fn size(&self) -> usize {
        self.slots.len().next_multiple_of(64)
    }

    /// The numbers in use.
    pub fn iter(&self) -> impl Iterator<Item = (Fd, Descriptor)> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, descriptor)| !descriptor.is_free())
            .map(|(number, &descriptor)| (number as Fd, descriptor))
    }

    fn put(&mut self, number: usize, descriptor: Descriptor) {
        if self.slots.len() <= number {
            self.slots.resize(number + 1, Descriptor::FREE);
        }
        self.slots[number] = descriptor;
    }
}

/// One process as the file server knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Process {
    /// Who.
    pub pid: Pid,
    /// Its descriptors.
    pub descriptors: Descriptors,
    /// Where absolute paths start.
    pub root: Place,
    /// Where relative paths start.
    pub current: Place,
    /// Permission bits that new files do not get.
    pub umask: u32,
    /// Path of the program that it runs.
    pub program: Vec<u8>,
    /// Signals that are pending for it, if it has a descriptor for them.
    pub pending_signals: u64,
}

impl Process {
    /// A process without descriptors.
    pub fn new(pid: Pid, root: Place) -> Self {
        Process {
            pid,
            descriptors: Descriptors::default(),
            root,
            current: root,
            umask: 0o022 & linux::PERMISSIONS,
            program: Vec::new(),
            pending_signals: 0,
        }
    }
}

/// All processes.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProcessTable {
    slots: Vec<Option<Box<Process>>>,
}

impl Default for ProcessTable {
    fn default() -> Self {
        ProcessTable {
            slots: (0..CAPACITY).map(|_| None).collect(),
        }
    }
}

impl ProcessTable {
    /// A process.
    ///
    /// # Errors
    /// `ESRCH` if the file server was not told of it.
    #[inline]
    pub fn get(&self, pid: Pid) -> Result<&Process, Errno> {
        match self.slots.get(slot(pid)) {
            Some(Some(process)) if process.pid == pid => Ok(process),
            _ => Err(Errno::ESRCH),
        }
    }

    /// A process, to be changed.
    ///
    /// # Errors
    /// `ESRCH` if the file server was not told of it.
    #[inline]
    pub fn get_mut(&mut self, pid: Pid) -> Result<&mut Process, Errno> {
        match self.slots.get_mut(slot(pid)) {
            Some(Some(process)) if process.pid == pid => Ok(process),
            _ => Err(Errno::ESRCH),
        }
    }

    /// Adds a process.
    ///
    /// # Errors
    /// `EAGAIN` if another one has its slot.
    pub fn insert(&mut self, process: Process) -> Result<(), Errno> {
        let slot = self.slots.get_mut(slot(process.pid)).ok_or(Errno::EAGAIN)?;
        if slot.is_some() {
            return Err(Errno::EAGAIN);
        }
        *slot = Some(Box::new(process));
        Ok(())
    }

    /// Takes a process out.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn remove(&mut self, pid: Pid) -> Result<Process, Errno> {
        self.get(pid)?;
        self.slots[slot(pid)]
            .take()
            .map(|process| *process)
            .ok_or(Errno::ESRCH)
    }

    /// All processes.
    pub fn iter(&self) -> impl Iterator<Item = &Process> {
        self.slots.iter().flatten().map(|process| &**process)
    }
}
