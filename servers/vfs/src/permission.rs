//! Who may do what with a file (POSIX.1-2017, "File Access Permissions").

use crate::linux;
use crate::node::Node;
use abi::Errno;
use proto::Pid;
use proto::publish::{Entry, GROUPS, id};

/// May be read, or listed.
pub const READ: u32 = 4;
/// May be written, or entries made and removed.
pub const WRITE: u32 = 2;
/// May be executed, or searched.
pub const EXECUTE: u32 = 1;

/// What a process may do: the part of its published entry that requests look at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Who.
    pub pid: u32,
    /// The user as which it uses files: the effective one, mostly.
    pub uid: u32,
    /// The group, likewise.
    pub gid: u32,
    /// Real user.
    pub real_uid: u32,
    /// Real group.
    pub real_gid: u32,
    /// `RLIMIT_NOFILE`.
    pub limit_files: u32,
    /// `RLIMIT_FSIZE`.
    pub limit_file_bytes: u64,
    /// Number of supplementary groups.
    pub group_count: u32,
    /// The supplementary groups.
    pub groups: [u32; GROUPS],
}

impl Identity {
    /// A server may do what root may.
    pub fn server(pid: Pid) -> Self {
        Identity {
            pid: pid.0,
            limit_files: 1024,
            limit_file_bytes: u64::MAX,
            ..Identity::default()
        }
    }

    /// Whether `gid` is the effective group or a supplementary one.
    pub fn in_group(&self, gid: u32) -> bool {
        let count = (self.group_count as usize).min(GROUPS);
        self.gid == gid || self.groups[..count].contains(&gid)
    }
}

impl From<&Entry> for Identity {
    fn from(entry: &Entry) -> Self {
        Identity {
            pid: entry.pid,
            uid: entry.file_ids[0],
            gid: entry.file_ids[1],
            real_uid: entry.uid[id::REAL],
            real_gid: entry.gid[id::REAL],
            limit_files: entry.limit_files,
            limit_file_bytes: entry.limit_file_bytes,
            group_count: entry.group_count,
            groups: entry.groups,
        }
    }
}

/// Owner, group and mode (with its type bits) of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Type and permission bits.
    pub mode: u32,
}

impl From<&Node> for Ownership {
    fn from(node: &Node) -> Self {
        Ownership {
            uid: node.uid,
            gid: node.gid,
            mode: node.type_bits() | node.permissions,
        }
    }
}

/// Whether the process is the superuser.
#[inline]
pub fn is_root(who: &Identity) -> bool {
    who.uid == 0
}

/// Whether the process owns the file or may do what owners may.
pub fn is_owner(who: &Identity, uid: u32) -> bool {
    is_root(who) || who.uid == uid
}

/// Checks that the process has all the permissions `wanted`.
///
/// # Errors
/// `EACCES`.
#[inline]
pub fn check(who: &Identity, file: Ownership, wanted: u32) -> Result<(), Errno> {
    let granted = if is_root(who) {
        granted_to_root(file.mode)
    } else {
        granted(who, file)
    };
    if wanted & !granted == 0 {
        Ok(())
    } else {
        Err(Errno::EACCES)
    }
}

/// The superuser may do everything, except execute what nobody may execute.
fn granted_to_root(mode: u32) -> u32 {
    let executable = mode & linux::S_IFMT == linux::S_IFDIR || mode & 0o111 != 0;
    READ | WRITE | if executable { EXECUTE } else { 0 }
}

/// The first class that fits decides, even if a later one would grant more.
fn granted(who: &Identity, file: Ownership) -> u32 {
    let shift = if who.uid == file.uid {
        6
    } else if who.in_group(file.gid) {
        3
    } else {
        0
    };
    file.mode >> shift & 7
}

/// Checks that an entry of `directory` that names `file` may be removed or replaced: in a sticky
/// directory only by the owner of either.
///
/// # Errors
/// `EPERM`.
pub fn check_sticky(who: &Identity, directory: Ownership, file: Ownership) -> Result<(), Errno> {
    let sticky = directory.mode & linux::S_ISVTX != 0;
    if sticky && !is_owner(who, directory.uid) && !is_owner(who, file.uid) {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// The same process as `access` sees it: with its real ids in the place of the effective ones.
pub fn with_real_ids(mut who: Identity) -> Identity {
    who.uid = who.real_uid;
    who.gid = who.real_gid;
    who
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32, gid: u32) -> Identity {
        Identity {
            pid: 7,
            uid,
            gid,
            ..Identity::default()
        }
    }

    fn file(mode: u32) -> Ownership {
        Ownership {
            uid: 10,
            gid: 20,
            mode: linux::S_IFREG | mode,
        }
    }

    #[test]
    fn the_first_class_that_fits_decides() {
        let table = [
            (user(10, 20), 0o077, READ, false),
            (user(10, 99), 0o400, READ, true),
            (user(10, 99), 0o400, WRITE, false),
            (user(11, 20), 0o607, READ, false),
            (user(11, 20), 0o060, READ | WRITE, true),
            (user(11, 21), 0o660, READ, false),
            (user(11, 21), 0o001, EXECUTE, true),
        ];
        for (who, mode, wanted, allowed) in table {
            assert_eq!(
                check(&who, file(mode), wanted).is_ok(),
                allowed,
                "{mode:o} {wanted}"
            );
        }
    }

    #[test]
    fn root_may_all_but_execute_what_nobody_may() {
        let root = user(0, 0);
        assert_eq!(check(&root, file(0), READ | WRITE), Ok(()));
        assert_eq!(check(&root, file(0o666), EXECUTE), Err(Errno::EACCES));
        assert_eq!(check(&root, file(0o010), EXECUTE), Ok(()));
        let directory = Ownership {
            mode: linux::S_IFDIR,
            ..file(0)
        };
        assert_eq!(check(&root, directory, EXECUTE), Ok(()));
    }

    #[test]
    fn supplementary_groups_count() {
        let mut who = user(11, 21);
        who.groups[0] = 20;
        assert_eq!(check(&who, file(0o040), READ), Err(Errno::EACCES));
        who.group_count = 1;
        assert_eq!(check(&who, file(0o040), READ), Ok(()));
    }

    #[test]
    fn a_sticky_directory_protects_others_files() {
        let tmp = Ownership {
            uid: 0,
            gid: 0,
            mode: linux::S_IFDIR | 0o1777,
        };
        assert_eq!(check_sticky(&user(10, 20), tmp, file(0o644)), Ok(()));
        assert_eq!(
            check_sticky(&user(11, 20), tmp, file(0o644)),
            Err(Errno::EPERM)
        );
        assert_eq!(check_sticky(&user(0, 0), tmp, file(0o644)), Ok(()));
    }
}
