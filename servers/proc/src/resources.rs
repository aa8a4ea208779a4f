//! Limits, times, names and the date.

use crate::Proc;
use crate::exit::own_times;
use crate::limits::{self, Limit, Limits};
use crate::ports::Ports;
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
            if resource == crate::limits::CPU {
                self.watch_cpu(target, ports);
            }
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
        self.bill(caller, ports);
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
