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
use abi::Errno;
use abi::linux::general as linux;
use proto::Pid;
use proto::proc::Reply;

impl Proc {
    /// Sends a signal; who may was decided before.
    ///
    /// # Errors
    /// `EAGAIN` if the receiver's queue is full.
    pub(crate) fn send<P: Ports>(
        &mut self,
        pid: Pid,
        info: Info,
        ports: &mut P,
    ) -> Result<(), Errno> {
        let Some(process) = self.table.living_mut(pid) else {
            return Ok(());
        };
        if bit(info.signal) & STOPS != 0 {
            process.signals.discard(bit(SIGCONT));
        }
        if info.signal == SIGCONT {
            process.signals.discard(STOPS);
            self.resume(pid, ports);
        }

        let Some(process) = self.table.living_mut(pid) else {
            return Ok(());
        };
        if is_dropped(process, info.signal) {
            return Ok(());
        }
        if info.signal == SIGKILL {
            self.doom(pid, SIGKILL);
            return Ok(());
        }
        let limit = process.limits.soft(PENDING_SIGNALS);
        process
            .signals
            .add(info, limit)
            .map_err(|_| Errno::EAGAIN)?;
        self.settle(pid, ports);
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
        self.give_to_waiter(pid, ports);
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
            let signals = &mut process.signals;
            let unhandled = !signals.mask & !signals.actions.caught();
            let Some(info) = signals.take(unhandled) else {
                return;
            };
            if signals.actions.get(info.signal).handler == IGNORE
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

    /// Lets a process's handler run, if a caught signal is pending.
    pub(crate) fn interrupt<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        if process.signals.deliverable() == 0 || process.life == Life::Stopped {
            return;
        }
        let thread = process.thread;
        if let Some(parked) = self.deadlines.unpark(process) {
            let _ = ports.reply(parked.token, Err(Errno::EINTR.into()));
        }
        ports.kick_thread(thread);
    }

    /// Answers a parked `sigtimedwait` that waits for what is pending.
    fn give_to_waiter<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        let Some(Waiting::Signal(set)) = process.parked.map(|parked| parked.wait) else {
            return;
        };
        let Some(info) = process.signals.take(set) else {
            return;
        };
        if let Some(parked) = self.deadlines.unpark(process) {
            let _ = ports.reply(parked.token, Ok(received(info)));
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
        ports.suspend_thread(process.thread);
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
        ports.resume_thread(process.thread);
        self.publish(pid, ports);
        self.tell_parent(pid, ports);
        self.settle(pid, ports);
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

/// Whether a signal is forgotten at once. A blocked one never is: the mask or the action may change.
fn is_dropped(process: &Process, signal: u32) -> bool {
    if is_protected(process, signal) && bit(signal) & process.signals.mask == 0 {
        return true;
    }
    let waited_for = matches!(process.parked.map(|parked| parked.wait), Some(Waiting::Signal(set)) if set & bit(signal) != 0);
    let kept = process.signals.mask & bit(signal) != 0 || waited_for;
    !kept && process.signals.actions.ignores(signal)
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
