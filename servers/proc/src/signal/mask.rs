//! Masks, which threads change themselves.
//!
//! The kernel keeps each thread's mask ([`crate::ports::Threads::mask_thread`]), and the thread changes
//! it without a message. So what is known of it here, [`super::TaskSignals::mask`], is looked at anew
//! before anything depends on it. Of the signals that a thread keeps from coming by blocking them it is
//! *pinned*: it cannot unblock those without asking here.
//!
//! A signal is pending for good only while whoever could take it blocks it: else it is taken at once, or
//! a thread was kicked and asks. If that one blocks it before it asks, nothing is pinned in it yet; its
//! question is where that is made good ([`Proc::look`] and [`Proc::pin`]). So when a signal comes
//! for a whole process all masks are looked at, and afterwards only that of the thread that asks.

use super::UNSTOPPABLE;
use crate::Proc;
use crate::ports::Ports;
use crate::process::Process;
use crate::task::{Caller, Task};
use abi::Errno;
use proto::Pid;
use proto::port::Refusal;
use proto::proc::{Reply, SignalSet};

impl Task {
    /// Looks which signals the thread blocks.
    fn look<P: Ports>(&mut self, ports: &mut P) {
        let pinned = self.signals.pinned;
        self.signals.mask = ports.mask_thread(self.thread, u64::MAX, 0, pinned) & !UNSTOPPABLE;
    }

    /// Pins what is pending and blocked.
    fn pin<P: Ports>(&mut self, shared: SignalSet, ports: &mut P) {
        let kept = (self.signals.own.pending() | shared) & self.signals.mask;
        if kept != self.signals.pinned {
            self.signals.pinned = kept;
            ports.mask_thread(self.thread, u64::MAX, 0, kept);
        }
    }
}

impl Process {
    /// Whether a signal is pending for one of its threads, or for any of them.
    pub(crate) fn has_pending(&self) -> bool {
        let own = |task: &Task| task.signals.own.pending() != 0;
        self.signals.queue.pending() != 0 || self.tasks.iter().any(own)
    }

    /// Looks which signals `thread` blocks; none: each thread, for a signal that any of them could take.
    pub(crate) fn look_for<P: Ports>(&mut self, thread: Option<Pid>, ports: &mut P) {
        let concerned = |tid: Pid| thread.is_none_or(|thread| thread == tid);
        for task in self.tasks.iter_mut().filter(|task| concerned(task.tid)) {
            task.look(ports);
        }
    }
}

impl Proc {
    /// Looks which signals a thread blocks, before it waits or takes one.
    pub(crate) fn look<P: Ports>(&mut self, caller: Caller, ports: &mut P) {
        if let Some(process) = self.table.living_mut(caller.pid) {
            process.look_for(Some(caller.tid), ports);
        }
    }

    /// Looks which signals all threads of a process block.
    pub(crate) fn look_at_all<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        if let Some(process) = self.table.living_mut(pid) {
            process.look_for(None, ports);
        }
    }

    /// Pins in each thread of a process what is pending and what it blocked when it was looked at.
    pub(crate) fn pin<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        let shared = process.signals.queue.pending();
        for task in process.tasks.iter_mut() {
            task.pin(shared, ports);
        }
    }

    /// A new thread has the mask of another one, but nothing is pinned in it yet.
    pub(crate) fn pin_new<P: Ports>(&mut self, caller: Caller, ports: &mut P) {
        let process = self.table.living(caller.pid);
        if process.is_some_and(Process::has_pending) {
            self.look(caller, ports);
            self.pin(caller.pid, ports);
        }
    }

    /// `sigprocmask`, for who unblocks what is pending.
    pub(crate) fn mask<P: Ports>(
        &mut self,
        caller: Caller,
        how: u32,
        set: SignalSet,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let old = self.blocked(caller)?;
        let new = match how {
            0 => old | set,
            1 => old & !set,
            2 => set,
            3 => old,
            _ => return Err(Errno::EINVAL.into()),
        };
        self.change_mask(caller, new, ports);
        self.interrupt(caller.pid, ports);
        self.set_reply(caller, old)
    }

    /// A handler returned, and its mask ends, which lets pending signals through. Who asks looks for
    /// them itself, so there is no kick.
    pub(crate) fn return_from_handler<P: Ports>(
        &mut self,
        caller: Caller,
        mask: SignalSet,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let old = self.blocked(caller)?;
        self.change_mask(caller, mask, ports);
        self.set_reply(caller, old)
    }

    fn blocked(&self, caller: Caller) -> Result<SignalSet, Errno> {
        let process = self.table.living(caller.pid).ok_or(Errno::ESRCH)?;
        let task = process.tasks.get(caller.tid).ok_or(Errno::ESRCH)?;
        Ok(task.signals.mask)
    }

    /// A set, and whether a signal is deliverable to who asks.
    pub(super) fn set_reply(&self, caller: Caller, set: SignalSet) -> Result<Reply, Refusal> {
        let process = self.table.living(caller.pid).ok_or(Errno::ESRCH)?;
        let task = process.tasks.get(caller.tid).ok_or(Errno::ESRCH)?;
        Ok(Reply::Set {
            set,
            deliverable: task.deliverable(&process.signals) != 0,
        })
    }

    /// Sets the mask of a thread that waits for an answer, pins what it keeps from coming, and carries
    /// out the default actions of signals that it let through.
    pub(super) fn change_mask<P: Ports>(&mut self, caller: Caller, mask: SignalSet, ports: &mut P) {
        let Some(process) = self.table.living_mut(caller.pid) else {
            return;
        };
        let shared = process.signals.queue.pending();
        let Some(task) = process.tasks.get_mut(caller.tid) else {
            return;
        };
        let old = task.signals.set_mask(mask);
        let signals = &mut task.signals;
        signals.pinned = (signals.own.pending() | shared) & signals.mask;
        ports.mask_thread(task.thread, 0, signals.mask, signals.pinned);
        if old & !mask != 0 {
            self.act_by_default(caller.pid, ports);
        }
    }
}
