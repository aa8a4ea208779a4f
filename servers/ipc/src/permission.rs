//! Who may do what with an object: `ipc_perm`, and Linux's `ipcperms`.

use abi::Errno;
use proto::publish::Credentials;
use serde::{Deserialize, Serialize};

/// Bits to ask for, in the lowest three bits as in a file's mode.
pub(crate) const READ: u32 = 4;
pub(crate) const WRITE: u32 = 2;
pub(crate) const EXECUTE: u32 = 1;
/// The bits of a mode that are permissions.
const BITS: u32 = 0o777;

/// Owner, creator and mode of an object, and the key that it was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Permissions {
    pub(crate) key: i32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) creator_uid: u32,
    pub(crate) creator_gid: u32,
    /// Permission bits, and a segment's flags.
    pub(crate) mode: u32,
}

impl Permissions {
    /// Of an object that `who` makes now.
    pub(crate) fn new(key: i32, flags: u32, who: &Credentials) -> Self {
        let (uid, gid) = (who.uid, who.gid);
        Permissions {
            key,
            uid,
            gid,
            creator_uid: uid,
            creator_gid: gid,
            mode: flags & BITS,
        }
    }

    /// Whether `who` may do all of `wanted`.
    pub(crate) fn check(&self, who: &Credentials, wanted: u32) -> Result<(), Errno> {
        let shift = if self.owned_by(who) {
            6
        } else if who.in_group(self.gid) || who.in_group(self.creator_gid) {
            3
        } else {
            0
        };
        let allowed = wanted & !(self.mode >> shift) & 7 == 0;
        if allowed || who.is_superuser() {
            Ok(())
        } else {
            Err(Errno::EACCES)
        }
    }

    /// Whether `who` may find the object with these flags of a `get` call.
    pub(crate) fn check_flags(&self, who: &Credentials, flags: u32) -> Result<(), Errno> {
        self.check(who, (flags >> 6 | flags >> 3 | flags) & 7)
    }

    /// Whether `who` may change or remove the object.
    pub(crate) fn check_owner(&self, who: &Credentials) -> Result<(), Errno> {
        if self.owned_by(who) || who.is_superuser() {
            Ok(())
        } else {
            Err(Errno::EPERM)
        }
    }

    /// `IPC_SET`.
    pub(crate) fn set(&mut self, change: Change) {
        self.uid = change.uid;
        self.gid = change.gid;
        self.mode = self.mode & !BITS | change.mode & BITS;
    }

    fn owned_by(&self, who: &Credentials) -> bool {
        who.uid == self.uid || who.uid == self.creator_uid
    }
}

/// What `IPC_SET` may change of the permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
}
