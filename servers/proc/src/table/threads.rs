//! The table's bookkeeping of threads: their numbers, and whose memory is lent.
//!
//! Numbers of threads are from the same range as pids, and differ from all of them; only pids have
//! slots. A process whose memory is lent keeps its slot until the memory is back.

use super::{FIRST_AFTER_WRAP, PID_MAX, Table};
use crate::task::{Caller, Task};
use abi::{Errno, Token};
use proto::Pid;
use proto::publish::slot;

/// Most threads of all processes together, besides their first ones.
const MOST_THREADS: usize = 2048;

impl Table {
    /// The living thread that asks with `token` for process `pid`.
    #[inline]
    pub fn caller(&self, pid: Pid, token: Token) -> Option<Caller> {
        let tasks = &self.living(pid)?.tasks;
        let tid = tasks.in_frame(token.thread_frame())?.tid;
        Some(Caller { pid, tid })
    }

    /// The process of a thread.
    pub fn process_of(&self, tid: Pid) -> Option<Pid> {
        let as_pid = self.get(tid).map(|process| process.pid);
        as_pid.or_else(|| self.threads.get(&tid.0).copied())
    }

    /// A living thread, to change it.
    pub fn task_mut(&mut self, tid: Pid) -> Option<&mut Task> {
        let pid = self.process_of(tid)?;
        self.living_mut(pid)?.tasks.get_mut(tid)
    }

    /// Whether a number is that of a thread and of no process.
    pub(super) fn is_thread(&self, number: u32) -> bool {
        !self.threads.is_empty() && self.threads.contains_key(&number)
    }

    /// A number for a new thread.
    ///
    /// # Errors
    /// `EAGAIN` if there are too many.
    pub fn free_number(&self) -> Result<Pid, Errno> {
        if self.threads.len() >= MOST_THREADS {
            return Err(Errno::EAGAIN);
        }
        let mut number = self.last_pid;
        for _ in 0..PID_MAX {
            number = if number + 1 >= PID_MAX {
                FIRST_AFTER_WRAP
            } else {
                number + 1
            };
            let place = &self.slots[slot(Pid(number))];
            if (place.id != number || place.is_free()) && !self.is_thread(number) {
                return Ok(Pid(number));
            }
        }
        Err(Errno::EAGAIN)
    }

    /// Enters one more thread of a process.
    pub fn add_task(&mut self, pid: Pid, task: Task) {
        let tid = task.tid;
        if let Some(process) = self.living_mut(pid) {
            process.tasks.add(task);
            self.threads.insert(tid.0, pid);
            self.last_pid = tid.0;
        }
    }

    /// Takes a thread out of its process, if it is not the only one.
    pub fn remove_task(&mut self, pid: Pid, tid: Pid) -> Option<Task> {
        let task = self.living_mut(pid)?.tasks.remove(tid)?;
        self.threads.remove(&tid.0);
        Some(task)
    }

    /// Gives the only thread of a process the process's number.
    pub fn rename_task(&mut self, pid: Pid) {
        let Some(process) = self.living_mut(pid) else {
            return;
        };
        if let Some(task) = process.tasks.at(0) {
            let old = core::mem::replace(&mut task.tid, pid);
            self.threads.remove(&old.0);
        }
    }

    /// Forgets the numbers of a process's threads.
    pub(super) fn forget_threads(&mut self, pid: Pid) {
        if !self.threads.is_empty() {
            self.threads.retain(|_, process| *process != pid);
        }
    }

    /// Notes one more borrower of a process's memory.
    pub fn lend(&mut self, lender: Pid) {
        self.slots[slot(lender)].borrowers += 1;
    }

    /// Whether a process's memory is lent.
    pub fn is_lent(&self, lender: Pid) -> bool {
        let place = &self.slots[slot(lender)];
        place.id == lender.0 && place.borrowers > 0
    }

    /// Notes one borrower less. Whether it was the last of a lender that has ended.
    pub fn take_back(&mut self, lender: Pid) -> bool {
        let ended = self.living(lender).is_none();
        let place = &mut self.slots[slot(lender)];
        place.borrowers = place.borrowers.saturating_sub(1);
        ended && place.borrowers == 0
    }
}
