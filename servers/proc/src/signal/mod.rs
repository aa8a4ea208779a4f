//! Signals: numbers, default actions, and what a process has pending.
//!
//! Standard signals (1 to 31) merge while pending; real-time ones (32 to 64) queue in order.

mod actions;
pub mod exception;
mod kill;
mod mask;
mod requests;
mod send;

pub use actions::{Action, Actions, DEFAULT, IGNORE};
pub(crate) use send::child_info;

use abi::linux::general as linux;
use alloc::collections::VecDeque;
use proto::proc::SignalSet;
use serde::{Deserialize, Serialize};

/// Highest signal number.
pub const LAST: u32 = 64;
/// First real-time signal.
const FIRST_REAL_TIME: u32 = 32;

/// The terminal went away.
pub const SIGHUP: u32 = linux::SIGHUP;
/// Ends a process, whatever it wants.
pub const SIGKILL: u32 = linux::SIGKILL;
/// A timer ran out.
pub const SIGALRM: u32 = linux::SIGALRM;
/// The process has used so much processor time.
pub const SIGVTALRM: u32 = linux::SIGVTALRM;
/// The process, and the system for it, have used so much processor time.
pub const SIGPROF: u32 = linux::SIGPROF;
/// The limit of processor time is reached.
pub const SIGXCPU: u32 = linux::SIGXCPU;
/// A child changed.
pub const SIGCHLD: u32 = linux::SIGCHLD;
/// Go on.
pub const SIGCONT: u32 = linux::SIGCONT;
/// Stops a process, whatever it wants.
pub const SIGSTOP: u32 = linux::SIGSTOP;
/// A background process read from the terminal.
pub const SIGTTIN: u32 = linux::SIGTTIN;

/// The set with one signal, 1 to 64.
pub const fn bit(signal: u32) -> SignalSet {
    1 << ((signal - 1) % LAST)
}

/// Signals that can be neither blocked nor caught nor ignored.
pub const UNSTOPPABLE: SignalSet = bit(SIGKILL) | bit(SIGSTOP);
/// Signals that stop a process by default.
pub const STOPS: SignalSet =
    bit(SIGSTOP) | bit(linux::SIGTSTP) | bit(SIGTTIN) | bit(linux::SIGTTOU);
/// Signals that do nothing by default (`SIGCONT` has done its work when it is sent).
const HARMLESS: SignalSet = bit(SIGCHLD) | bit(SIGCONT) | bit(linux::SIGURG) | bit(linux::SIGWINCH);
/// Signals that an instruction of the process itself causes: they go first (Linux: `SYNCHRONOUS_MASK`).
const SYNCHRONOUS: SignalSet = bit(linux::SIGSEGV)
    | bit(linux::SIGBUS)
    | bit(linux::SIGILL)
    | bit(linux::SIGTRAP)
    | bit(linux::SIGFPE)
    | bit(linux::SIGSYS);

/// What a signal does that is neither caught nor ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Nothing.
    Ignore,
    /// It stops the process.
    Stop,
    /// It ends the process.
    End,
}

/// The default action of a signal.
pub const fn default_action(signal: u32) -> Default {
    if bit(signal) & HARMLESS != 0 {
        Default::Ignore
    } else if bit(signal) & STOPS != 0 {
        Default::Stop
    } else {
        Default::End
    }
}

/// The signal of a set that is delivered first.
pub const fn first(set: SignalSet) -> Option<u32> {
    let urgent = if set & SYNCHRONOUS != 0 {
        set & SYNCHRONOUS
    } else {
        set
    };
    if urgent == 0 {
        None
    } else {
        Some(urgent.trailing_zeros() + 1)
    }
}

/// A signal with what its receiver learns of it (`siginfo_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Its number.
    pub signal: u32,
    /// `si_code`.
    pub code: i32,
    /// Who sent it, or which child changed.
    pub pid: u32,
    /// That one's real user.
    pub uid: u32,
    /// Value, status or address.
    pub value: u64,
}

