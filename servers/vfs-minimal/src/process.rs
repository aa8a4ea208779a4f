//! What processes have open. Descriptors name open files, which forks and duplicates share.

use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use proto::Pid;
use proto::vfs::Fd;
use serde::{Deserialize, Serialize};

/// Most descriptors of a process.
pub const DESCRIPTORS: usize = 256;

/// An open file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Open {
    /// What is open.
    pub node: usize,
    /// Flags of `open`.
    pub flags: u32,
    /// Where reading goes on.
    pub offset: u64,
    /// Descriptors that name it; 0: free.
    references: u32,
}

/// A descriptor: an open file, and whether `exec` closes it.
pub type Descriptor = (usize, bool);

/// A process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Process {
    /// Its current directory.
    pub current: usize,
    /// Its mask for permissions. Kept, and of no use here.
    pub umask: u32,
    descriptors: Vec<Option<Descriptor>>,
}

/// All processes and open files.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Table {
    processes: BTreeMap<Pid, Process>,
    opens: Vec<Open>,
}

impl Table {
    /// A new process, with these descriptors.
    pub fn start(&mut self, pid: Pid, descriptors: Vec<Option<Descriptor>>) {
        let process = Process {
            descriptors,
            umask: 0o22,
            ..Process::default()
        };
        self.processes.insert(pid, process);
    }

    /// `child` gets what `parent` has.
    pub fn fork(&mut self, parent: Pid, child: Pid) -> Result<(), Errno> {
        let process = self.process(parent)?.clone();
        for (open, _) in process.descriptors.iter().flatten() {
            self.opens[*open].references += 1;
        }
        self.processes.insert(child, process);
        Ok(())
    }

    /// A process ended.
    pub fn exit(&mut self, pid: Pid) -> Result<(), Errno> {
        let process = self.processes.remove(&pid).ok_or(Errno::ESRCH)?;
        for (open, _) in process.descriptors.into_iter().flatten() {
            self.opens[open].references -= 1;
        }
        Ok(())
    }

    /// A process runs another program.
    pub fn close_on_exec(&mut self, pid: Pid) -> Result<(), Errno> {
        for slot in &mut self
            .processes
            .get_mut(&pid)
            .ok_or(Errno::ESRCH)?
            .descriptors
        {
            if let Some((open, _)) = slot.take_if(|(_, close_on_exec)| *close_on_exec) {
                self.opens[open].references -= 1;
            }
        }
        Ok(())
    }

    /// A process.
    pub fn process(&mut self, pid: Pid) -> Result<&mut Process, Errno> {
        self.processes.get_mut(&pid).ok_or(Errno::ESRCH)
    }

    /// Opens a node, with no descriptor yet.
    pub fn open(&mut self, node: usize, flags: u32, references: u32) -> usize {
        let open = Open {
            node,
            flags,
            offset: 0,
            references,
        };
        match self.opens.iter().position(|open| open.references == 0) {
            Some(free) => {
                self.opens[free] = open;
                free
            }
            None => {
                self.opens.push(open);
                self.opens.len() - 1
            }
        }
    }

    /// A descriptor of a process.
    pub fn descriptor(&mut self, pid: Pid, fd: Fd) -> Result<&mut Descriptor, Errno> {
        let slot = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
        let descriptors = &mut self.process(pid)?.descriptors;
        let descriptor = descriptors.get_mut(slot).and_then(Option::as_mut);
        descriptor.ok_or(Errno::EBADF)
    }

    /// The open file behind a descriptor.
    pub fn file(&mut self, pid: Pid, fd: Fd) -> Result<&mut Open, Errno> {
        let (open, _) = *self.descriptor(pid, fd)?;
        self.opens.get_mut(open).ok_or(Errno::EBADF)
    }

    /// Gives an open file the lowest free descriptor from `least` on.
    pub fn add(&mut self, pid: Pid, least: usize, new: Descriptor) -> Result<Fd, Errno> {
        let descriptors = &mut self.process(pid)?.descriptors;
        let mut slots = least..DESCRIPTORS;
        let slot = slots.find(|&slot| descriptors.get(slot).is_none_or(Option::is_none));
        let slot = slot.ok_or(Errno::EMFILE)?;
        self.put(pid, slot, new)?;
        Ok(slot as Fd)
    }

    /// Puts a descriptor into a slot, whatever was there.
    pub fn put(&mut self, pid: Pid, slot: usize, new: Descriptor) -> Result<(), Errno> {
        let descriptors = &mut self.process(pid)?.descriptors;
        if descriptors.len() <= slot {
            descriptors.resize(slot + 1, None);
        }
        let old = descriptors[slot].replace(new);
        self.opens[new.0].references += 1;
        if let Some((open, _)) = old {
            self.opens[open].references -= 1;
        }
        Ok(())
    }

    /// Closes a descriptor.
    pub fn close(&mut self, pid: Pid, fd: Fd) -> Result<(), Errno> {
        let (open, _) = *self.descriptor(pid, fd)?;
        self.process(pid)?.descriptors[fd as usize] = None;
        self.opens[open].references -= 1;
        Ok(())
    }
}
