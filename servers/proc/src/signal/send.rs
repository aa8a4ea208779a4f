//! Sending and acting on signals.
//!
//! A signal that ends a process only notes that ([`crate::Proc::bury`] carries it out when the
//! message in hand is done), so nothing here runs in circles, however many processes die together.

use super::{
    Default, IGNORE, Info, SIGCHLD, SIGCONT, SIGHUP, SIGKILL, SIGSTOP, STOPS, bit, default_action,
};
use crate::Proc;
use crate::limits::PENDING_SIGNALS;
use crate::park::Waiting;
use crate::ports::Ports;
use crate::process::{Change, Life, Process};
use crate::table::INIT;
use crate::task::Caller;
use abi::Errno;
use abi::linux::general as linux;
use proto::Pid;
use proto::proc::Reply;

impl Proc {
    /// Sends a signal to a process; who may was decided before.
    ///
    /// # Errors
    /// `EAGAIN` if the receiver's queue is full.
    pub(crate) fn send<P: Ports>(
        &mut self,
        pid: Pid,
        info: Info,
        ports: &mut P,
    ) -> Result<(), Errno> {
        self.send_to(pid, None, info, ports)
    }

    /// Sends a signal to a process, or to one thread of it.
    ///
    /// # Errors
    /// As [`Proc::send`].
    pub(crate) fn send_to<P: Ports>(
        &mut self,
        pid: Pid,
        thread: Option<Pid>,
        info: Info,
        ports: &mut P,
    ) -> Result<(), Errno> {
        let Some(process) = self.table.living_mut(pid) else {
            return Ok(());
        };
        if bit(info.signal) & STOPS != 0 {
            process.discard_signals(bit(SIGCONT));
        }
        if info.signal == SIGCONT {
            process.discard_signals(STOPS);
            self.resume(pid, ports);
        }

        let Some(process) = self.table.living_mut(pid) else {
            return Ok(());
        };
        process.look_for(thread, ports);
        if is_dropped(process, thread, info.signal) {
            return Ok(());
        }
        if info.signal == SIGKILL {
            self.doom(pid, SIGKILL);
            return Ok(());
        }
        let limit = process.limits.soft(PENDING_SIGNALS);
        let queue = match thread.map(|tid| process.tasks.get_mut(tid)) {
            None => &mut process.signals.queue,
            Some(Some(task)) => &mut task.signals.own,
            Some(None) => return Ok(()),
        };
        queue.add(info, limit).map_err(|_| Errno::EAGAIN)?;
        for task in process.tasks.iter_mut() {
            task.signals.renew(bit(info.signal));
        }
        self.settle(pid, ports);
        self.pin(pid, ports);
        Ok(())
    }

    /// Sends a signal of the system itself to all members of a group.
    pub(crate) fn send_group<P: Ports>(&mut self, group: u32, signal: u32, ports: &mut P) {
        for pid in self.table.members(group) {
            // The system's own signals are standard ones, which merge and so never fill a queue.
            let _ = self.send(pid, Info::from_system(signal), ports);
        }
    }

