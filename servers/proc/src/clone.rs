//! Threads, and children that borrow their parent's memory (`vfork`, `posix_spawn`).
//!
//! The caller has filled a block in its memory with the registers that the new thread starts with, so
//! nothing of the caller's stack is used twice. Who borrows memory has a space of its own for its
//! handles; the lender's stays until the last borrower has executed a program or ended, even if the
//! lender itself has ended.

use crate::park::{Parked, Waiting};
use crate::ports::{Ports, Thread};
use crate::process::{Life, Process};
use crate::published::entry;
use crate::scheduling::level;
use crate::service::done;
use crate::signal::SIGKILL;
use crate::task::{Caller, Task};
use crate::{Answer, Proc};
use abi::{Errno, Token};
use alloc::vec::Vec;
use proto::Pid;
use proto::port::{Incoming, Outcome, Refusal};
use proto::proc::{Reply, Request};
use proto::publish::{Entry, slot};

/// Where a new thread finds its registers and the stack of its upcalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Address of its block.
    pub block: u64,
    /// End of the stack.
    pub stack: u64,
}

impl Proc {
    /// `clone` of a thread: it runs beside the caller.
    pub(crate) fn spawn<P: Ports>(
        &mut self,
        incoming: &Incoming<Request>,
        caller: Caller,
        begin: Begin,
        ports: &mut P,
    ) -> Answer {
        let process = self.table.living(caller.pid).ok_or(Errno::ESRCH)?;
        let tid = self.new_number(process)?;
        let original = process.tasks.get(caller.tid).ok_or(Errno::ESRCH)?;
        let parent = original.thread;
        let stopped = process.life == Life::Stopped;
        let stub = original.another(tid, original.thread);
        let level = level(process.nice, stub.policy);
        // A place that cannot be written is found before there is anything to undo.
        store_number(incoming, tid, ports)?;

        let thread = ports.add_thread(caller.pid, level, tid)?;
        if stopped {
            ports.suspend_thread(thread);
        }
        ports
            .spawn_thread(thread, parent, caller.pid, begin)
            .inspect_err(|_| ports.remove_thread(caller.pid, thread))?;
        self.table.add_task(caller.pid, Task { thread, ..stub });
        self.pin_new(Caller { tid, ..caller }, ports);
        self.publish(caller.pid, ports);
        Ok(done(Reply::Pid(tid.0)))
    }

    /// A child that uses the caller's memory, which waits until the child needs it no more.
    pub(crate) fn vfork<P: Ports>(
        &mut self,
        incoming: &Incoming<Request>,
        caller: Caller,
        begin: Begin,
        ports: &mut P,
    ) -> Answer {
        let process = self.table.living(caller.pid).ok_or(Errno::ESRCH)?;
        let pid = self.new_pid(process)?;
        let original = process.tasks.get(caller.tid).ok_or(Errno::ESRCH)?;
        store_number(incoming, pid, ports)?;

        let thread = ports.lend_space(caller.pid, pid)?;
        let mut child = process.child(original, pid, thread, ports.now_ns());
        child.lender = Some(process.lender.unwrap_or(caller.pid));
        child.waited_by = Some(caller);
        let parent = original.thread;
        self.furnish_borrower(process, &child, (parent, begin), ports)
            .inspect_err(|_| {
                ports.destroy_space(pid);
                ports.forget_thread(thread);
                ports.publish(slot(pid), &Entry::FREE);
            })?;
        let lender = child.lender.unwrap_or(caller.pid);
        self.table.insert(child);
        self.inherit_watching(caller.pid, pid);
        self.watch_cpu(pid, ports);
        self.table.lend(lender);
        self.wait_for_memory(caller, incoming.token);
        Ok(Outcome::Parked)
    }

    /// Gives a borrower everything but its memory. It starts last: then nothing can fail any more.
    fn furnish_borrower<P: Ports>(
        &self,
        parent: &Process,
        child: &Process,
        (thread, begin): (Thread, Begin),
        ports: &mut P,
    ) -> Result<(), Errno> {
        let orphaned = self.table.is_orphaned(child.group);
        ports.publish(slot(child.pid), &entry(child, orphaned));
        ports.fork_files(parent.pid, child.pid)?;
        let own = child.tasks.first().thread;
        ports
            .spawn_thread(own, thread, child.pid, begin)
            .inspect_err(|_| ports.exit_files(child.pid))
    }

    /// Not even a handler runs before the memory is back.
    fn wait_for_memory(&mut self, caller: Caller, token: Token) {
        let process = self.table.living_mut(caller.pid);
        if let Some(task) = process.and_then(|process| process.tasks.get_mut(caller.tid)) {
            let parked = Parked {
                token,
                wait: Waiting::Memory,
                deadline_ns: None,
            };
            self.deadlines.park(task, parked);
        }
    }