impl Info {
    /// A signal from the system itself.
    pub const fn from_system(signal: u32) -> Info {
        Info {
            signal,
            code: linux::SI_KERNEL as i32,
            pid: 0,
            uid: 0,
            value: 0,
        }
    }

    /// Sender as replies carry it: pid in the low half, uid in the high one.
    pub const fn sender(&self) -> u64 {
        self.pid as u64 | (self.uid as u64) << 32
    }
}

/// Pending signals, in the order in which they came.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Queue {
    pending: SignalSet,
    list: VecDeque<Info>,
}

/// A queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

impl Queue {
    /// Pending signals.
    pub fn pending(&self) -> SignalSet {
        self.pending
    }

    /// Makes a signal pending. One that merges into an equal one is fine.
    ///
    /// # Errors
    /// [`QueueFull`] if a real-time signal finds `limit` signals pending.
    pub fn add(&mut self, info: Info, limit: u64) -> Result<(), QueueFull> {
        if info.signal < FIRST_REAL_TIME && self.pending & bit(info.signal) != 0 {
            return Ok(());
        }
        if info.signal >= FIRST_REAL_TIME && self.list.len() as u64 >= limit {
            return Err(QueueFull);
        }
        self.pending |= bit(info.signal);
        self.list.push_back(info);
        Ok(())
    }

    /// Takes the first pending signal that is in `among`.
    pub fn take(&mut self, among: SignalSet) -> Option<Info> {
        let signal = first(self.pending & among)?;
        let at = self.list.iter().position(|info| info.signal == signal)?;
        let info = self.list.remove(at)?;
        if !self.list.iter().any(|other| other.signal == signal) {
            self.pending &= !bit(signal);
        }
        Some(info)
    }

    /// Whether one is pending of which `is_it` holds.
    pub fn holds(&self, is_it: impl Fn(&Info) -> bool) -> bool {
        self.list.iter().any(is_it)
    }

    /// Drops pending signals.
    pub fn discard(&mut self, set: SignalSet) {
        self.list.retain(|info| bit(info.signal) & set == 0);
        self.pending &= !set;
    }
}

/// The signals of a process: what it has arranged, and what is for any of its threads.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signals {
    /// What the process has arranged.
    pub actions: Actions,
    /// Pending for whichever thread takes them.
    pub queue: Queue,
}

impl Signals {
    /// What a child gets: the actions, nothing pending.
    pub fn inherited(&self) -> Signals {
        Signals {
            actions: self.actions.clone(),
            ..Signals::default()
        }
    }
}

/// The signals of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskSignals {
    /// Blocked signals, as they were when somebody looked.
    pub mask: SignalSet,
    /// What the thread cannot unblock without asking.
    pub pinned: SignalSet,
    /// The mask that `sigsuspend` replaced, until a handler is told of it.
    pub suspended_mask: Option<SignalSet>,
    /// Pending for this thread alone.
    pub own: Queue,
    /// Pending signals for which a wait was refused already.
    told: SignalSet,
}

impl TaskSignals {
    /// Nothing pending, and `mask` blocked.
    pub fn new(mask: SignalSet) -> TaskSignals {
        TaskSignals {
            mask,
            ..TaskSignals::default()
        }
    }

    /// Whether a wait that starts now is refused, so that a handler can run first for one of
    /// `deliverable`. Each signal does that once: who waits all the same (in a handler that lets no
    /// other run) would ask forever.
    pub fn refuses_wait(&mut self, deliverable: SignalSet) -> bool {
        let news = deliverable & !self.told;
        self.told |= news;
        news != 0
    }

    /// A signal came or went: the next wait that it meets is refused again.
    pub fn renew(&mut self, set: SignalSet) {
        self.told &= !set;
    }

    /// Blocks `mask`, less what cannot be blocked. Answers with the old mask.
    pub fn set_mask(&mut self, mask: SignalSet) -> SignalSet {
        core::mem::replace(&mut self.mask, mask & !UNSTOPPABLE)
    }
}
