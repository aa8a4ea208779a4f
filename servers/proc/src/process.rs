//! One process: plain data, no behaviour that needs a port.

use crate::credentials::Credentials;
use crate::limits::Limits;
use crate::park::Parked;
use crate::ports::Thread;
use crate::signal::Signals;
use proto::Pid;
use proto::publish::NAME_BYTES;
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
    /// Its thread; meaningless for a zombie.
    pub thread: Thread,
    /// Who it may act as.
    pub credentials: Credentials,
    /// Its signals.
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
    /// The request it waits for.
    pub parked: Option<Parked>,
    /// Whether it asked to be kicked when its parent becomes another.
    pub knows_parent: bool,
    /// Whether it has executed a program since it was forked.
    pub executed: bool,
}

impl Process {
    /// Whether it has not ended.
    pub fn is_alive(&self) -> bool {
        !matches!(self.life, Life::Zombie(_))
    }

    /// Whether a terminal must not stop it.
    pub fn ignores_terminal_stop(&self) -> bool {
        let signals = &self.signals;
        (signals.mask | signals.actions.ignored()) & crate::signal::bit(crate::signal::SIGTTIN) != 0
    }

    /// The process that `fork` makes: the same, less what is not inherited.
    pub fn child(&self, pid: Pid, thread: Thread, now_ns: u64) -> Process {
        Process {
            pid,
            parent: self.pid,
            links: Links::default(),
            group: self.group,
            session: self.session,
            life: Life::Running,
            change: None,
            thread,
            credentials: self.credentials.clone(),
            signals: self.signals.inherited(),
            limits: self.limits,
            nice: self.nice,
            name: self.name,
            start_ns: now_ns,
            times: CpuTimes::default(),
            children_times: CpuTimes::default(),
            alarm: None,
            parked: None,
            knows_parent: false,
            executed: false,
        }
    }
}
