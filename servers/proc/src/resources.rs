//! Limits, times, nice values, names and the date.

use crate::Proc;
use crate::exit::own_times;
use crate::limits::{self, Limit, Limits};
use crate::ports::Ports;
use crate::start::USER_PRIORITY;
use crate::task::Caller;
use abi::Errno;
use proto::Pid;
use proto::port::{Incoming, Refusal};
use proto::proc::{Reply, Request};
use proto::publish::NAME_BYTES;

impl Proc {
    /// `prlimit`. Without a new limit it only asks.
    pub(crate) fn limit<P: Ports>(
        &mut self,
        sender: Pid,
        pid: i32,
        resource: u32,
        new: Option<Limit>,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let target = self.controlled(sender, pid)?;
        let privileged = self
            .table
            .get(sender)
            .is_some_and(|sender| sender.credentials.privileged());
        let process = self.table.living_mut(target).ok_or(Errno::ESRCH)?;
        let old = process.limits.get(resource)?;
        if let Some(new) = new {
            let mut limits = process.limits;
            limits.set(resource, new, privileged)?;
            if Limits::concerns_memory(resource) {
                ports.limit_space(target, limits.space())?;
            }
            if resource == limits::LOCKED {
                let privileged = process.credentials.privileged();
                ports.limit_locks(target, limits.locked(privileged))?;
            }
            process.limits = limits;
            self.publish(target, ports);
        }
        Ok(Reply::Limit {
            soft: old.soft,
            hard: old.hard,
        })
    }

    /// The process `pid` (0: the sender), if the sender may control it.
    fn controlled(&self, sender: Pid, pid: i32) -> Result<Pid, Errno> {
        let target = self.whom(sender, pid)?;
        let caller = self.table.get(sender).ok_or(Errno::ESRCH)?;
        let may = target.pid == sender || caller.credentials.may_control(&target.credentials);
        if may {
            Ok(target.pid)
        } else {
            Err(Errno::EPERM)
        }
    }

    /// `getrusage`, `times`.
    pub(crate) fn times<P: Ports>(
        &self,
        caller: Caller,
        who: i32,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let Caller { pid, tid } = caller;
        let process = self.table.living(pid).ok_or(Errno::ESRCH)?;
        match who {
            0 | 1 => {
                let usage = ports.space_usage(pid);
                let task = process.tasks.get(tid).filter(|_| who == 1);
                let user_ns = match task {
                    Some(task) => ports.thread_cpu_ns(task.thread),
                    None => own_times(process, ports).user_ns,
                };
                Ok(Reply::Times {
                    user_ns,
                    system_ns: 0,
                    faults: usage.faults,
                    max_bytes: usage.resident_bytes,
                })
            }
            -1 => {
                let times = process.children_times;
                Ok(Reply::Times {
                    user_ns: times.user_ns,
                    system_ns: times.system_ns,
                    faults: 0,
                    max_bytes: 0,
                })
            }
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// `getpriority`, `setpriority`.
    pub(crate) fn nice<P: Ports>(
        &mut self,
        sender: Pid,
        pid: i32,
        new: Option<i32>,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let Some(new) = new else {
            return Ok(nice_reply(self.whom(sender, pid)?.nice));
        };
        let target = self.controlled(sender, pid)?;
        let privileged = self
            .table
            .get(sender)
            .is_some_and(|sender| sender.credentials.privileged());
        let process = self.table.living_mut(target).ok_or(Errno::ESRCH)?;
        let new = new.clamp(-20, 19);
        if new < process.nice && !privileged {
            return Err(Errno::EACCES.into());
        }
        process.nice = new;
        for task in process.tasks.iter() {
            ports.set_thread_priority(task.thread, priority(new));
        }
        self.publish(target, ports);
        Ok(nice_reply(new))
    }

    /// `clock_settime`.
    pub(crate) fn set_epoch(&mut self, pid: Pid, epoch_ns: u64) -> Result<Reply, Refusal> {
        let process = self.table.living(pid).ok_or(Errno::ESRCH)?;
        if !process.credentials.privileged() {
            return Err(Errno::EPERM.into());
        }
        self.epoch_ns = epoch_ns;
        Ok(Reply::Done)
    }

    /// The command name: to lease 0 if that is writable, else from it.
    pub(crate) fn name<P: Ports>(
        &mut self,
        incoming: &Incoming<Request>,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let process = self.table.living_mut(incoming.sender).ok_or(Errno::ESRCH)?;
        let lease = incoming.leases[0];
        if lease.writable {
            let end = process
                .name
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(NAME_BYTES);
            let count = end.min(lease.bytes);
            ports.write(incoming.token, 0, 0, &process.name[..count])?;
            return Ok(Reply::Count(count as u64));
        }

        let mut name = [0; NAME_BYTES];
        let count = lease.bytes.min(NAME_BYTES - 1);
        if count != 0 {
            ports.read(incoming.token, 0, 0, &mut name[..count])?;
        }
        process.name = name;
        self.publish(incoming.sender, ports);
        Ok(Reply::Count(count as u64))
    }
}

/// As the kernel's calls give it: 40 (nice -20) to 1 (nice 19), so that no value looks like an error.
fn nice_reply(nice: i32) -> Reply {
    Reply::Count(u64::from((20 - nice).unsigned_abs()))
}

/// Four steps of niceness are one priority: priorities are strict, so the range is kept small.
pub(crate) fn priority(nice: i32) -> u32 {
    USER_PRIORITY.saturating_add_signed(-nice / 4)
}
