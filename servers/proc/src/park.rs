//! Requests that wait, as data: a token and what it waits for.
//!
//! A thread has at most one parked request; it lies in its [`Task`]. The deadlines of all are in one
//! ordered set, whose first is the server's timer.

use crate::cpu::Clock;
use crate::task::Task;
use abi::Token;
use alloc::collections::BTreeSet;
use proto::Pid;
use proto::proc::SignalSet;
use serde::{Deserialize, Serialize};

/// A request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Who is to be answered.
    pub token: Token,
    /// What it waits for.
    pub wait: Waiting,
    /// When it ends at the latest.
    pub deadline_ns: Option<u64>,
}

/// What a parked request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    /// A child that changes, as `wait4` describes it; `usage`: lease 0 gets the resource usage.
    Child {
        /// Which children, as in `waitpid`.
        pid: i32,
        /// Which changes.
        options: u32,
        /// Whether lease 0 is there for them.
        usage: bool,
    },
    /// A point in time.
    Time,
    /// A caught signal.
    Caught,
    /// One of these signals.
    Signal(SignalSet),
    /// A clock of processor time.
    Processor {
        /// Which.
        clock: Clock,
        /// What it shall show.
        until_ns: u64,
    },
    /// Its memory, which a child uses. No signal interrupts that.
    Memory,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Purpose {
    /// The end of the wait of the thread with that number.
    Wait,
    /// The interval timer.
    Alarm,
    /// A timer of `timer_create`.
    Timer(u32),
    /// A look at what waits for processor time.
    Processor,
}

/// All deadlines, the earliest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Deadlines(BTreeSet<(u64, Pid, Purpose)>);

impl Deadlines {
    /// Adds one.
    pub fn add(&mut self, deadline_ns: u64, pid: Pid, purpose: Purpose) {
        self.0.insert((deadline_ns, pid, purpose));
    }

    /// Takes one out again.
    pub fn cancel(&mut self, deadline_ns: u64, pid: Pid, purpose: Purpose) {
        self.0.remove(&(deadline_ns, pid, purpose));
    }

    /// The earliest.
    pub fn earliest(&self) -> Option<u64> {
        self.0.first().map(|&(deadline_ns, ..)| deadline_ns)
    }

    /// Takes one that has come.
    pub fn due(&mut self, now_ns: u64) -> Option<(Pid, Purpose)> {
        self.earliest()
            .filter(|&deadline_ns| deadline_ns <= now_ns)?;
        self.0.pop_first().map(|(_, pid, purpose)| (pid, purpose))
    }

    /// Takes a thread's parked request, and its deadline, out.
    pub fn unpark(&mut self, task: &mut Task) -> Option<Parked> {
        let parked = task.parked.take()?;
        if let Some(deadline_ns) = parked.deadline_ns {
            self.cancel(deadline_ns, task.tid, Purpose::Wait);
        }
        Some(parked)
    }

    /// Lets a thread wait. A request that it waited with before can have no caller any more.
    pub fn park(&mut self, task: &mut Task, parked: Parked) {
        self.unpark(task);
        if let Some(deadline_ns) = parked.deadline_ns {
            self.add(deadline_ns, task.tid, Purpose::Wait);
        }
        task.parked = Some(parked);
    }
}
