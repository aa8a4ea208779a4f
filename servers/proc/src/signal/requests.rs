//! The signal requests of a process about itself: actions, mask, waiting, taking.

use super::send::received;
use super::{Action, DEFAULT, LAST, UNSTOPPABLE, bit};
use crate::park::{Parked, Waiting};
use crate::ports::Ports;
use crate::{Answer, Proc};
use abi::linux::general as linux;
use abi::{Errno, Token};
use proto::Pid;
use proto::port::{Outcome, Refusal};
use proto::proc::{Reply, SignalSet};

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
                process.signals.discard(bit(signal));
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

    /// `sigprocmask`.
    pub(crate) fn mask<P: Ports>(
        &mut self,
        pid: Pid,
        how: u32,
        set: SignalSet,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let old = self.table.living(pid).ok_or(Errno::ESRCH)?.signals.mask;
        let new = match how {
            0 => old | set,
            1 => old & !set,
            2 => set,
            3 => old,
            _ => return Err(Errno::EINVAL.into()),
        };
        self.change_mask(pid, new, ports);
        self.interrupt(pid, ports);
        self.set_reply(pid, old)
    }

    /// A handler returned: its mask ends. Who asks looks for further signals itself, so there is no
    /// kick.
    pub(crate) fn return_from_handler<P: Ports>(
        &mut self,
        pid: Pid,
        mask: SignalSet,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let old = self.table.living(pid).ok_or(Errno::ESRCH)?.signals.mask;
        self.change_mask(pid, mask, ports);
        self.set_reply(pid, old)
    }

    fn set_reply(&self, pid: Pid, set: SignalSet) -> Result<Reply, Refusal> {
        let process = self.table.living(pid).ok_or(Errno::ESRCH)?;
        Ok(Reply::Set {
            set,
            deliverable: process.signals.deliverable() != 0,
        })
    }

    /// Sets the mask and carries out the default actions of signals that it let through.
    fn change_mask<P: Ports>(&mut self, pid: Pid, mask: SignalSet, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        let stoppable = process.ignores_terminal_stop();
        process.signals.set_mask(mask);
        if stoppable != process.ignores_terminal_stop() {
            self.publish(pid, ports);
        }
        self.act_by_default(pid, ports);
    }

    /// `sigpending`.
    pub(crate) fn pending(&self, pid: Pid) -> Result<Reply, Refusal> {
        let process = self.table.living(pid).ok_or(Errno::ESRCH)?;
        self.set_reply(pid, process.signals.pending() & process.signals.mask)
    }

    /// `sigsuspend`.
    pub(crate) fn suspend<P: Ports>(
        &mut self,
        pid: Pid,
        token: Token,
        mask: SignalSet,
        ports: &mut P,
    ) -> Answer {
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        let old = process.signals.mask;
        process.signals.suspended_mask.get_or_insert(old);
        self.change_mask(pid, mask, ports);
        self.park(
            pid,
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
        pid: Pid,
        token: Token,
        set: SignalSet,
        timeout_ns: u64,
        ports: &mut P,
    ) -> Answer {
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        let set = set & !UNSTOPPABLE;
        if let Some(info) = process.signals.take(set) {
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
            pid,
            ports,
            Parked {
                token,
                wait: Waiting::Signal(set),
                deadline_ns,
            },
        )
    }

    /// The next signal for a handler. Its mask is in force from now on.
    pub(crate) fn take<P: Ports>(&mut self, pid: Pid, ports: &mut P) -> Result<Reply, Refusal> {
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        let signals = &mut process.signals;
        let Some(info) = signals.take(signals.deliverable()) else {
            if let Some(mask) = signals.suspended_mask.take() {
                signals.set_mask(mask);
            }
            return Err(Errno::EAGAIN.into());
        };

        let action = signals.actions.get(info.signal);
        let restore = signals.suspended_mask.take().unwrap_or(signals.mask);
        let own = if action.flags & linux::SA_NODEFER != 0 {
            0
        } else {
            bit(info.signal)
        };
        if action.flags & linux::SA_RESETHAND != 0 {
            signals.actions.set(
                info.signal,
                Action {
                    handler: DEFAULT,
                    ..action
                },
            );
        }
        let mask = signals.mask | action.mask | own;
        self.change_mask(pid, mask, ports);
        Ok(Reply::Deliver {
            signal: info.signal,
            code: info.code,
            sender: info.sender(),
            value: info.value,
            handler: action.handler,
            flags: action.flags,
            restore,
            restorer: action.restorer,
        })
    }
}
