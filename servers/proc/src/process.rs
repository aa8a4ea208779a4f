//! One process: plain data, no behaviour that needs a port.

use crate::cpu::Watch;
use crate::credentials::Credentials;
use crate::limits::Limits;
use crate::ports::Thread;
use crate::posix_timers::PosixTimer;
use crate::signal::Signals;
use crate::task::{Caller, Task, Tasks};
use crate::wishes::Wishes;
use alloc::vec::Vec;
use proto::Pid;
use proto::proc::SignalSet;
use proto::publish::{self, NAME_BYTES};
use serde::{Deserialize, Serialize};

/// What a process does, as far as its parent is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Life {
    /// It runs or waits.
    Running,
    /// A signal stopped it.
    Stopped,
    /// It ended with this wait status and is not waited for yet.
    Zombie(u32),
}

/// A change that a parent may still ask for with `wait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Stopped by this signal.
    Stopped(u32),
    /// Continued by `SIGCONT`.
    Continued,
}

/// Used processor time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTimes {
    /// In the program.
    pub user_ns: u64,
    /// For the program elsewhere; not measured yet.
    pub system_ns: u64,
}

impl CpuTimes {
    /// Adds another process's times.
    pub fn add(&mut self, other: CpuTimes) {
        self.user_ns = self.user_ns.saturating_add(other.user_ns);
        self.system_ns = self.system_ns.saturating_add(other.system_ns);
    }
}

/// Neighbours in the parent's list of children, and the own list's ends; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// First child.
    pub first: Pid,
    /// Last child.
    pub last: Pid,
    /// Elder sibling.
    pub previous: Pid,
    /// Younger sibling.
    pub next: Pid,
}

/// An interval timer that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// When it fires.
    pub deadline_ns: u64,
    /// How often afterwards; 0 for once.
    pub interval_ns: u64,
}

impl Alarm {
    /// What it is after it fired at `now_ns`: periods that were missed are not made up for.
    pub fn after(self, now_ns: u64) -> Option<Alarm> {
        let late_ns = now_ns.saturating_sub(self.deadline_ns);
        let late = late_ns.checked_div(self.interval_ns)?;
        let step_ns = self.interval_ns.saturating_mul(late.saturating_add(1));
        Some(Alarm {
            deadline_ns: self.deadline_ns.saturating_add(step_ns),
            ..self
        })
    }
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Who it is.
    pub pid: Pid,
    /// Its parent; 0 for pid 1.
    pub parent: Pid,
    /// Its place in the tree. Kept by [`crate::table::Table`].
    pub links: Links,
    /// Process group. Kept by [`crate::table::Table`].
    pub group: u32,
    /// Session. Kept by [`crate::table::Table`].
    pub session: u32,
    /// What it does. Kept by [`crate::table::Table`].
    pub life: Life,
    /// What a parent may still ask for.
    pub change: Option<Change>,
    /// Its threads; meaningless for a zombie.
    pub tasks: Tasks,
    /// Who it may act as.
    pub credentials: Credentials,
    /// What it has arranged for signals, and those for whichever thread takes them.
    pub signals: Signals,
    /// Its limits.
    pub limits: Limits,
    /// Nice value, -20 to 19.
    pub nice: i32,
    /// Command name, ended by zeros.
    pub name: [u8; NAME_BYTES],
    /// When it was made.
    pub start_ns: u64,
    /// Its own times, known at its end.
    pub times: CpuTimes,
    /// Times of the children that it waited for.
    pub children_times: CpuTimes,
    /// The real interval timer.
    pub alarm: Option<Alarm>,
    /// What waits for its processor time.
    pub watch: Watch,
    /// Its further timers.
    pub timers: Vec<PosixTimer>,
    /// Processor time of threads that have ended.
    pub past_ns: u64,
    /// What the thread with the process's number said when it ended before others.
    pub first_status: Option<i32>,
    /// Whose memory it uses, if not its own.
    pub lender: Option<Pid>,
    /// Who waits until it has memory of its own.
    pub waited_by: Option<Caller>,
    /// Whether it asked to be kicked when its parent becomes another.
    pub knows_parent: bool,
    /// Whether it has executed a program since it was forked.
    pub executed: bool,
    /// Where in its memory is what its program was started with.
    pub start: publish::Start,
    /// What it has asked for.
    pub wishes: Wishes,
}

impl Process {
    /// Whether it has not ended.
    pub fn is_alive(&self) -> bool {
        !matches!(self.life, Life::Zombie(_))
    }

    /// Whether a terminal must not stop it, whatever it blocks.
    pub fn ignores_terminal_stop(&self) -> bool {
        let ignored = self.signals.actions.ignored();
        ignored & crate::signal::bit(crate::signal::SIGTTIN) != 0
    }

    /// Drops signals that are pending for it or for one of its threads.
    pub fn discard_signals(&mut self, set: SignalSet) {
        self.signals.queue.discard(set);
        for task in self.tasks.iter_mut() {
            task.signals.own.discard(set);
            task.signals.renew(set);
        }
    }

    /// What all its threads block.
    pub fn blocked_by_all(&self) -> SignalSet {
        let masks = self.tasks.iter().map(|task| task.signals.mask);
        masks.fold(u64::MAX, |all, mask| all & mask)
    }

    /// The process that `fork` makes: the same, less what is not inherited.
    /// Of its threads only `original` goes on in the child, in `thread`.
    pub fn child(&self, original: &Task, pid: Pid, thread: Thread, now_ns: u64) -> Process {
        Process {
            pid,
            parent: self.pid,
            links: Links::default(),
            group: self.group,
            session: self.session,
            life: Life::Running,
            change: None,
            tasks: Tasks::one(original.another(pid, thread)),
            credentials: self.credentials.clone(),
            signals: self.signals.inherited(),
            limits: self.limits,
            nice: match original.reset_on_fork {
                true => self.nice.max(0),
                false => self.nice,
            },
            name: self.name,
            start_ns: now_ns,
            times: CpuTimes::default(),
            children_times: CpuTimes::default(),
            alarm: None,
            watch: Watch::default(),
            timers: Vec::new(),
            past_ns: 0,
            first_status: None,
            lender: None,
            waited_by: None,
            knows_parent: false,
            executed: false,
            start: self.start,
            wishes: self.wishes.inherited(),
        }
    }
}
