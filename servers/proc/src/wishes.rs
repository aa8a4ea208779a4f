//! What a process has asked for with `prctl` and its kin, and who may look at it.

use crate::Proc;
use crate::credentials::Credentials;
use crate::ports::Ports;
use crate::process::Process;
use crate::signal::{Info, LAST};
use crate::table::INIT;
use abi::Errno;
use abi::linux::general as linux;
use proto::Pid;
use proto::port::Refusal;
use proto::proc::{Attribute, Reply};
use serde::{Deserialize, Serialize};

/// An id that no process has.
const NO_ID: u32 = u32::MAX;

/// The wishes of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// The signal that it gets when its parent ends; 0 for none.
    pub death_signal: u32,
    /// Nobody else may look into it.
    pub undumpable: bool,
    /// Programs that it executes get no rights of their owners, and neither do its children's.
    pub no_new_privileges: bool,
    /// It adopts orphans among its descendants.
    pub adopts: bool,
    /// What `ioprio_set` said; 0 if nothing.
    pub transfer_priority: u32,
}

impl Wishes {
    /// What a child has of them.
    pub fn inherited(self) -> Wishes {
        Wishes {
            death_signal: 0,
            adopts: false,
            ..self
        }
    }

    /// Another program is executed, perhaps with another's rights.
    pub fn exec(&mut self, with_other_rights: bool) {
        self.undumpable = with_other_rights;
        if with_other_rights {
            self.death_signal = 0;
        }
    }

    /// The process acts as somebody else from now on (Linux: kernel/cred.c, `commit_creds`).
    pub fn rights_changed(&mut self) {
        self.undumpable = true;
        self.death_signal = 0;
    }
}

impl Credentials {
    /// As whom files are used: the effective ids, unless `setfsuid` said something else.
    pub fn file_ids(&self) -> [u32; 2] {
        let [user, group] = self.file_override;
        [user.unwrap_or(self.uid[1]), group.unwrap_or(self.gid[1])]
    }

    /// `setfsuid` (`place` 0), `setfsgid` (1): the old id, whether the new one is allowed or not.
    fn set_file_id(&mut self, place: usize, wish: u32) -> u32 {
        let old = self.file_ids()[place];
        let ids = [self.uid, self.gid][place];
        if wish != NO_ID && (self.privileged() || ids.contains(&wish) || old == wish) {
            self.file_override[place] = Some(wish).filter(|&wish| wish != ids[1]);
        }
        old
    }
}

impl Proc {
    /// What a process has asked for.
    pub(crate) fn attribute(&self, pid: Pid, what: Attribute) -> Result<Reply, Refusal> {
        let process = self.table.get(pid).ok_or(Errno::ESRCH)?;
        let wishes = process.wishes;
        let [user, group] = process.credentials.file_ids();
        Ok(Reply::Count(match what {
            Attribute::DeathSignal => wishes.death_signal.into(),
            Attribute::Dumpable => (!wishes.undumpable).into(),
            Attribute::NoNewPrivileges => wishes.no_new_privileges.into(),
            Attribute::Adopts => wishes.adopts.into(),
            Attribute::FileUser => user.into(),
            Attribute::FileGroup => group.into(),
        }))
    }

    /// Asks for something; the file ids are answered with the old one.
    pub(crate) fn set_attribute<P: Ports>(
        &mut self,
        pid: Pid,
        what: Attribute,
        value: u64,
        ports: &mut P,
    ) -> Result<Reply, Refusal> {
        let process = self.table.living_mut(pid).ok_or(Errno::ESRCH)?;
        let wishes = &mut process.wishes;
        match what {
            Attribute::DeathSignal if value <= u64::from(LAST) => {
                wishes.death_signal = value as u32;
            }
            Attribute::Dumpable if value <= 1 => wishes.undumpable = value == 0,
            Attribute::NoNewPrivileges if value == 1 => wishes.no_new_privileges = true,
            Attribute::Adopts => wishes.adopts = value != 0,
            Attribute::FileUser | Attribute::FileGroup => {
                let place = usize::from(what == Attribute::FileGroup);
                let old = process.credentials.set_file_id(place, value as u32);
                if process.credentials.file_ids()[place] != old {
                    process.wishes.rights_changed();
                    self.publish(pid, ports);
                }
                return Ok(Reply::Count(old.into()));
            }
            _ => return Err(Errno::EINVAL.into()),
        }
        Ok(Reply::Done)
    }

    /// Whether a process (0: the caller) may do what only the administrator may.
    pub(crate) fn is_privileged(&self, caller: Pid, pid: i32) -> Result<Reply, Refusal> {
        let process = match pid {
            0 => self.table.get(caller),
            pid => {
                let tid = Pid(u32::try_from(pid).map_err(|_| Errno::EINVAL)?);
                let pid = self.table.process_of(tid);
                pid.and_then(|pid| self.table.get(pid))
            }
        };
        let privileged = process.ok_or(Errno::ESRCH)?.credentials.privileged();
        Ok(Reply::Count(privileged.into()))
    }

    /// Who adopts the children of a process that ends: the nearest ancestor that asked for it, or pid 1.
    pub(crate) fn adopter(&self, ended: Pid) -> Pid {
        let mut at = self.table.get(ended).map_or(INIT, |process| process.parent);
        while at != INIT
            && let Some(process) = self.table.get(at)
        {
            if process.is_alive() && process.wishes.adopts {
                return at;
            }
            at = process.parent;
        }
        INIT
    }

    /// Tells a child that asked for it that its parent has ended.
    pub(crate) fn tell_of_death<P: Ports>(&mut self, child: Pid, parent: Pid, ports: &mut P) {
        let user = |process: &Process| process.credentials.uid[0];
        let uid = self.table.get(parent).map_or(0, user);
        let signal = match self.table.living(child) {
            Some(child) if child.wishes.death_signal != 0 => child.wishes.death_signal,
            _ => return,
        };
        let info = Info {
            signal,
            code: linux::SI_USER as i32,
            pid: parent.0,
            uid,
            value: 0,
        };
        // A queue that is full misses it, as on Linux.
        let _ = self.send(child, info, ports);
    }
}
