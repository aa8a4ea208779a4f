//! One thread of a process: plain data.
//!
//! A process is its threads and what they share. The first of them is always one that lives; it need
//! not be the one that the process began with, whose number is the pid.

use crate::park::Parked;
use crate::ports::Thread;
use crate::scheduling::Policy;
use crate::signal::{Signals, TaskSignals};
use alloc::vec::Vec;
use proto::Pid;
use proto::proc::SignalSet;
use serde::{Deserialize, Serialize};

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its number.
    pub tid: Pid,
    /// The kernel's thread.
    pub thread: Thread,
    /// What it blocks, and what was sent to it alone.
    pub signals: TaskSignals,
    /// The request it waits for.
    pub parked: Option<Parked>,
    /// How it is scheduled.
    pub policy: Policy,
    /// Its children are not preferred, even if it is.
    pub reset_on_fork: bool,
}

impl Task {
    /// A thread that blocks `mask`.
    pub fn new(tid: Pid, thread: Thread, mask: SignalSet) -> Task {
        Task {
            tid,
            thread,
            signals: TaskSignals::new(mask),
            parked: None,
            policy: Policy::Other,
            reset_on_fork: false,
        }
    }

    /// A thread that this one makes, which blocks the same.
    pub fn another(&self, tid: Pid, thread: Thread) -> Task {
        Task {
            policy: self.policy,
            ..Task::new(tid, thread, self.signals.mask)
        }
    }

    /// Pending signals that a handler shall get now, those of the whole process included.
    pub fn deliverable(&self, shared: &Signals) -> SignalSet {
        let pending = self.signals.own.pending() | shared.queue.pending();
        pending & !self.signals.mask & shared.actions.caught()
    }
}

/// A thread that asks: its process, and its own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The process.
    pub pid: Pid,
    /// The thread.
    pub tid: Pid,
}

/// The threads of a process: at least one while it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    first: Task,
    others: Vec<Task>,
}

impl Tasks {
    /// A process with one thread.
    pub fn one(task: Task) -> Tasks {
        Tasks {
            first: task,
            others: Vec::new(),
        }
    }

    /// The first thread that lives.
    pub fn first(&self) -> &Task {
        &self.first
    }

    /// All threads.
    pub fn iter(&self) -> impl Iterator<Item = &Task> {
        core::iter::once(&self.first).chain(&self.others)
    }

    /// All threads, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Task> {
        core::iter::once(&mut self.first).chain(&mut self.others)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// The thread at a place below [`Tasks::count`].
    pub fn at(&mut self, place: usize) -> Option<&mut Task> {
        match place {
            0 => Some(&mut self.first),
            place => self.others.get_mut(place - 1),
        }
    }

    /// The thread with this number.
    pub fn get(&self, tid: Pid) -> Option<&Task> {
        self.iter().find(|task| task.tid == tid)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, tid: Pid) -> Option<&mut Task> {
        self.iter_mut().find(|task| task.tid == tid)
    }

    /// The thread in a frame. The only one of a process needs no look.
    pub fn in_frame(&self, frame: u32) -> Option<&Task> {
        if self.others.is_empty() {
            return Some(&self.first);
        }
        self.iter().find(|task| task.thread.frame == frame)
    }

    /// Adds a thread.
    pub fn add(&mut self, task: Task) {
        self.others.push(task);
    }

    /// Takes a thread out, if it is not the only one.
    pub fn remove(&mut self, tid: Pid) -> Option<Task> {
        if self.first.tid == tid && !self.others.is_empty() {
            let next = self.others.remove(0);
            return Some(core::mem::replace(&mut self.first, next));
        }
        let at = self.others.iter().position(|task| task.tid == tid)?;
        Some(self.others.remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::Handle;

    fn task(tid: u32) -> Task {
        let thread = Thread {
            handle: Handle(tid),
            frame: 100 + tid,
        };
        Task::new(Pid(tid), thread, 0)
    }

    #[test]
    fn the_last_thread_stays_and_any_other_can_go() {
        let mut tasks = Tasks::one(task(7));
        assert!(tasks.remove(Pid(7)).is_none());
        tasks.add(task(8));
        tasks.add(task(9));
        assert_eq!(tasks.remove(Pid(7)).map(|task| task.tid), Some(Pid(7)));
        assert_eq!(tasks.first().tid, Pid(8));
        assert_eq!(tasks.in_frame(109).map(|task| task.tid), Some(Pid(9)));
        assert!(tasks.remove(Pid(9)).is_some() && tasks.remove(Pid(8)).is_none());
        assert_eq!(tasks.count(), 1);
    }
}
