//! What the personality remembers of a thread and of its process.
//!
//! All of it lies in the thread's own area (`machine::Front`), never at an address that threads
//! share: after `vfork` two processes run in the same memory, and each has its own pid and ids.

use abi::{Errno, Handle};
use core::sync::atomic::{AtomicU32, Ordering};
use libsys::lease::Loan;
use libsys::request::request;
use personality::frame::{AlternateStack, SS_DISABLE};
use proto::proc::{Proc, Reply, Request};

/// Counts the calls that change users or groups: what threads remember of them before is out of date.
static IDS_CHANGED: AtomicU32 = AtomicU32::new(0);

/// Three ids, and at which count of [`IDS_CHANGED`] they were asked for.
type Known = Option<(u32, [u32; 3])>;

/// The state of a thread.
#[derive(Debug)]
pub struct Thread {
    /// Own pid, 0 if it is not known.
    pid: u32,
    /// The parent's pid, 0 if it is not known. `proc` kicks the thread when it changes.
    parent: u32,
    /// Real, effective and saved users and groups, if known.
    users: Known,
    groups: Known,
    /// Signal actions that are known.
    pub actions: personality::actions::Known,
    /// The stack for handlers.
    pub stack: AlternateStack,
    /// The mask to go back to when a call that replaced it was interrupted.
    pub saved_mask: Option<u64>,
}

impl Thread {
    /// A thread of which nothing is known yet.
    pub const NEW: Thread = Thread {
        pid: 0,
        parent: 0,
        users: None,
        groups: None,
        actions: personality::actions::Known::NOTHING,
        stack: AlternateStack {
            address: 0,
            flags: SS_DISABLE,
            bytes: 0,
        },
        saved_mask: None,
    };

    /// Where the pid is, for code that is not Rust.
    pub const PID: usize = core::mem::offset_of!(Thread, pid);
    /// Where the parent's pid is.
    pub const PARENT: usize = core::mem::offset_of!(Thread, parent);

    /// The process's number.
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

    /// The parent's number.
    ///
    /// # Errors
    /// None in practice.
    pub fn parent(&mut self) -> Result<u32, Errno> {
        if self.parent == 0 {
            match request::<Proc>(Handle::PROC, &Request::Parent, [Loan::NONE; 2])? {
                Reply::Pid(parent) => self.parent = parent,
                _ => return Err(Errno::EPROTO),
            }
        }
        Ok(self.parent)
    }

    /// The thread was kicked: a signal waits, or what it asked to be told of has changed.
    pub fn kicked(&mut self) {
        self.parent = 0;
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

    /// This is the child of a fork.
    pub fn forked(&mut self) {
        (self.pid, self.parent) = (0, 0);
        self.saved_mask = None;
    }
}

/// Counts the changes of signal actions.
static ACTIONS_CHANGED: AtomicU32 = AtomicU32::new(0);

/// How often a signal action was changed in this memory.
pub fn action_changes() -> u32 {
    ACTIONS_CHANGED.load(Ordering::Relaxed)
}

/// A signal action is changed; the number of changes with this one.
pub fn action_changed() -> u32 {
    ACTIONS_CHANGED
        .fetch_add(1, Ordering::Relaxed)
        .wrapping_add(1)
}

/// Users or groups have changed: no thread may trust what it remembers of them.
pub fn forget_ids() {
    IDS_CHANGED.fetch_add(1, Ordering::Relaxed);
}

fn known(place: &mut Known, wish: Request) -> Result<[u32; 3], Errno> {
    let now = IDS_CHANGED.load(Ordering::Relaxed);
    if let Some((then, ids)) = *place
        && then == now
    {
        return Ok(ids);
    }
    match request::<Proc>(Handle::PROC, &wish, [Loan::NONE; 2])? {
        Reply::Ids {
            real,
            effective,
            saved,
        } => Ok(place.insert((now, [real, effective, saved])).1),
        _ => Err(Errno::EPROTO),
    }
}
