//! The timers of `timer_create`.
//!
//! A timer that has run out is not armed again before its signal is taken: then it is known how many
//! periods were missed meanwhile (POSIX, "timer_getoverrun"), and however short its period is, it
//! costs nothing while nobody looks.

use crate::Proc;
use crate::cpu::Clock;
use crate::park::Purpose;
use crate::ports::Ports;
use crate::process::Process;
use crate::signal::{Info, LAST, SIGALRM};
use crate::task::Caller;
use abi::Errno;
use abi::linux::general as linux;
use proto::Pid;
use proto::port::Refusal;
use proto::proc::{CpuClock, Reply};
use serde::{Deserialize, Serialize};

/// Most timers of a process.
const MOST: usize = 64;
/// Shortest period of a timer whose signal nobody takes.
const LEAST_PERIOD_NS: u64 = 1_000_000;
/// Most that `timer_getoverrun` says (`DELAYTIMER_MAX`).
const MOST_OVERRUNS: u64 = i32::MAX as u64;

/// Whom a timer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tells {
    /// Nobody: it is asked.
    Nobody,
    /// The process.
    Process(u32),
    /// A thread.
    Thread(u32, Pid),
}

/// A timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PosixTimer {
    /// Its number in its process.
    pub id: u32,
    tells: Tells,
    value: u64,
    /// Its clock, if it is one of processor time.
    clock: Option<Clock>,
    /// When it runs out next, or ran out last.
    due_ns: u64,
    interval_ns: u64,
    state: State,
    overruns: u32,
}

/// What a timer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Nothing.
    Idle,
    /// It is among the deadlines.
    Armed,
    /// Its signal waits to be taken.
    Told,
}

impl PosixTimer {
    /// Time left and interval, as `timer_gettime` tells them.
    fn setting(&self, now_ns: u64) -> Reply {
        let left_ns = match self.state {
            State::Idle => 0,
            _ if self.due_ns > now_ns => self.due_ns - now_ns,
            _ if self.interval_ns == 0 => u64::from(self.state == State::Armed),
            _ => self.interval_ns - (now_ns - self.due_ns) % self.interval_ns,
        };
        Reply::Timer {
            value_ns: left_ns,
            interval_ns: self.interval_ns,
        }
    }

    /// The clock of processor time that it waits for, and what that shall show.
    pub(crate) fn cpu_due(&self) -> Option<(Clock, u64)> {
        let waits = self.state == State::Armed && self.tells != Tells::Nobody;
        self.clock
            .filter(|_| waits)
            .map(|clock| (clock, self.due_ns))
    }

    /// The periods that have passed since it ran out.
    fn missed(&self, now_ns: u64) -> u64 {
        let late_ns = now_ns.saturating_sub(self.due_ns);
        late_ns.checked_div(self.interval_ns).unwrap_or(0)
    }

    /// Goes on with the period after those that were missed.
    fn go_on(&mut self, missed: u64) {
        let periods = missed.saturating_add(1);
        self.due_ns = self
            .due_ns
            .saturating_add(self.interval_ns.saturating_mul(periods));
        self.state = State::Armed;
    }
}

impl Proc {
    /// `timer_create`.
    pub(crate) fn timer_create(
        &mut self,
        caller: Caller,
        named: Option<CpuClock>,
        (how, signal): (u32, u32),
        (value, tid): (u64, i32),
    ) -> Result<Reply, Refusal> {
        let clock = named
            .map(|named| self.cpu_clock(caller, named))
            .transpose()?;
        let pid = caller.pid;
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        let good = (1..=LAST).contains(&signal);
        let tells = match how {
            0 if good => Tells::Process(signal),
            1 => Tells::Nobody,
            3 => Tells::Process(SIGALRM),
            4 if good => {
                let tid = Pid(u32::try_from(tid).map_err(|_| Errno::EINVAL)?);
                process.tasks.get(tid).ok_or(Errno::EINVAL)?;
                Tells::Thread(signal, tid)
            }
            _ => return Err(Errno::EINVAL.into()),
        };
        if process.timers.len() >= MOST {
            return Err(Errno::EAGAIN.into());
        }
        let is_free = |id: &u32| process.timers.iter().all(|timer| timer.id != *id);
        let id = (0..).find(is_free).ok_or(Errno::EAGAIN)?;
        process.timers.push(PosixTimer {
            id,
            tells,
            value: if how == 3 { id.into() } else { value },
            clock,
            due_ns: 0,
            interval_ns: 0,
            state: State::Idle,
            overruns: 0,
        });
        Ok(Reply::Count(id.into()))
    }

    /// `timer_settime`.
    pub(crate) fn timer_set<P: Ports>(
        &mut self,
        caller: Caller,
        id: u32,
        (first_ns, absolute): (u64, bool),
        interval_ns: u64,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let pid = caller.pid;
        self.bill(caller, ports);
        let clock = self.timer_mut(pid, id)?.clock;
        let now_ns = self.timer_now(clock, ports);
        let old = self.stop_timer(pid, id)?.setting(now_ns);
        let timer = self.timer_mut(pid, id)?;
        (timer.interval_ns, timer.overruns) = (interval_ns, 0);
        if first_ns != 0 {
            timer.due_ns = if absolute {
                first_ns
            } else {
                now_ns.saturating_add(first_ns)
            };
            timer.state = State::Armed;
            let timer = *timer;
            self.arm_timer(pid, timer, ports);
        }
        Ok(old)
    }

