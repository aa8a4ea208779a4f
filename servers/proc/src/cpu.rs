//! Clocks of processor time, and all that waits for them: interval timers, POSIX timers, sleeps, `RLIMIT_CPU`.
//!
//! Nobody tells this server that a thread has used so much time; it has to look. One processor cannot give a
//! process more time than passes, so what needs another 300 ms of it is looked at in 300 ms and not before,
//! and who waits for nothing of the kind costs nothing. A process that has not run between two looks is
//! looked at less and less often. *Rejected*: a limit that the kernel checks when it switches, which each
//! message would pay for.

use crate::limits::{CPU, INFINITY};
use crate::park::{Parked, Purpose, Waiting};
use crate::ports::Ports;
use crate::process::{Alarm, Process};
use crate::service::done;
use crate::signal::{Info, SIGKILL, SIGPROF, SIGVTALRM, SIGXCPU};
use crate::task::Caller;
use crate::{Answer, Proc};
use abi::{Errno, Token};
use proto::Pid;
use proto::port::Refusal;
use proto::proc::{CpuClock, Reply};
use serde::{Deserialize, Serialize};

const SECOND_NS: u64 = 1_000_000_000;
/// Least time between two looks, and so how late something may be that a running process waits for.
const LEAST_STEP_NS: u64 = 1_000_000;
/// Most time between two looks at a process that does not run.
const MOST_STEP_NS: u64 = 64_000_000;

/// A clock of processor time: its process, and its thread if it is not the whole process's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    process: Pid,
    thread: Option<Pid>,
}

/// What a process has to do with processor time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// `ITIMER_VIRTUAL` and `ITIMER_PROF`; their times are those of the process's own clock.
    alarms: [Option<Alarm>; 2],
    /// When the next look is due.
    look_ns: Option<u64>,
    /// What was missing at the last look, and how long the way to this one was.
    missing_ns: u64,
    step_ns: u64,
}

impl Proc {
    /// The clock that a caller names.
    ///
    /// # Errors
    /// `EINVAL` for a process that is not there, or a thread of another one.
    pub(crate) fn cpu_clock(&self, caller: Caller, named: CpuClock) -> Result<Clock, Errno> {
        let (process, thread) = match named {
            CpuClock::Process { pid: 0 } => (caller.pid, None),
            CpuClock::Process { pid } => (Pid(pid), None),
            CpuClock::Thread { tid: 0 } => (caller.pid, Some(caller.tid)),
            CpuClock::Thread { tid } => (caller.pid, Some(Pid(tid))),
        };
        let found = self.table.get(process).ok_or(Errno::EINVAL)?;
        if let Some(tid) = thread {
            found.tasks.get(tid).ok_or(Errno::EINVAL)?;
        }
        Ok(Clock { process, thread })
    }

    /// What a clock shows; `None` if it stands still for good.
    fn cpu_ns<P: Ports>(&self, clock: Clock, ports: &mut P) -> Option<u64> {
        let process = self.table.living(clock.process)?;
        match clock.thread {
            None => Some(own_ns(process, ports)),
            Some(tid) => {
                let task = process.tasks.get(tid)?;
                Some(ports.thread_cpu_ns(task.thread))
            }
        }
    }

    /// Lets the kernel bill what the caller has used until now, before anything else is looked at.
    pub(crate) fn bill<P: Ports>(&self, caller: Caller, ports: &mut P) {
        let process = self.table.living(caller.pid);
        if let Some(task) = process.and_then(|process| process.tasks.get(caller.tid)) {
            ports.thread_cpu_ns(task.thread);
        }
    }

    /// `clock_gettime`.
    pub(crate) fn cpu_time<P: Ports>(
        &self,
        caller: Caller,
        named: CpuClock,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let clock = self.cpu_clock(caller, named)?;
        self.bill(caller, ports);
        let ended = self.table.get(clock.process).map(|process| process.times);
        let ns = match self.cpu_ns(clock, ports) {
            Some(ns) => ns,
            None => ended.map_or(0, |times| times.user_ns + times.system_ns),
        };
        Ok(Reply::Count(ns))
    }

