//! One process's memory for another: `process_vm_readv`, `process_vm_writev`.

use crate::Proc;
use crate::ports::Ports;
use abi::Errno;
use alloc::vec::Vec;
use proto::Pid;
use proto::port::{Incoming, Refusal};
use proto::proc::{Reply, Request};

/// Most bytes that are copied for one request.
const MOST: usize = 64 << 10;

impl Proc {
    /// The process `pid`, if `sender` may see all of it (Linux: `ptrace_may_access`).
    fn observed(&self, sender: Pid, pid: i32) -> Result<Pid, Errno> {
        let target = u32::try_from(pid).map_err(|_| Errno::ESRCH)?;
        let target = self.table.living(Pid(target)).ok_or(Errno::ESRCH)?;
        let caller = self.table.get(sender).ok_or(Errno::ESRCH)?;
        let (own, other) = (&caller.credentials, &target.credentials);
        let same = other.uid.iter().all(|&uid| uid == own.uid[0])
            && other.gid.iter().all(|&gid| gid == own.gid[0]);
        if target.pid == sender || own.privileged() || same {
            Ok(target.pid)
        } else {
            Err(Errno::EPERM)
        }
    }

    /// Copies memory of `pid` to lease 0.
    pub(crate) fn read_memory<P: Ports>(
        &self,
        incoming: &Incoming<Request>,
        pid: i32,
        address: u64,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let target = self.observed(incoming.sender, pid)?;
        let mut bytes = room(incoming)?;
        let count = ports.peek_space(target, address, &mut bytes)?;
        ports.write(incoming.token, 0, 0, &bytes[..count.min(bytes.len())])?;
        Ok(Reply::Count(count as u64))
    }

    /// Copies lease 0 to memory of `pid`.
    pub(crate) fn write_memory<P: Ports>(
        &self,
        incoming: &Incoming<Request>,
        pid: i32,
        address: u64,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let target = self.observed(incoming.sender, pid)?;
        let mut bytes = room(incoming)?;
        ports.read(incoming.token, 0, 0, &mut bytes)?;
        let count = ports.poke_space(target, address, &bytes)?;
        Ok(Reply::Count(count as u64))
    }
}

/// As many zeros as the caller's lease holds, or the most that is copied at once.
fn room(incoming: &Incoming<Request>) -> Result<Vec<u8>, Errno> {
    let length = incoming.leases[0].bytes.min(MOST);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| Errno::ENOMEM)?;
    bytes.resize(length, 0);
    Ok(bytes)
}
