//! Sleeping, interval timers, and what the server's notifications bring.

use crate::park::{Parked, Purpose, Waiting};
use crate::ports::Ports;
use crate::process::Alarm;
use crate::service::done;
use crate::signal::{Info, SIGALRM};
use crate::task::Caller;
use crate::{Answer, Proc};
use abi::linux::general as linux;
use abi::message::notify;
use abi::{Errno, Token};
use proto::Pid;
use proto::port::Refusal;
use proto::proc::Reply;
use proto::tty::PROC_SIGNAL_BIT;
use proto::vfs;

/// `ITIMER_REAL`.
const REAL: u32 = linux::ITIMER_REAL;

impl Proc {
    /// Acts on notification bits.
    ///
    /// `CANCELLED` needs no action: only this server interrupts and ends the threads of programs,
    /// and it answers or drops what they had parked when it does so.
    pub fn notified<P: Ports>(&mut self, bits: u64, ports: &mut P) {
        if bits & 1 << PROC_SIGNAL_BIT != 0 {
            self.terminal_signals(ports);
        }
        if bits & 1 << vfs::PROC_SIGNAL_BIT != 0 {
            self.file_signals(ports);
        }
        if bits & notify::TIMER != 0 {
            // The timer is spent, whatever it was set to.
            self.armed_ns = None;
            self.timer(ports);
        }
        self.finish(ports);
    }

    /// Sends what the file server has for processes. Who asked for it there may have it.
    fn file_signals<P: Ports>(&mut self, ports: &mut P) {
        while let Some((pid, info)) = ports.next_file_signal() {
            // A receiver whose queue is full misses it, as on Linux.
            let _ = self.send(pid, info, ports);
        }
    }

    fn timer<P: Ports>(&mut self, ports: &mut P) {
        let now_ns = ports.now_ns();
        while let Some((pid, purpose)) = self.deadlines.due(now_ns) {
            match purpose {
                Purpose::Wait => self.wait_is_over(pid, ports),
                Purpose::Alarm => self.alarm(pid, now_ns, ports),
                Purpose::Timer(id) => self.timer_due(pid, id, now_ns, ports),
                Purpose::Processor => self.look_at_cpu(pid, ports),
            }
        }
        self.schedule(now_ns, ports);
        self.go_on_stopping(now_ns, ports);
    }

    /// Sets the server's one timer to the earliest deadline.
    pub(crate) fn arm<P: Ports>(&mut self, ports: &mut P) {
        let stopping = self.stopping.map(|stopping| stopping.poll_ns);
        let others = stopping.into_iter().chain(self.scheduler.next_ns());
        let earliest = self.deadlines.earliest().into_iter().chain(others).min();
        if earliest != self.armed_ns {
            self.armed_ns = earliest;
            ports.wake_at(earliest);
        }
    }

    fn wait_is_over<P: Ports>(&mut self, tid: Pid, ports: &mut P) {
        let Some(parked) = self.table.task_mut(tid).and_then(|task| task.parked.take()) else {
            return;
        };
        let answer = match parked.wait {
            Waiting::Time => Ok(Reply::Done),
            Waiting::Signal(_) => Err(Errno::EAGAIN.into()),
            Waiting::Child { .. }
            | Waiting::Caught
            | Waiting::Processor { .. }
            | Waiting::Memory => Err(Errno::EINTR.into()),
        };
        // Who has gone meanwhile needs no answer.
        let _ = ports.reply(parked.token, answer);
    }

    fn alarm<P: Ports>(&mut self, pid: Pid, now_ns: u64, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        let Some(old) = process.alarm.take() else {
            return;
        };
        process.alarm = old.after(now_ns);
        if let Some(next) = process.alarm {
            self.deadlines.add(next.deadline_ns, pid, Purpose::Alarm);
        }
        // A standard signal merges and so never fills a queue.
        let _ = self.send(pid, Info::from_system(SIGALRM), ports);
    }

    /// `clock_nanosleep` until a time.
    pub(crate) fn sleep<P: Ports>(
        &mut self,
        caller: Caller,
        token: Token,
        deadline_ns: u64,
        ports: &mut P,
    ) -> Answer {
        if deadline_ns <= ports.now_ns() {
            return Ok(done(Reply::Done));
        }
        self.park(
            caller,
            ports,
            Parked {
                token,
                wait: Waiting::Time,
                deadline_ns: Some(deadline_ns),
            },
        )
    }

    /// `setitimer`.
    pub(crate) fn set_timer<P: Ports>(
        &mut self,
        caller: Caller,
        which: u32,
        (value_ns, interval_ns): (u64, u64),
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        if let Some(which) = processor_timer(which) {
            return self.set_cpu_alarm(caller, which, (value_ns, interval_ns), ports);
        }
        let pid = caller.pid;
        let reply = self.get_timer(caller, which, ports)?;
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        if let Some(old) = process.alarm.take() {
            self.deadlines.cancel(old.deadline_ns, pid, Purpose::Alarm);
        }
        if value_ns != 0 {
            let deadline_ns = ports.now_ns().saturating_add(value_ns);
            process.alarm = Some(Alarm {
                deadline_ns,
                interval_ns,
            });
            self.deadlines.add(deadline_ns, pid, Purpose::Alarm);
        }
        Ok(reply)
    }

    /// `getitimer`.
    pub(crate) fn get_timer<P: Ports>(
        &self,
        caller: Caller,
        which: u32,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        if let Some(which) = processor_timer(which) {
            return self.cpu_alarm(caller, which, ports);
        }
        if which != REAL {
            return Err(Errno::EINVAL.into());
        }
        let process = self.table.living(caller.pid).ok_or(Errno::ESRCH)?;
        Ok(process.alarm.map_or(
            Reply::Timer {
                value_ns: 0,
                interval_ns: 0,
            },
            |alarm| Reply::Timer {
                value_ns: alarm.deadline_ns.saturating_sub(ports.now_ns()).max(1),
                interval_ns: alarm.interval_ns,
            },
        ))
    }
}

/// The place of a timer of processor time: 0 for `ITIMER_VIRTUAL`, 1 for `ITIMER_PROF`.
fn processor_timer(which: u32) -> Option<usize> {
    match which {
        linux::ITIMER_VIRTUAL => Some(0),
        linux::ITIMER_PROF => Some(1),
        _ => None,
    }
}