    /// Acts on what is pending and not blocked: default actions here, handlers by a kick.
    pub(crate) fn settle<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        self.give_to_waiters(pid, ports);
        self.act_by_default(pid, ports);
        self.interrupt(pid, ports);
    }

    /// Carries out the default actions of what is pending and not blocked.
    pub(super) fn act_by_default<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        while let Some(process) = self
            .table
            .living_mut(pid)
            .filter(|process| process.life == Life::Running)
        {
            let Some(info) = take_unhandled(process) else {
                return;
            };
            if process.signals.actions.get(info.signal).handler == IGNORE
                || is_protected(process, info.signal)
            {
                continue;
            }
            match default_action(info.signal) {
                Default::Ignore => {}
                Default::Stop => self.stop(pid, info.signal, ports),
                Default::End => return self.doom(pid, info.signal),
            }
        }
    }

    /// Lets handlers run: in each thread that has a caught signal of its own, and for those of the
    /// process in the first thread that does not block them. Who is about to be answered with its
    /// signal needs no kick.
    pub(crate) fn interrupt<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        if process.life == Life::Stopped {
            return;
        }
        let caught = process.signals.actions.caught();
        let mut shared = process.signals.queue.pending() & caught;
        for task in process.tasks.iter_mut() {
            let own = task.signals.own.pending() & caught;
            let deliverable = (own | shared) & !task.signals.mask;
            if deliverable == 0 {
                continue;
            }
            shared &= !deliverable;
            if self.served == Some(Caller { pid, tid: task.tid }) {
                continue;
            }
            if task
                .parked
                .is_some_and(|parked| parked.wait != Waiting::Memory)
                && let Some(parked) = self.deadlines.unpark(task)
            {
                let _ = ports.reply(parked.token, Err(Errno::EINTR.into()));
            }
            ports.kick_thread(task.thread);
        }
    }

    /// Answers parked `sigtimedwait`s that wait for what is pending.
    fn give_to_waiters<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let mut place = 0;
        while let Some(process) = self.table.living_mut(pid)
            && let Some(task) = process.tasks.at(place)
        {
            place += 1;
            let Some(Waiting::Signal(set)) = task.parked.map(|parked| parked.wait) else {
                continue;
            };
            let own = task.signals.own.take(set);
            let Some(info) = own.or_else(|| process.signals.queue.take(set)) else {
                continue;
            };
            let tid = task.tid;
            if let Some(parked) = self.deadlines.unpark(task) {
                let info = self.with_overruns(Caller { pid, tid }, info, ports);
                let _ = ports.reply(parked.token, Ok(received(info)));
            }
        }
    }

    /// Notes that a process ends by a signal.
    pub(crate) fn doom(&mut self, pid: Pid, signal: u32) {
        self.doomed.push_back((pid, signal));
    }

    fn stop<P: Ports>(&mut self, pid: Pid, signal: u32, ports: &mut P) {
        let Some(process) = self.table.living(pid) else {
            return;
        };
        let orphaned = signal != SIGSTOP && self.table.is_orphaned(process.group);
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        if orphaned || process.life == Life::Stopped {
            return;
        }
        process.life = Life::Stopped;
        process.change = Some(Change::Stopped(signal));
        for task in process.tasks.iter() {
            ports.suspend_thread(task.thread);
        }
        self.publish(pid, ports);
        self.tell_parent(pid, ports);
    }

    fn resume<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        if process.life != Life::Stopped {
            return;
        }
        process.life = Life::Running;
        process.change = Some(Change::Continued);
        for task in process.tasks.iter() {
            ports.resume_thread(task.thread);
        }
        self.publish(pid, ports);
        self.tell_parent(pid, ports);
        self.look_at_all(pid, ports);
        self.settle(pid, ports);
        self.pin(pid, ports);
    }

    /// What became of a group that lost the last parent who could continue it (POSIX, `_exit`).
    pub(crate) fn orphan<P: Ports>(&mut self, group: u32, ports: &mut P) {
        if !self.table.is_orphaned(group) {
            return;
        }
        let members = self.table.members(group);
        for &pid in &members {
            self.publish(pid, ports);
        }
        ports.fail_terminal_reads(group);
        if members.iter().any(|&pid| {
            self.table
                .get(pid)
                .is_some_and(|process| process.life == Life::Stopped)
        }) {
            self.send_group(group, SIGHUP, ports);
            self.send_group(group, SIGCONT, ports);
        }
    }

    /// `SIGCHLD` for a child that changed, and an answer for the parent that waits for it.
    pub(crate) fn tell_parent<P: Ports>(&mut self, child: Pid, ports: &mut P) {
        let Some(process) = self.table.get(child) else {
            return;
        };
        let parent = process.parent;
        let info = child_info(process);
        let quiet = process.is_alive() && self.parent_flags(parent) & linux::SA_NOCLDSTOP != 0;
        self.answer_waiting_parent(parent, ports);
        if !quiet {
            let _ = self.send(parent, info, ports);
        }
    }

    fn parent_flags(&self, parent: Pid) -> u32 {
        self.table
            .living(parent)
            .map_or(0, |parent| parent.signals.actions.get(SIGCHLD).flags)
    }
}

/// Takes a pending signal that has no handler, and that no thread which could take it blocks.
fn take_unhandled(process: &mut Process) -> Option<Info> {
    let unhandled = !process.signals.actions.caught();
    if process.signals.queue.pending() & unhandled != 0 {
        let open = unhandled & !process.blocked_by_all();
        if let Some(info) = process.signals.queue.take(open) {
            return Some(info);
        }
    }
    let mut tasks = process.tasks.iter_mut();
    tasks.find_map(|task| {
        let open = unhandled & !task.signals.mask;
        task.signals.own.take(open)
    })
}

/// Whether a signal for `thread`, or for the whole process, is forgotten at once. A blocked one never
/// is: the mask or the action may change.
fn is_dropped(process: &Process, thread: Option<Pid>, signal: u32) -> bool {
    let signal_bit = bit(signal);
    let concerns = |tid: Pid| thread.is_none_or(|thread| thread == tid);
    let kept = process.tasks.iter().any(|task| {
        let waits = matches!(
            task.parked.map(|parked| parked.wait),
            Some(Waiting::Signal(set)) if set & signal_bit != 0
        );
        concerns(task.tid) && (waits || task.signals.mask & signal_bit != 0)
    });
    !kept && (is_protected(process, signal) || process.signals.actions.ignores(signal))
}

/// Pid 1 gets only signals that it has a handler for: the system ends with it.
fn is_protected(process: &Process, signal: u32) -> bool {
    process.pid == INIT && process.signals.actions.caught() & bit(signal) == 0
}

/// The reply to a wait for a signal.
pub(super) fn received(info: Info) -> Reply {
    Reply::Received {
        signal: info.signal,
        code: info.code,
        sender: info.sender(),
        value: info.value,
    }
}

/// What a parent learns of a child that changed.
pub(crate) fn child_info(child: &Process) -> Info {
    let (code, value) = match (child.life, child.change) {
        (Life::Zombie(status), _) if status & 0x7f != 0 => (linux::CLD_KILLED, status & 0x7f),
        (Life::Zombie(status), _) => (linux::CLD_EXITED, status >> 8 & 0xff),
        (_, Some(Change::Stopped(signal))) => (linux::CLD_STOPPED, signal),
        _ => (linux::CLD_CONTINUED, SIGCONT),
    };
    Info {
        signal: SIGCHLD,
        code: code as i32,
        pid: child.pid.0,
        uid: child.credentials.uid[0],
        value: u64::from(value),
    }
}
