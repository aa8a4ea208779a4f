//! `pidfd_open`: a descriptor that stands for a process, and can be read from when that has ended.
//!
//! The process service says here that a process ends before its parent hears of it, so who polls is not late.
//! A pid may be another's later; when its process began tells them apart.

use crate::linux::{self, POLLIN};
use crate::node::{Kind, NodeId, NodeRef};
use crate::park::{Attempt, Call, Step, count};
use crate::ports::{Platform, Ports};
use crate::procfs;
use crate::vfs::{Vfs, known};
use abi::Errno;
use alloc::vec::Vec;
use proto::Pid;
use proto::publish::Processes;
use proto::vfs::{Fd, NONBLOCKING_PROCESS, PROCESS_DIRECTORY, Reply};
use serde::{Deserialize, Serialize};

/// A process, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pid: Pid,
    start_ns: u64,
}

impl Vfs {
    /// `pidfd_open`.
    pub(crate) fn open_process<P: Platform>(
        &mut self,
        call: &Call,
        pid: Pid,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::O_NONBLOCK)?;
        let entry = ports.system.get(pid).ok_or(Errno::ESRCH)?;
        let start_ns = entry.start_ns;
        let kind = Kind::Process(Known { pid, start_ns });
        let flags = flags | linux::O_CLOEXEC;
        let opened = self.add_object(call, kind, flags, ports)?;
        if let Step::Done(Reply::Descriptor(fd)) = opened {
            let (id, _) = self.object(call, fd)?;
            self.known_processes.push((pid, id));
        }
        Ok(opened)
    }

    /// The process that a descriptor, or its directory in `/proc`, stands for, and whether waiting for it shall not wait.
    pub(crate) fn process_of<P: Platform>(
        &self,
        call: &Call,
        fd: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.open_file(call.pid, fd)?;
        if let NodeRef::Proc(procfs::Node::Process(pid)) = file.place.node {
            ports.system.get(Pid(pid)).ok_or(Errno::ESRCH)?;
            return count(u64::from(pid) | PROCESS_DIRECTORY);
        }
        let id = self.stored(file.place).ok_or(Errno::EBADF)?;
        let Some(Kind::Process(known)) = self.nodes.get(id).map(|node| &node.kind) else {
            return Err(Errno::EBADF.into());
        };
        let now = ports.system.get(known.pid);
        now.filter(|entry| entry.start_ns == known.start_ns)
            .ok_or(Errno::ESRCH)?;
        let flag = match file.is_nonblocking() {
            true => NONBLOCKING_PROCESS,
            false => 0,
        };
        count(u64::from(known.pid.0) | flag)
    }

    /// What `poll` says.
    pub(crate) fn process_events<P: Platform>(&self, known: Known, ports: &Ports<P>) -> i16 {
        let entry = ports.system.get(known.pid);
        let is_same = entry.is_some_and(|entry| entry.start_ns == known.start_ns);
        match is_same && self.processes.get(known.pid).is_ok() {
            true => 0,
            false => POLLIN | linux::POLLRDNORM,
        }
    }

    /// A process has ended.
    pub(crate) fn tell_of_end(&mut self, pid: Pid) {
        let all = self.known_processes.iter();
        let of_it = all.filter(|(known, _)| *known == pid).map(|&(_, id)| id);
        let of_it: Vec<NodeId> = of_it.collect();
        for id in of_it {
            self.woke(id, POLLIN);
        }
    }

    /// Nobody has that descriptor any more.
    pub(crate) fn forget_process(&mut self, id: NodeId) {
        self.known_processes.retain(|&(_, known)| known != id);
    }
}