    /// `timer_gettime`.
    pub(crate) fn timer_get<P: Ports>(
        &mut self,
        caller: Caller,
        id: u32,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        self.bill(caller, ports);
        let timer = *self.timer_mut(caller.pid, id)?;
        Ok(timer.setting(self.timer_now(timer.clock, ports)))
    }

    /// `timer_getoverrun`: of the signal that was taken last.
    pub(crate) fn timer_overrun(&mut self, pid: Pid, id: u32) -> Result<Reply, Refusal> {
        Ok(Reply::Count(self.timer_mut(pid, id)?.overruns.into()))
    }

    /// `timer_delete`.
    pub(crate) fn timer_delete(&mut self, pid: Pid, id: u32) -> Result<Reply, Refusal> {
        self.stop_timer(pid, id)?;
        if let Some(process) = self.table.living_mut(pid) {
            process.timers.retain(|timer| timer.id != id);
        }
        Ok(Reply::Done)
    }

    /// All timers of a process that ends, or executes another program.
    pub(crate) fn delete_timers(&mut self, pid: Pid) {
        while let Some(id) = self
            .table
            .living(pid)
            .and_then(|process| process.timers.first())
            .map(|timer| timer.id)
        {
            let _ = self.timer_delete(pid, id);
        }
    }

    fn timer_mut(&mut self, pid: Pid, id: u32) -> Result<&mut PosixTimer, Errno> {
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        let mut timers = process.timers.iter_mut();
        timers.find(|timer| timer.id == id).ok_or(Errno::EINVAL)
    }

    /// Takes a timer out of the deadlines. Answers with what it was.
    fn stop_timer(&mut self, pid: Pid, id: u32) -> Result<PosixTimer, Errno> {
        let timer = self.timer_mut(pid, id)?;
        let old = *timer;
        timer.state = State::Idle;
        if old.state == State::Armed && old.clock.is_none() {
            self.deadlines.cancel(old.due_ns, pid, Purpose::Timer(id));
        }
        Ok(old)
    }

    /// One that tells nobody needs no deadline.
    fn arm_timer<P: Ports>(&mut self, pid: Pid, timer: PosixTimer, ports: &mut P) {
        if timer.clock.is_some() {
            self.watch_cpu(pid, ports);
        } else if timer.tells != Tells::Nobody {
            self.deadlines
                .add(timer.due_ns, pid, Purpose::Timer(timer.id));
        }
    }

    /// A timer has run out: its signal is sent.
    pub(crate) fn timer_due<P: Ports>(&mut self, pid: Pid, id: u32, now_ns: u64, ports: &mut P) {
        let Ok(timer) = self.timer_mut(pid, id) else {
            return;
        };
        timer.state = State::Told;
        let (signal, thread) = match timer.tells {
            Tells::Nobody => return,
            Tells::Process(signal) => (signal, None),
            Tells::Thread(signal, tid) => (signal, Some(tid)),
        };
        let info = Info {
            signal,
            code: linux::SI_TIMER,
            pid: id,
            uid: 0,
            value: timer.value,
        };
        // A queue that is full is as if the signal had been ignored.
        let _ = self.send_to(pid, thread, info, ports);
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        if !waits(process, id) {
            self.rearm(pid, id, now_ns, ports);
        }
    }

    /// Lets a timer go on whose signal nobody gets.
    fn rearm<P: Ports>(&mut self, pid: Pid, id: u32, now_ns: u64, ports: &mut P) {
        let Ok(timer) = self.timer_mut(pid, id) else {
            return;
        };
        if timer.state != State::Told {
            return;
        }
        if timer.interval_ns == 0 {
            timer.state = State::Idle;
            return;
        }
        timer.go_on(timer.missed(now_ns));
        timer.due_ns = timer.due_ns.max(now_ns.saturating_add(LEAST_PERIOD_NS));
        let timer = *timer;
        self.arm_timer(pid, timer, ports);
    }

    /// A signal is taken: if it is a timer's, it learns how many periods were missed, and the timer
    /// goes on.
    pub(crate) fn timer_taken<P: Ports>(&mut self, pid: Pid, info: &mut Info, ports: &mut P) {
        if info.code != linux::SI_TIMER {
            return;
        }
        let id = info.pid;
        let Ok(clock) = self.timer_mut(pid, id).map(|timer| timer.clock) else {
            return;
        };
        let now_ns = self.timer_now(clock, ports);
        let Ok(timer) = self.timer_mut(pid, id) else {
            return;
        };
        if timer.state != State::Told {
            return;
        }
        let missed = timer.missed(now_ns);
        timer.overruns = missed.min(MOST_OVERRUNS) as u32;
        info.uid = timer.overruns;
        if timer.interval_ns == 0 {
            timer.state = State::Idle;
            return;
        }
        timer.go_on(missed);
        let timer = *timer;
        self.arm_timer(pid, timer, ports);
    }

    /// As [`Proc::timer_taken`] for what a thread waits for.
    pub(crate) fn with_overruns<P: Ports>(
        &mut self,
        caller: Caller,
        info: Info,
        ports: &mut P,
    ) -> Info {
        let mut info = info;
        self.timer_taken(caller.pid, &mut info, ports);
        info
    }
}

/// Whether a timer's signal is pending.
fn waits(process: &Process, id: u32) -> bool {
    let mut queues = core::iter::once(&process.signals.queue)
        .chain(process.tasks.iter().map(|task| &task.signals.own));
    queues.any(|queue| queue.holds(|info| info.code == linux::SI_TIMER && info.pid == id))
}
