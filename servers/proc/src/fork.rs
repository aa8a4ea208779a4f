//! `fork`: a child that is a copy, or nothing at all.
//!
//! Each step that can fail is undone by the ones before it, in reverse order, so a failed `fork`
//! leaves every server as it was. The child enters the table last, when nothing can fail any more.

use crate::Proc;
use crate::limits;
use crate::ports::Ports;
use crate::process::Process;
use crate::published::entry;
use crate::scheduling::level;
use crate::start::USER_PRIORITY;
use crate::task::{Caller, Task};
use abi::{Errno, Token};
use proto::Pid;
use proto::port::Refusal;
use proto::proc::Reply;
use proto::publish::{Entry, slot};

impl Proc {
    /// `fork` by `parent`: its answer is the child's pid, the child's is 0.
    pub(crate) fn fork<P: Ports>(
        &mut self,
        caller: Caller,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let parent = caller.pid;
        let process = self.table.living(parent).ok_or(Errno::ESRCH)?;
        let original = process.tasks.get(caller.tid).ok_or(Errno::ESRCH)?;
        let pid = self.new_pid(process)?;
        let thread = ports.fork_space(parent, pid)?;
        let child = process.child(original, pid, thread, ports.now_ns());

        let token = self
            .furnish((process, original), &child, ports)
            .inspect_err(|_| {
                ports.destroy_space(pid);
                ports.forget_thread(thread);
                ports.publish(slot(pid), &Entry::FREE);
            })?;
        let level = level(child.nice, child.tasks.first().policy);
        if level != USER_PRIORITY {
            ports.set_thread_priority(thread, level);
        }
        let has_cpu_limit = child.limits.soft(limits::CPU) != limits::INFINITY;
        self.table.insert(child);
        self.inherit_watching(parent, pid);
        if has_cpu_limit {
            self.watch_cpu(pid, ports);
        }
        // The child cannot be gone: nobody but this server knows it yet.
        let _ = ports.reply(token, Ok(Reply::Pid(0)));
        Ok(Reply::Pid(pid.0))
    }

    pub(crate) fn new_pid(&self, parent: &Process) -> Result<Pid, Errno> {
        let privileged = parent.credentials.privileged();
        let owned = u64::from(self.table.owned_by(parent.credentials.uid[0]));
        if !privileged && owned >= parent.limits.soft(limits::PROCESSES) {
            return Err(Errno::EAGAIN);
        }
        self.table.free_pid(privileged)
    }

    /// Gives a child that has a space everything else. It is published first, because the lower
    /// servers look there as soon as they hear of it.
    fn furnish<P: Ports>(
        &self,
        (parent, original): (&Process, &Task),
        child: &Process,
        ports: &mut P,
    ) -> Result<Token, Errno> {
        ports.publish(
            slot(child.pid),
            &entry(child, self.table.is_orphaned(child.group)),
        );
        let own = child.tasks.first().thread;
        let token = ports.inherit_thread(own, original.thread, child.pid)?;
        ports.fork_files(parent.pid, child.pid)?;
        self.fork_ipc(parent, child, ports)
            .inspect_err(|_| ports.exit_files(child.pid))?;
        Ok(token)
    }

    fn fork_ipc<P: Ports>(
        &self,
        parent: &Process,
        child: &Process,
        ports: &mut P,
    ) -> Result<(), Errno> {
        if ports.has_ipc_state(parent.pid) {
            ports.fork_ipc(parent.pid, child.pid)
        } else {
            Ok(())
        }
    }
}
