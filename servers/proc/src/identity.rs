//! Requests about ids: who a process is, and who it may become.

use crate::Proc;
use crate::credentials::{How, Ids, changed};
use crate::ports::Ports;
use abi::Errno;
use alloc::vec;
use alloc::vec::Vec;
use proto::Pid;
use proto::port::{Incoming, Refusal};
use proto::proc::{Reply, Request};
use proto::publish::GROUPS;

impl Proc {
    /// Own pid and parent.
    pub(crate) fn identity(&self, pid: Pid) -> Result<Reply, Refusal> {
        let process = self.table.get(pid).ok_or(Errno::ESRCH)?;
        Ok(Reply::Identity {
            pid: pid.0,
            ppid: process.parent.0,
        })
    }

    /// The parent, for a process that remembers it until it is kicked.
    pub(crate) fn parent(&mut self, pid: Pid) -> Result<Reply, Refusal> {
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        process.knows_parent = true;
        Ok(Reply::Pid(process.parent.0))
    }

    /// Tells a process that remembers its parent that it has another now.
    pub(crate) fn tell_of_parent<P: Ports>(&mut self, pid: Pid, ports: &mut P) {
        if let Some(process) = self.table.living_mut(pid)
            && core::mem::take(&mut process.knows_parent)
        {
            for task in process.tasks.iter() {
                ports.kick_thread(task.thread);
            }
        }
    }

    /// Real, effective and saved user id.
    pub(crate) fn get_users(&self, pid: Pid) -> Result<Reply, Refusal> {
        Ok(ids(self
            .table
            .get(pid)
            .ok_or(Errno::ESRCH)?
            .credentials
            .uid))
    }

    /// Real, effective and saved group id.
    pub(crate) fn get_groups(&self, pid: Pid) -> Result<Reply, Refusal> {
        Ok(ids(self
            .table
            .get(pid)
            .ok_or(Errno::ESRCH)?
            .credentials
            .gid))
    }

    /// `setuid` and its relatives.
    pub(crate) fn set_users<P: Ports>(
        &mut self,
        pid: Pid,
        how: u32,
        wish: Ids,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        let old = process.credentials.uid;
        let new = changed(
            old,
            How::from_number(how)?,
            wish,
            process.credentials.privileged(),
        )?;
        if process.credentials.uid[1] != new[1] {
            process.wishes.rights_changed();
        }
        process.credentials.file_override[0] = None;
        let before = process.credentials.privileged();
        process.credentials.uid = new;
        let privileged = process.credentials.privileged();
        if privileged != before {
            // It fails only for a process that has no memory.
            let _ = ports.limit_locks(pid, process.limits.locked(privileged));
        }
        self.table.change_owner(old[0], new[0]);
        self.publish(pid, ports);
        Ok(Reply::Done)
    }

    /// `setgid` and its relatives.
    pub(crate) fn set_groups<P: Ports>(
        &mut self,
        pid: Pid,
        how: u32,
        wish: Ids,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        let privileged = process.credentials.privileged();
        let old = process.credentials.gid;
        let new = changed(old, How::from_number(how)?, wish, privileged)?;
        if old[1] != new[1] {
            process.wishes.rights_changed();
        }
        process.credentials.gid = new;
        process.credentials.file_override[1] = None;
        self.publish(pid, ports);
        Ok(Reply::Done)
    }

    /// `getgroups`. Without a lease it only counts.
    pub(crate) fn supplementary<P: Ports>(
        &self,
        incoming: &Incoming<Request>,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let groups = &self
            .table
            .get(incoming.sender)
            .ok_or(Errno::ESRCH)?
            .credentials
            .groups;
        let lease = incoming.leases[0];
        if lease.bytes != 0 {
            if lease.bytes < 4 * groups.len() {
                return Err(Errno::EINVAL.into());
            }
            let bytes: Vec<u8> = groups
                .iter()
                .flat_map(|group| group.to_le_bytes())
                .collect();
            ports.write(incoming.token, 0, 0, &bytes)?;
        }
        Ok(Reply::Count(groups.len() as u64))
    }

    /// `setgroups`.
    pub(crate) fn set_supplementary<P: Ports>(
        &mut self,
        incoming: &Incoming<Request>,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let process = self.table.living_mut(incoming.sender).ok_or(Errno::ESRCH)?;
        if !process.credentials.privileged() {
            return Err(Errno::EPERM.into());
        }
        let lease = incoming.leases[0];
        if lease.bytes > 4 * GROUPS || !lease.bytes.is_multiple_of(4) {
            return Err(Errno::EINVAL.into());
        }
        let mut bytes = vec![0; lease.bytes];
        if !bytes.is_empty() {
            ports.read(incoming.token, 0, 0, &mut bytes)?;
        }
        let (words, _) = bytes.as_chunks();
        process.credentials.groups = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
        self.publish(incoming.sender, ports);
        Ok(Reply::Done)
    }
}

fn ids([real, effective, saved]: Ids) -> Reply {
    Reply::Ids {
        real,
        effective,
        saved,
    }
}
