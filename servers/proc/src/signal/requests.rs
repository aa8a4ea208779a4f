//! The signal requests of a process about itself: actions, mask, waiting, taking.

use super::send::received;
use super::{Action, DEFAULT, Info, LAST, UNSTOPPABLE, bit};
use crate::park::{Parked, Waiting};
use crate::ports::Ports;
use crate::process::Life;
use crate::task::Caller;
use crate::{Answer, Proc};
use abi::linux::general as linux;
use abi::{Errno, Token};
use proto::Pid;
use proto::port::{Outcome, Refusal};
use proto::proc::{Delivery, Reply, SignalSet};

impl Proc {
    /// `sigaction`. Without a new action it only asks.
    pub(crate) fn action<P: Ports>(
        &mut self,
        pid: Pid,
        signal: u32,
        new: Option<Action>,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        if signal == 0 || signal > LAST {
            return Err(Errno::EINVAL.into());
        }
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        let old = process.signals.actions.get(signal);
        if let Some(new) = new {
            if bit(signal) & UNSTOPPABLE != 0 {
                return Err(Errno::EINVAL.into());
            }
            let stoppable = process.ignores_terminal_stop();
            process.signals.actions.set(
                signal,
                Action {
                    mask: new.mask & !UNSTOPPABLE,
                    ..new
                },
            );
            // POSIX, sigaction: setting a signal to be ignored discards it while pending.
            if process.signals.actions.ignores(signal) {
                process.discard_signals(bit(signal));
            }
            if stoppable != process.ignores_terminal_stop() {
                self.publish(pid, ports);
            }
        }
        Ok(Reply::Action {
            handler: old.handler,
            flags: old.flags,
            mask: old.mask,
            restorer: old.restorer,
        })
    }

    /// `sigpending`.
    pub(crate) fn pending(&self, caller: Caller) -> Result<Reply, Refusal> {
        let process = self.table.living(caller.pid).ok_or(Errno::ESRCH)?;
        let task = process.tasks.get(caller.tid).ok_or(Errno::ESRCH)?;
        let pending = task.signals.own.pending() | process.signals.queue.pending();
        self.set_reply(caller, pending & task.signals.mask)
    }

    /// `sigsuspend`.
    pub(crate) fn suspend<P: Ports>(
        &mut self,
        caller: Caller,
        token: Token,
        mask: SignalSet,
        ports: &mut P,
    ) -> Answer {
        let task = self.table.task_mut(caller.tid).ok_or(Errno::ESRCH)?;
        let old = task.signals.mask;
        task.signals.suspended_mask.get_or_insert(old);
        self.change_mask(caller, mask, ports);
        self.park(
            caller,
            ports,
            Parked {
                token,
                wait: Waiting::Caught,
                deadline_ns: None,
            },
        )
    }

    /// `sigtimedwait`.
    pub(crate) fn wait_signal<P: Ports>(
        &mut self,
        caller: Caller,
        token: Token,
        set: SignalSet,
        timeout_ns: u64,
        ports: &mut P,
    ) -> Answer {
        let set = set & !UNSTOPPABLE;
        if let Some(info) = self.take_pending(caller, |_| set) {
            self.pin(caller.pid, ports);
            let info = self.with_overruns(caller, info, ports);
            return Ok(Outcome::Reply(Ok(received(info))));
        }
        if timeout_ns == 0 {
            return Err(Errno::EAGAIN.into());
        }
        let deadline_ns = ports
            .now_ns()
            .checked_add(timeout_ns)
            .filter(|_| timeout_ns != u64::MAX);
        self.park(
            caller,
            ports,
            Parked {
                token,
                wait: Waiting::Signal(set),
                deadline_ns,
            },
        )
    }

    /// Takes a signal that is pending for a thread: its own ones come first.
    pub(super) fn take_pending(
        &mut self,
        caller: Caller,
        among: impl FnOnce(SignalSet) -> SignalSet,
    ) -> Option<Info> {
        let process = self.table.living_mut(caller.pid)?;
        let task = process.tasks.get_mut(caller.tid)?;
        let set = among(task.deliverable(&process.signals));
        let info = match task.signals.own.take(set) {
            Some(info) => info,
            None => process.signals.queue.take(set)?,
        };
        task.signals.renew(bit(info.signal));
        Some(info)
    }

    /// The next signal for a handler. Its mask is in force from now on.
    pub(crate) fn take<P: Ports>(
        &mut self,
        caller: Caller,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let taken = self.take_pending(caller, |deliverable| deliverable);
        let taken = taken.map(|info| self.with_overruns(caller, info, ports));
        let process = self.table.living_mut(caller.pid).ok_or(Errno::ESRCH)?;
        let task = process.tasks.get_mut(caller.tid).ok_or(Errno::ESRCH)?;
        let signals = &mut task.signals;
        let Some(info) = taken else {
            let suspended = signals.suspended_mask.take();
            if let Some(mask) = suspended {
                self.change_mask(caller, mask, ports);
            }
            self.leave_to_others(caller, ports);
            return Err(Errno::EAGAIN.into());
        };

        let action = process.signals.actions.get(info.signal);
        let restore = signals.suspended_mask.take().unwrap_or(signals.mask);
        let own = if action.flags & linux::SA_NODEFER != 0 {
            0
        } else {
            bit(info.signal)
        };
        if action.flags & linux::SA_RESETHAND != 0 {
            let handler = DEFAULT;
            let reset = Action { handler, ..action };
            process.signals.actions.set(info.signal, reset);
        }
        let mask = signals.mask | action.mask | own;
        self.change_mask(caller, mask, ports);
        self.leave_to_others(caller, ports);
        let delivery = Delivery {
            signal: info.signal,
            code: info.code,
            sender: info.sender(),
            value: info.value,
            handler: action.handler,
            flags: action.flags,
            restore,
            restorer: action.restorer,
        };
        Ok(match self.deliverable(caller) {
            0 => Reply::DeliverLast(delivery),
            _ => Reply::Deliver(delivery),
        })
    }

    /// What this thread blocks now is for another one.
    fn leave_to_others<P: Ports>(&mut self, caller: Caller, ports: &mut P) {
        let process = self.table.living(caller.pid);
        if process.is_some_and(|process| {
            process.tasks.count() > 1 && process.signals.queue.pending() != 0
        }) {
            self.interrupt(caller.pid, ports);
        }
    }

    /// Answers who sent a signal with one that its own handler shall get, if there is one.
    pub(crate) fn deliver_with<P: Ports>(
        &mut self,
        caller: Caller,
        sent: Result<Reply, Refusal>,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        if self.deliverable(caller) == 0 {
            return sent;
        }
        if sent.is_err() {
            self.interrupt(caller.pid, ports);
            return sent;
        }
        self.take(caller, ports)
    }

    /// Signals that a handler of `caller` shall get now. A process that has just stopped gets none.
    fn deliverable(&self, caller: Caller) -> SignalSet {
        let process = self.table.living(caller.pid);
        let running = process.filter(|process| process.life == Life::Running);
        running.map_or(0, |process| {
            let task = process.tasks.get(caller.tid);
            task.map_or(0, |task| task.deliverable(&process.signals))
        })
    }
}
