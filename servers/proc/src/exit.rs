//! The end of a process: by its own wish or by a signal.

use crate::Proc;
use crate::park::Purpose;
use crate::ports::{IpcExit, Ports};
use crate::process::{CpuTimes, Life, Process};
use crate::signal::{IGNORE, SIGCHLD, SIGKILL, child_info};
use crate::table::INIT;
use abi::linux::general as linux;
use alloc::vec::Vec;
use proto::Pid;
use proto::port::Outcome;
use proto::proc::Reply;

impl Proc {
    /// `_exit`. Nobody is answered: who asked is gone.
    pub(crate) fn exit<P: Ports>(
        &mut self,
        pid: Pid,
        status: i32,
        ports: &mut P,
    ) -> Outcome<Reply> {
        self.end(pid, (status as u32 & 0xff) << 8, ports);
        Outcome::Parked
    }

    /// Ends the processes that were noted to end, and those that end because of them.
    pub(crate) fn bury<P: Ports>(&mut self, ports: &mut P) {
        while let Some((pid, signal)) = self.doomed.pop_front() {
            self.end(pid, signal & 0x7f, ports);
        }
    }

    /// Ends a process with a wait status.
    pub(crate) fn end<P: Ports>(&mut self, pid: Pid, status: u32, ports: &mut P) {
        let Some(process) = self.table.living(pid) else {
            return;
        };
        let (session, parent) = (process.session, process.parent);
        let times = own_times(process, ports);
        ports.exit_files(pid);
        self.end_memory(pid, ports);
        // Only what has ended can leave no more behind; so this comes after it.
        if ports.has_ipc_state(pid) {
            ports.exit_ipc(pid, IpcExit::Ended);
        }

        self.give_memory_back(pid, ports);
        self.forget_waits(pid);
        self.unwatch_cpu(pid);
        self.delete_timers(pid);
        if let Some(process) = self.table.living_mut(pid) {
            process.times = times;
            process.change = None;
        }
        let mut orphaned: Vec<u32> = self.table.end(pid, status).into_iter().collect();
        self.publish(pid, ports);
        if session == pid.0 {
            ports.detach_terminal(session);
        }
        orphaned.append(&mut self.give_away_children(pid, ports));
        orphaned
            .into_iter()
            .for_each(|group| self.orphan(group, ports));

        match pid {
            INIT => self.end_of_init(status, ports),
            _ => self.leave_to_parent(pid, parent, ports),
        }
    }

    /// Ends the threads of a process with their memory, or without it if it is lent.
    fn end_memory<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        let lent = self.table.is_lent(pid);
        let Some(process) = self.table.living(pid) else {
            return;
        };
        if !lent {
            ports.destroy_space(pid);
        }
        for task in process.tasks.iter() {
            if lent {
                ports.remove_thread(pid, task.thread);
            } else {
                ports.forget_thread(task.thread);
            }
        }
    }

    fn forget_waits(&mut self, pid: Pid) {
        let Some(process) = self.table.living_mut(pid) else {
            return;
        };
        for task in process.tasks.iter_mut() {
            self.deadlines.unpark(task);
        }
        if let Some(alarm) = process.alarm.take() {
            self.deadlines
                .cancel(alarm.deadline_ns, pid, Purpose::Alarm);
        }
    }

    /// Pid 1, or an ancestor that wants to, adopts the orphans, and is told of those that have ended. Answers
    /// with the groups that are orphaned by it.
    ///
    /// All are adopted before it hears of any: if it waits for a child it may be told of `pid`
    /// itself, which is then gone and can be nobody's parent any more.
    fn give_away_children<P: Ports>(&mut self, pid: Pid, ports: &mut P) -> Vec<u32> {
        let children: Vec<Pid> = self.table.children(pid).collect();
        if children.is_empty() {
            return Vec::new();
        }
        let adopter = self.adopter(pid);
        let mut orphaned = Vec::new();
        for &child in &children {
            orphaned.extend(self.table.adopt(child, adopter));
            self.publish(child, ports);
            self.tell_of_parent(child, ports);
        }
        for child in children {
            self.tell_of_death(child, pid, ports);
            if self.table.get(child).is_some_and(|child| !child.is_alive()) {
                self.leave_to_parent(child, adopter, ports);
            }
        }
        orphaned
    }

    /// Tells the parent of a zombie. A parent that wants none only learns that it is gone.
    fn leave_to_parent<P: Ports>(&mut self, child: Pid, parent: Pid, ports: &mut P) {
        if !self.parent_refuses(parent) {
            return self.tell_parent(child, ports);
        }
        let Some(info) = self.table.get(child).map(child_info) else {
            return;
        };
        self.reap(child, ports);
        self.answer_waiting_parent(parent, ports);
        // A standard signal merges and so never fills a queue.
        let _ = self.send(parent, info, ports);
    }

    /// POSIX, `sigaction`: who ignores `SIGCHLD` or sets `SA_NOCLDWAIT` gets no zombies.
    fn parent_refuses(&self, parent: Pid) -> bool {
        self.table.living(parent).is_none_or(|parent| {
            let action = parent.signals.actions.get(SIGCHLD);
            action.handler == IGNORE || action.flags & linux::SA_NOCLDWAIT != 0
        })
    }

    /// Takes a zombie out of the table. Its times go to the parent that waited for it.
    pub(crate) fn reap<P: Ports>(&mut self, zombie: Pid, ports: &mut P) {
        if self
            .table
            .get(zombie)
            .is_none_or(|process| process.is_alive())
        {
            return;
        }
        self.table.remove(zombie);
        self.publish(zombie, ports);
    }

    /// The system ends with its first process: everything else is killed.
    fn end_of_init<P: Ports>(&mut self, status: u32, ports: &mut P) {
        let Some(init) = self.table.get(INIT) else {
            return;
        };
        let reply = Reply::Waited {
            pid: INIT.0,
            status,
            uid: init.credentials.uid[0],
            user_ns: init.times.user_ns,
            system_ns: init.times.system_ns,
        };
        let others: Vec<Pid> = self
            .table
            .iter()
            .filter(|process| process.is_alive())
            .map(|process| process.pid)
            .collect();
        others.into_iter().for_each(|pid| self.doom(pid, SIGKILL));
        self.bury(ports);
        let zombies: Vec<Pid> = self
            .table
            .iter()
            .filter(|process| matches!(process.life, Life::Zombie(_)))
            .map(|process| process.pid)
            .collect();
        zombies.into_iter().for_each(|pid| self.reap(pid, ports));

        match self.init_waiter.take() {
            // The root task outlives this server's clients; if it is gone nobody wants to know.
            Some(token) => drop(ports.reply(token, Ok(reply))),
            None if self.stopping.is_none() => self.init_ended = Some(reply),
            None => {}
        }
    }
}

/// Processor time of a process's own threads.
pub(crate) fn own_times<P: Ports>(process: &Process, ports: &mut P) -> CpuTimes {
    let threads = process.tasks.iter();
    let user_ns = threads
        .map(|task| ports.thread_cpu_ns(task.thread))
        .fold(process.past_ns, u64::saturating_add);
    CpuTimes {
        user_ns,
        system_ns: 0,
    }
}