    /// `clock_nanosleep` until a clock shows a time.
    pub(crate) fn cpu_sleep<P: Ports>(
        &mut self,
        caller: Caller,
        token: Token,
        (named, until_ns): (CpuClock, u64),
        ports: &mut P,
    ) -> Answer {
        let clock = self.cpu_clock(caller, named)?;
        self.bill(caller, ports);
        if self.cpu_ns(clock, ports).is_some_and(|ns| ns >= until_ns) {
            return Ok(done(Reply::Done));
        }
        let parked = Parked {
            token,
            wait: Waiting::Processor { clock, until_ns },
            deadline_ns: None,
        };
        let answer = self.park(caller, ports, parked)?;
        self.watch_cpu(caller.pid, ports);
        Ok(answer)
    }

    /// The time of a timer's clock: `CLOCK_MONOTONIC`, if it is none of processor time. A clock that
    /// stands still for good has run out for nobody.
    pub(crate) fn timer_now<P: Ports>(&self, clock: Option<Clock>, ports: &mut P) -> u64 {
        match clock {
            None => ports.now_ns(),
            Some(clock) => self.cpu_ns(clock, ports).unwrap_or(0),
        }
    }

    /// `setitimer` of a timer of processor time (0 virtual, 1 prof).
    pub(crate) fn set_cpu_alarm<P: Ports>(
        &mut self,
        caller: Caller,
        which: usize,
        (value_ns, interval_ns): (u64, u64),
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        self.bill(caller, ports);
        let old = self.cpu_alarm(caller, which, ports)?;
        let process = self.table.living_mut(caller.pid).ok_or(Errno::ESRCH)?;
        let now_ns = own_ns(process, ports);
        let place = process.watch.alarms.get_mut(which).ok_or(Errno::EINVAL)?;
        *place = (value_ns != 0).then(|| Alarm {
            deadline_ns: now_ns.saturating_add(value_ns),
            interval_ns,
        });
        self.watch_cpu(caller.pid, ports);
        Ok(old)
    }

    /// `getitimer` of a timer of processor time.
    pub(crate) fn cpu_alarm<P: Ports>(
        &self,
        caller: Caller,
        which: usize,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        self.bill(caller, ports);
        let process = self.table.living(caller.pid).ok_or(Errno::ESRCH)?;
        let alarm = process.watch.alarms.get(which).ok_or(Errno::EINVAL)?;
        let now_ns = own_ns(process, ports);
        let (value_ns, interval_ns) = alarm.map_or((0, 0), |alarm| {
            let left_ns = alarm.deadline_ns.saturating_sub(now_ns);
            (left_ns.max(1), alarm.interval_ns)
        });
        Ok(Reply::Timer {
            value_ns,
            interval_ns,
        })
    }

