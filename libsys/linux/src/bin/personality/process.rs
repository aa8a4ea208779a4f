//! What the personality remembers of its process.

use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use personality::frame::{AlternateStack, SS_DISABLE};
use proto::proc::{Proc, Reply, Request};

/// The state of a process, which has one thread.
#[derive(Debug)]
pub struct Process {
    /// Own pid, 0 if it is not known.
    pid: u32,
    /// Real, effective and saved users and groups, if known. Only own calls change them.
    users: Option<[u32; 3]>,
    groups: Option<[u32; 3]>,
    /// The stack for handlers.
    pub stack: AlternateStack,
    /// The mask to go back to when a call that replaced it was interrupted.
    pub saved_mask: Option<u64>,
}

static mut PROCESS: Process = Process {
    pid: 0,
    users: None,
    groups: None,
    stack: AlternateStack {
        address: 0,
        flags: SS_DISABLE,
        bytes: 0,
    },
    saved_mask: None,
};

/// The state of this process.
pub fn current() -> &'static mut Process {
    let process = &raw mut PROCESS;
    // SAFETY: a process has one thread, and the kernel makes no upcall during an upcall; so `upcall`
    // is the only one to call this, and the reference ends with it.
    unsafe { &mut *process }
}

impl Process {
    /// Own pid.
    ///
    /// # Errors
    /// None in practice.
    pub fn pid(&mut self) -> Result<u32, Errno> {
        if self.pid == 0 {
            match request::<Proc>(Handle::PROC, &Request::Identity, [Loan::NONE; 2])? {
                Reply::Identity { pid, .. } => self.pid = pid,
                _ => return Err(Errno::EPROTO),
            }
        }
        Ok(self.pid)
    }

    /// Real, effective and saved user.
    ///
    /// # Errors
    /// None in practice.
    pub fn users(&mut self) -> Result<[u32; 3], Errno> {
        known(&mut self.users, Request::GetUsers)
    }

    /// Real, effective and saved group.
    ///
    /// # Errors
    /// None in practice.
    pub fn groups(&mut self) -> Result<[u32; 3], Errno> {
        known(&mut self.groups, Request::GetGroups)
    }

    /// Users or groups are about to change.
    pub fn forget_ids(&mut self) {
        (self.users, self.groups) = (None, None);
    }

    /// This is the child of a fork.
    pub fn forked(&mut self) {
        self.pid = 0;
        self.saved_mask = None;
    }
}

fn known(place: &mut Option<[u32; 3]>, wish: Request) -> Result<[u32; 3], Errno> {
    if let Some(ids) = *place {
        return Ok(ids);
    }
    match request::<Proc>(Handle::PROC, &wish, [Loan::NONE; 2])? {
        Reply::Ids {
            real,
            effective,
            saved,
        } => Ok(*place.insert([real, effective, saved])),
        _ => Err(Errno::EPROTO),
    }
}