    /// `pid` needs its lender's memory no more: whoever waits for that goes on, and memory that was
    /// kept for it alone goes.
    pub(crate) fn give_memory_back<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let Some(process) = self.table.get_mut(pid) else {
            return;
        };
        let (lender, waiter) = (process.lender.take(), process.waited_by.take());
        if let Some(waiter) = waiter {
            self.answer_lender(pid, waiter, ports);
        }
        if let Some(lender) = lender
            && self.table.take_back(lender)
        {
            ports.destroy_space(lender);
        }
    }

    fn answer_lender<P: Ports>(&mut self, child: Pid, waiter: Caller, ports: &mut P) {
        let process = self.table.living_mut(waiter.pid);
        let Some(task) = process.and_then(|process| process.tasks.get_mut(waiter.tid)) else {
            return;
        };
        if task.parked.map(|parked| parked.wait) != Some(Waiting::Memory) {
            return;
        }
        if let Some(parked) = self.deadlines.unpark(task) {
            let _ = ports.reply(parked.token, Ok(Reply::Pid(child.0)));
        }
    }

    /// Ends those who use the memory of `pid`, which is about to be replaced.
    pub(crate) fn end_borrowers<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        if !self.table.is_lent(pid) {
            return;
        }
        let borrowers: Vec<Pid> = self
            .table
            .iter()
            .filter(|process| process.is_alive() && process.lender == Some(pid))
            .map(|process| process.pid)
            .collect();
        borrowers
            .into_iter()
            .for_each(|borrower| self.end(borrower, SIGKILL, ports));
    }

    /// `exit` of a thread. The process ends with its last one, with what its first one said.
    pub(crate) fn exit_thread<P: Ports>(
        &mut self,
        caller: Caller,
        status: i32,
        words: [u64; 2],
        ports: &mut P,
    ) -> Outcome<Reply> {
        let Some(process) = self.table.living_mut(caller.pid) else {
            return Outcome::Parked;
        };
        if process.tasks.count() == 1 {
            let status = process.first_status.unwrap_or(status);
            return self.exit(caller.pid, status, ports);
        }
        if caller.tid == caller.pid {
            process.first_status = Some(status);
        }
        if let Some(task) = self.drop_task(caller, ports) {
            ports.end_thread(caller.pid, task.thread, words);
        }
        self.publish(caller.pid, ports);
        // What it alone would have taken is for another one now.
        self.look_at_all(caller.pid, ports);
        self.interrupt(caller.pid, ports);
        self.pin(caller.pid, ports);
        Outcome::Parked
    }

    /// Takes a thread out of its process; the kernel's thread is still there.
    fn drop_task<P: Ports>(&mut self, caller: Caller, ports: &mut P) -> Option<Task> {
        let mut task = self.table.remove_task(caller.pid, caller.tid)?;
        self.deadlines.unpark(&mut task);
        let used_ns = ports.thread_cpu_ns(task.thread);
        if let Some(process) = self.table.living_mut(caller.pid) {
            process.past_ns = process.past_ns.saturating_add(used_ns);
        }
        Some(task)
    }

    /// Leaves `caller` as the only thread of its process, under the process's number.
    pub(crate) fn end_other_threads<P: Ports>(&mut self, caller: Caller, ports: &mut P) {
        while let Some(tid) = self.table.living(caller.pid).and_then(|process| {
            let mut tids = process.tasks.iter().map(|task| task.tid);
            tids.find(|&tid| tid != caller.tid)
        }) {
            let Caller { pid, .. } = caller;
            if let Some(task) = self.drop_task(Caller { pid, tid }, ports) {
                ports.remove_thread(pid, task.thread);
            }
        }
        self.table.rename_task(caller.pid);
    }

    /// A number for one more thread.
    fn new_number(&self, process: &Process) -> Result<Pid, Errno> {
        let privileged = process.credentials.privileged();
        let owned = u64::from(self.table.owned_by(process.credentials.uid[0]));
        let others = process.tasks.count() as u64;
        if !privileged && owned + others > process.limits.soft(crate::limits::PROCESSES) {
            return Err(Errno::EAGAIN);
        }
        self.table.free_number()
    }
}

/// Writes the new number where the caller wants it: leases 0 and 1.
fn store_number<P: Ports>(
    incoming: &Incoming<Request>,
    number: Pid,
    ports: &mut P,
) -> Result<(), Refusal> {
    for (lease, info) in (0..).zip(incoming.leases) {
        if info.writable && info.bytes == size_of::<u32>() {
            ports.write(incoming.token, lease, 0, &number.0.to_le_bytes())?;
        }
    }
    Ok(())
}
