//! `signalfd`: a set of signals that a descriptor stands for.
//!
//! Which of them are pending is what `proc` last said; taking one is between the reader and `proc`.

use crate::linux::{self, POLLIN};
use crate::node::{Kind, NodeId};
use crate::park::{Attempt, Call, Cause, DONE, Step};
use crate::ports::{Platform, Ports};
use crate::vfs::{Vfs, known};
use abi::Errno;
use alloc::vec::Vec;
use proto::Pid;
use proto::vfs::{Fd, Reply};

/// Bytes of a `struct signalfd_siginfo`.
const INFO_BYTES: usize = 128;
/// `SIGKILL` and `SIGSTOP`, which nobody takes.
const UNSTOPPABLE: u64 = 1 << 8 | 1 << 18;

impl Vfs {
    /// `signalfd4`.
    pub(crate) fn make_signals<P: Platform>(
        &mut self,
        call: &Call,
        (fd, set): (Fd, u64),
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::O_CLOEXEC | linux::O_NONBLOCK)?;
        let set = set & !UNSTOPPABLE;
        if fd == -1 {
            return self.add_object(call, Kind::Signals(set), flags, ports);
        }
        let (id, _) = self.object(call, fd)?;
        match self.nodes.get_mut(id).map(|node| &mut node.kind) {
            Some(Kind::Signals(old)) => *old = set,
            _ => return Err(Errno::EINVAL.into()),
        }
        self.woke(id, POLLIN);
        Ok(Step::Done(Reply::Descriptor(fd)))
    }

    /// `read`: says which signals the reader shall take.
    pub(crate) fn read_signals(call: &Call, set: u64, waits: bool) -> Attempt {
        if call.leases[0].bytes < INFO_BYTES {
            return Err(Errno::EINVAL.into());
        }
        Ok(Step::Done(Reply::TakeSignal { set, waits }))
    }

    /// What `poll` says to a process.
    pub(crate) fn signal_events(&self, pid: Pid, set: u64) -> i16 {
        match self.processes.get(pid) {
            Ok(process) if process.pending_signals & set != 0 => POLLIN,
            _ => 0,
        }
    }

    /// What is pending for a process changed.
    pub(crate) fn signals_pending(&mut self, pid: Pid, set: u64) -> Attempt {
        self.processes.get_mut(pid)?.pending_signals = set;
        self.changed(Cause::Signals);
        let watched = self.watched.keys().copied();
        let signals: Vec<NodeId> = watched
            .filter(|&id| {
                let node = self.nodes.get(id);
                matches!(node.map(|node| &node.kind), Some(Kind::Signals(_)))
            })
            .collect();
        for id in signals {
            self.mark(id, POLLIN);
        }
        DONE
    }
}
