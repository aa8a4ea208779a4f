//! `kill` and `sigqueue`: to one process, to a group, to all.

use super::{Info, LAST, SIGCONT};
use crate::Proc;
use crate::ports::Ports;
use crate::process::Process;
use crate::table::INIT;
use abi::Errno;
use abi::linux::general as linux;
use alloc::vec::Vec;
use proto::Pid;
use proto::port::Refusal;
use proto::proc::Reply;

impl Proc {
    /// `kill`: `pid` as POSIX has it, signal 0 only checks.
    pub(crate) fn kill<P: Ports>(
        &mut self,
        sender: Pid,
        pid: i32,
        signal: u32,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let info = self.info_from(sender, signal, linux::SI_USER as i32, 0)?;
        let targets = self.targets(sender, pid)?;
        let mut result = Err(Errno::EPERM);
        for target in targets {
            if !self.may_signal(sender, target, signal) {
                continue;
            }
            let sent = if signal == 0 {
                Ok(())
            } else {
                self.send(target, info, ports)
            };
            result = if result.is_ok() { result } else { sent };
        }
        result?;
        Ok(Reply::Done)
    }

    /// `sigqueue`: a signal with a value, to one process. Only the sender itself may have it look
    /// as if the system or `kill` had sent it (Linux, rt_sigqueueinfo(2)).
    pub(crate) fn queue<P: Ports>(
        &mut self,
        sender: Pid,
        pid: i32,
        signal: u32,
        code: i32,
        value: u64,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let info = self.info_from(sender, signal, code, value)?;
        let target = u32::try_from(pid)
            .map(Pid)
            .ok()
            .filter(|pid| self.table.get(*pid).is_some())
            .ok_or(Errno::ESRCH)?;
        let pretends = code >= 0 || code == linux::SI_TKILL;
        if (pretends && target != sender) || !self.may_signal(sender, target, signal) {
            return Err(Errno::EPERM.into());
        }
        if signal != 0 {
            self.send(target, info, ports)?;
        }
        Ok(Reply::Done)
    }

    /// `tgkill` (`pid` not 0), `tkill`, `rt_tgsigqueueinfo`: a signal to one thread; 0 only checks.
    pub(crate) fn kill_thread<P: Ports>(
        &mut self,
        sender: Pid,
        (pid, tid): (i32, i32),
        (signal, code, value): (u32, i32, u64),
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let info = self.info_from(sender, signal, code, value)?;
        if tid <= 0 || pid < 0 {
            return Err(Errno::EINVAL.into());
        }
        let tid = Pid(tid.unsigned_abs());
        let target = self.table.process_of(tid).ok_or(Errno::ESRCH)?;
        if pid != 0 && target != Pid(pid.unsigned_abs()) {
            return Err(Errno::ESRCH.into());
        }
        let pretends = code >= 0 || code == linux::SI_TKILL;
        let own = target == sender || code == linux::SI_TKILL;
        if (pretends && !own) || !self.may_signal(sender, target, signal) {
            return Err(Errno::EPERM.into());
        }
        let process = self.table.get(target).ok_or(Errno::ESRCH)?;
        if process.is_alive() && process.tasks.get(tid).is_none() {
            return Err(Errno::ESRCH.into());
        }
        if signal != 0 {
            self.send_to(target, Some(tid), info, ports)?;
        }
        Ok(Reply::Done)
    }

    fn info_from(&self, sender: Pid, signal: u32, code: i32, value: u64) -> Result<Info, Errno> {
        if signal > LAST {
            return Err(Errno::EINVAL);
        }
        let uid = self
            .table
            .get(sender)
            .map_or(0, |process| process.credentials.uid[0]);
        Ok(Info {
            signal,
            code,
            pid: sender.0,
            uid,
            value,
        })
    }

    /// Whom `kill(pid)` means.
    fn targets(&self, sender: Pid, pid: i32) -> Result<Vec<Pid>, Errno> {
        let targets = match pid {
            1.. => self
                .table
                .process_of(Pid(pid.unsigned_abs()))
                .into_iter()
                .collect(),
            0 => self
                .table
                .members(self.table.get(sender).map_or(0, |process| process.group)),
            -1 => self.all_but(sender),
            _ => self.group_members(pid.unsigned_abs()),
        };
        if targets.is_empty() {
            Err(Errno::ESRCH)
        } else {
            Ok(targets)
        }
    }

    /// The members of a group; a number that is none has none, and needs no look at all slots.
    fn group_members(&self, group: u32) -> Vec<Pid> {
        self.table
            .group_session(group)
            .map_or_else(Vec::new, |_| self.table.members(group))
    }

    /// All processes but pid 1 and the sender, as Linux has it.
    fn all_but(&self, sender: Pid) -> Vec<Pid> {
        self.table
            .iter()
            .map(|process| process.pid)
            .filter(|&pid| pid != INIT && pid != sender)
            .collect()
    }

    fn may_signal(&self, sender: Pid, target: Pid, signal: u32) -> bool {
        let (Some(from), Some(to)) = (self.table.get(sender), self.table.get(target)) else {
            return false;
        };
        let continues =
            |from: &Process, to: &Process| signal == SIGCONT && from.session == to.session;
        sender == target || from.credentials.may_signal(&to.credentials) || continues(from, to)
    }
}