    /// Something new may wait for a process's clocks: decides when to look.
    pub(crate) fn watch_cpu<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        self.plan_look(pid, 0, ports);
    }

    /// No more looks at a process that ends.
    pub(crate) fn unwatch_cpu(&mut self, pid: Pid) {
        if let Some(process) = self.table.get_mut(pid)
            && let Some(look_ns) = process.watch.look_ns.take()
        {
            self.deadlines.cancel(look_ns, pid, Purpose::Processor);
        }
    }

    /// Decides when to look next: as soon as something can be due, but no sooner than after `step_ns`.
    fn plan_look<P: Ports>(&mut self, pid: Pid, step_ns: u64, ports: &mut P) {
        self.unwatch_cpu(pid);
        let Some(missing_ns) = self.missing_ns(pid, ports) else {
            return;
        };
        let look_ns = ports.now_ns().saturating_add(missing_ns.max(step_ns));
        if let Some(process) = self.table.living_mut(pid) {
            process.watch.look_ns = Some(look_ns);
            (process.watch.missing_ns, process.watch.step_ns) = (missing_ns, step_ns);
            self.deadlines.add(look_ns, pid, Purpose::Processor);
        }
    }

    /// How much processor time must pass at least until something is due; `None`: nothing waits for it.
    fn missing_ns<P: Ports>(&self, pid: Pid, ports: &mut P) -> Option<u64> {
        let process = self.table.living(pid)?;
        let sleeps = process.tasks.iter().filter_map(|task| match task.parked {
            Some(Parked {
                wait: Waiting::Processor { clock, until_ns },
                ..
            }) => Some((clock, until_ns)),
            _ => None,
        });
        let timers = process.timers.iter().filter_map(|timer| timer.cpu_due());
        let mut missing: Option<u64> = None;
        let mut add = |due_ns: u64, now_ns: u64| {
            let left_ns = due_ns.saturating_sub(now_ns);
            missing = Some(missing.map_or(left_ns, |least| least.min(left_ns)));
        };
        for (clock, due_ns) in sleeps.chain(timers) {
            if let Some(now_ns) = self.cpu_ns(clock, ports) {
                add(due_ns, now_ns);
            }
        }
        let limit_s = process.limits.soft(CPU);
        let alarms = process.watch.alarms;
        if limit_s != INFINITY || alarms != [None; 2] {
            let now_ns = own_ns(process, ports);
            if limit_s != INFINITY {
                add(limit_s.saturating_mul(SECOND_NS), now_ns);
            }
            let alarms = alarms.into_iter().flatten();
            alarms.for_each(|alarm| add(alarm.deadline_ns, now_ns));
        }
        missing
    }

    /// Looks what is due of all that waits for a process's clocks.
    pub(crate) fn look_at_cpu<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        process.watch.look_ns = None;
        let (before_ns, step_ns) = (process.watch.missing_ns, process.watch.step_ns);
        self.check_cpu_limit(pid, ports);
        for (which, signal) in [SIGVTALRM, SIGPROF].into_iter().enumerate() {
            self.check_cpu_alarm(pid, which, signal, ports);
        }
        self.check_cpu_timers(pid, ports);
        self.check_cpu_sleeps(pid, ports);
        let stands_still = before_ns != 0 && self.missing_ns(pid, ports) == Some(before_ns);
        let step_ns = match stands_still {
            true => (step_ns * 2).clamp(LEAST_STEP_NS, MOST_STEP_NS),
            false => LEAST_STEP_NS,
        };
        self.plan_look(pid, step_ns, ports);
    }

    /// `RLIMIT_CPU`: a signal in each second from the soft limit on, and the end at the hard one. As on
    /// Linux the soft limit moves along.
    fn check_cpu_limit<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        let Ok(limit) = process.limits.get(CPU) else {
            return;
        };
        if limit.soft == INFINITY {
            return;
        }
        let used_s = own_ns(process, ports) / SECOND_NS;
        let signal = if used_s >= limit.hard {
            SIGKILL
        } else if used_s >= limit.soft {
            process.limits.next_cpu_second();
            SIGXCPU
        } else {
            return;
        };
        // A standard signal merges and so never fills a queue.
        let _ = self.send(pid, Info::from_system(signal), ports);
    }

    fn check_cpu_alarm<P: Ports>(&mut self, pid: Pid, which: usize, signal: u32, ports: &mut P) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        let now_ns = match process.watch.alarms {
            [None, None] => return,
            _ => own_ns(process, ports),
        };
        let Some(place) = process.watch.alarms.get_mut(which) else {
            return;
        };
        let Some(old) = place.filter(|alarm| alarm.deadline_ns <= now_ns) else {
            return;
        };
        *place = old.after(now_ns);
        let _ = self.send(pid, Info::from_system(signal), ports);
    }

    fn check_cpu_timers<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let mut place = 0;
        while let Some(timer) = self
            .table
            .living(pid)
            .and_then(|process| process.timers.get(place).copied())
        {
            place += 1;
            if let Some((clock, due_ns)) = timer.cpu_due()
                && let Some(now_ns) = self.cpu_ns(clock, ports)
                && due_ns <= now_ns
            {
                self.timer_due(pid, timer.id, now_ns, ports);
            }
        }
    }

    fn check_cpu_sleeps<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let mut place = 0;
        while let Some((tid, parked)) = self
            .table
            .living_mut(pid)
            .and_then(|process| process.tasks.at(place))
            .map(|task| (task.tid, task.parked))
        {
            place += 1;
            let Some(Waiting::Processor { clock, until_ns }) = parked.map(|parked| parked.wait)
            else {
                continue;
            };
            if self.cpu_ns(clock, ports).is_none_or(|ns| ns < until_ns) {
                continue;
            }
            if let Some(task) = self.table.task_mut(tid)
                && let Some(parked) = self.deadlines.unpark(task)
            {
                let _ = ports.reply(parked.token, Ok(Reply::Done));
            }
        }
    }
}

/// Processor time of all threads of a process.
fn own_ns<P: Ports>(process: &Process, ports: &mut P) -> u64 {
    crate::exit::own_times(process, ports).user_ns
}
