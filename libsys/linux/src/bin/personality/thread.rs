//! What the personality remembers of a thread and of its process.
//!
//! All of it lies in the thread's own area (`areas::Front`), never at an address that threads
//! share: after `vfork` two processes run in the same memory, and each has its own pid and ids.

use crate::areas::Area;
use abi::{Errno, Handle};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use libsys::lease::Loan;
use libsys::request::request;
use personality::frame::{AlternateStack, SS_DISABLE};
use proto::proc::{Delivery, Proc, Reply, Request};

/// Counts the calls that change users or groups: what threads remember of them before is out of date.
static IDS_CHANGED: AtomicU32 = AtomicU32::new(0);

/// Three ids, and at which count of [`IDS_CHANGED`] they were asked for.
type Known = Option<(u32, [u32; 3])>;

/// A call that is repeated, and until when it waits: its own time would start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Repeated {
    /// Address behind the call's instruction; 0 if there is none.
    pc: u64,
    number: u64,
    deadline_ns: u64,
}

impl Repeated {
    const NONE: Repeated = Repeated {
        pc: 0,
        number: 0,
        deadline_ns: 0,
    };
}

/// The state of a thread.
#[derive(Debug)]
pub struct Thread {
    /// Where its block and its stack are.
    pub area: Area,
    /// The process's pid, 0 if it is not known.
    pid: u32,
    /// Own number, 0 if it is not known.
    tid: u32,
    /// Whether its number is the process's.
    leads: bool,
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
    /// A signal for a handler that came with the answer to the call in hand, and whether more may follow.
    pub taken: Option<(Delivery, bool)>,
    /// Where 0 is stored when it ends while others go on; 0 for nowhere.
    pub clear_tid: u64,
    /// Where its robust list is, as it said; 0 for nowhere.
    pub robust: u64,
    /// What `execve` has to say. Here, because who lends its memory must free it.
    pub program: Vec<u8>,
    /// Until when the call in hand waited, and a call that was interrupted.
    deadline_ns: Option<u64>,
    repeated: Repeated,
}

impl Thread {
    /// A process's first thread in `area`, of which nothing is known yet.
    pub const fn new(area: Area) -> Thread {
        Thread {
            area,
            pid: 0,
            tid: 0,
            leads: true,
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
            taken: None,
            clear_tid: 0,
            robust: 0,
            program: Vec::new(),
            deadline_ns: None,
            repeated: Repeated::NONE,
        }
    }

    /// It is one more thread of the process of `original`.
    pub fn beside(&mut self, original: &Thread) {
        self.pid = original.pid;
        self.leads = false;
    }

    /// Where the pid is, for code that is not Rust.
    pub const PID: usize = core::mem::offset_of!(Thread, pid);
    /// Where the parent's pid is.
    pub const PARENT: usize = core::mem::offset_of!(Thread, parent);
    /// Where the word is that is 0 if no call is to be repeated.
    pub const REPEATED: usize = core::mem::offset_of!(Thread, repeated.pc);

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

    /// Its own number.
    ///
    /// # Errors
    /// None in practice.
    pub fn tid(&mut self) -> Result<u32, Errno> {
        if self.leads {
            return self.pid();
        }
        if self.tid == 0 {
            match request::<Proc>(Handle::PROC, &Request::ThreadId, [Loan::NONE; 2])? {
                Reply::Pid(tid) => self.tid = tid,
                _ => return Err(Errno::EPROTO),
            }
        }
        Ok(self.tid)
    }

    /// Whether the next call may be one that is repeated.
    pub fn repeats(&self) -> bool {
        self.repeated.pc != 0
    }

    /// The call `number` behind `pc` begins: a deadline that was kept for another one is forgotten.
    pub fn resumes(&mut self, number: u64, pc: u64) {
        if (self.repeated.number, self.repeated.pc) != (number, pc) {
            self.repeated = Repeated::NONE;
        }
    }

    /// The call `number` behind `pc` was interrupted: if it is repeated, its deadline is the same.
    pub fn interrupted(&mut self, number: u64, pc: u64) {
        let repeated = self.deadline_ns.take().map(|deadline_ns| Repeated {
            pc,
            number,
            deadline_ns,
        });
        self.repeated = repeated.unwrap_or(Repeated::NONE);
    }

    /// When the call in hand ends that shall wait for `wait_ns` from `now_ns` on: if it is repeated, when
    /// it was to end at first.
    pub fn deadline(&mut self, now_ns: u64, wait_ns: u64) -> u64 {
        match core::mem::replace(&mut self.repeated, Repeated::NONE) {
            Repeated { pc: 0, .. } => now_ns.saturating_add(wait_ns),
            kept => kept.deadline_ns,
        }
    }

    /// The call in hand was interrupted when it had waited for this time.
    pub fn keep_deadline(&mut self, deadline_ns: u64) {
        self.deadline_ns = Some(deadline_ns);
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
        (self.pid, self.tid, self.leads, self.parent) = (0, 0, true, 0);
        self.saved_mask = None;
        (self.clear_tid, self.robust) = (0, 0);
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
