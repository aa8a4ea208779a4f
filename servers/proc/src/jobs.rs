//! Process groups, sessions, and the signals of the terminal.

use crate::Proc;
use crate::ports::Ports;
use crate::process::Process;
use crate::signal::SIGTTIN;
use abi::Errno;
use abi::linux::general as linux;
use proto::Pid;
use proto::port::Refusal;
use proto::proc::Reply;

impl Proc {
    /// The process that a request means: 0 is the sender.
    pub(crate) fn whom(&self, sender: Pid, pid: i32) -> Result<&Process, Errno> {
        let pid = u32::try_from(pid).map_err(|_| Errno::ESRCH)?;
        self.table
            .get(if pid == 0 { sender } else { Pid(pid) })
            .ok_or(Errno::ESRCH)
    }

    /// `getpgid`.
    pub(crate) fn get_group(&self, sender: Pid, pid: i32) -> Result<Reply, Refusal> {
        Ok(Reply::Pid(self.whom(sender, pid)?.group))
    }

    /// `getsid`.
    pub(crate) fn get_session(&self, sender: Pid, pid: i32) -> Result<Reply, Refusal> {
        Ok(Reply::Pid(self.whom(sender, pid)?.session))
    }

    /// `setpgid`: the errors in the order in which Linux finds them.
    pub(crate) fn set_group<P: Ports>(
        &mut self,
        sender: Pid,
        pid: i32,
        pgid: i32,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let pgid = u32::try_from(pgid).map_err(|_| Errno::EINVAL)?;
        let caller = self.table.get(sender).ok_or(Errno::ESRCH)?;
        let target = if pid < 0 {
            return Err(Errno::EINVAL.into());
        } else {
            self.whom(sender, pid)?
        };
        let group = if pgid == 0 { target.pid.0 } else { pgid };
        if target.pid != sender {
            check_child(caller, target)?;
        }
        if target.session == target.pid.0 {
            return Err(Errno::EPERM.into());
        }
        if group != target.pid.0 && self.table.group_session(group) != Some(caller.session) {
            return Err(Errno::EPERM.into());
        }

        let (target, session) = (target.pid, target.session);
        self.move_to(target, group, session, ports);
        Ok(Reply::Done)
    }

    /// `setsid`.
    pub(crate) fn new_session<P: Ports>(
        &mut self,
        sender: Pid,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        if self.table.group_session(sender.0).is_some() {
            return Err(Errno::EPERM.into());
        }
        self.move_to(sender, sender.0, sender.0, ports);
        Ok(Reply::Pid(sender.0))
    }

    fn move_to<P: Ports>(&mut self, pid: Pid, group: u32, session: u32, ports: &mut P) {
        let orphaned = self.table.move_to(pid, group, session);
        self.publish(pid, ports);
        orphaned
            .into_iter()
            .for_each(|group| self.orphan(group, ports));
    }

    /// Sends the signals that keys and background accesses caused.
    pub(crate) fn terminal_signals<P: Ports>(&mut self, ports: &mut P) {
        while let Some((group, signal)) = ports.next_terminal_signal() {
            if self.table.group_session(group).is_none()
                || !(1..=crate::signal::LAST).contains(&signal)
            {
                continue;
            }
            let background = signal == SIGTTIN || signal == linux::SIGTTOU;
            if background && self.table.is_orphaned(group) {
                ports.fail_terminal_reads(group);
                continue;
            }
            self.send_group(group, signal, ports);
        }
    }
}

fn check_child(caller: &Process, child: &Process) -> Result<(), Errno> {
    if child.parent != caller.pid {
        return Err(Errno::ESRCH);
    }
    if child.session != caller.session {
        return Err(Errno::EPERM);
    }
    if child.executed {
        Err(Errno::EACCES)
    } else {
        Ok(())
    }
}
