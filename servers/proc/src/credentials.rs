//! Who a process may act as: the rules of `setuid` and its relatives, for users and groups alike.

use abi::Errno;
use alloc::vec::Vec;
use proto::publish::id::{EFFECTIVE, REAL, SAVED};
use serde::{Deserialize, Serialize};

/// Real, effective and saved id.
pub type Ids = [u32; 3];
/// An argument that leaves an id as it is.
const KEEP: u32 = u32::MAX;

/// A process's identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// User ids.
    pub uid: Ids,
    /// Group ids.
    pub gid: Ids,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// As which user and group files are used, if not as the effective ones.
    pub file_override: [Option<u32>; 2],
}

impl Credentials {
    /// Whether it may do what only the administrator may.
    pub fn privileged(&self) -> bool {
        self.uid[EFFECTIVE] == 0
    }

    /// Whether it may send signals to a process with credentials `target` (POSIX, `kill`).
    pub fn may_signal(&self, target: &Credentials) -> bool {
        let mine = [self.uid[REAL], self.uid[EFFECTIVE]];
        let theirs = [target.uid[REAL], target.uid[SAVED]];
        self.privileged() || mine.iter().any(|uid| theirs.contains(uid))
    }

    /// Whether it may change limits or the nice value of `target`.
    pub fn may_control(&self, target: &Credentials) -> bool {
        self.privileged() || target.uid.iter().all(|&uid| uid == self.uid[REAL])
    }

    /// Takes over what a program's set-id bits ask for. Answers whether that gave it anything.
    pub fn exec(&mut self, uid: Option<u32>, gid: Option<u32>) -> Elevated {
        if let Some(uid) = uid {
            self.uid[EFFECTIVE] = uid;
        }
        if let Some(gid) = gid {
            self.gid[EFFECTIVE] = gid;
        }
        self.file_override = [None; 2];
        self.uid[SAVED] = self.uid[EFFECTIVE];
        self.gid[SAVED] = self.gid[EFFECTIVE];
        let differs = |ids: Ids| ids[REAL] != ids[EFFECTIVE];
        if differs(self.uid) || differs(self.gid) {
            Elevated::Yes
        } else {
            Elevated::No
        }
    }
}

/// Whether a program runs with another's rights (`AT_SECURE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elevated {
    /// With its caller's own.
    No,
    /// With those of the file's owner or group.
    Yes,
}

/// Which call changes ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `setuid`, `setgid`.
    Set,
    /// `setreuid`, `setregid`.
    SetTwo,
    /// `setresuid`, `setresgid`.
    SetThree,
}

impl How {
    /// Reads a request's number.
    ///
    /// # Errors
    /// `EINVAL` for any but 0, 1, 2.
    pub fn from_number(number: u32) -> Result<How, Errno> {
        [How::Set, How::SetTwo, How::SetThree]
            .get(number as usize)
            .copied()
            .ok_or(Errno::EINVAL)
    }
}

/// The ids after a call that asks for `[real, effective, saved]`.
///
/// # Errors
/// `EPERM` if the caller may not, `EINVAL` if `setuid` names no id.
pub fn changed(old: Ids, how: How, wish: Ids, privileged: bool) -> Result<Ids, Errno> {
    match how {
        How::Set => set(old, wish[EFFECTIVE], privileged),
        How::SetTwo => set_two(old, wish, privileged),
        How::SetThree => set_three(old, wish, privileged),
    }
}

fn set(old: Ids, wish: u32, privileged: bool) -> Result<Ids, Errno> {
    if wish == KEEP {
        return Err(Errno::EINVAL);
    }
    if privileged {
        return Ok([wish; 3]);
    }
    allow(wish, &[old[REAL], old[SAVED]], false)?;
    Ok([old[REAL], wish, old[SAVED]])
}

fn set_two(old: Ids, wish: Ids, privileged: bool) -> Result<Ids, Errno> {
    allow(wish[REAL], &[old[REAL], old[EFFECTIVE]], privileged)?;
    allow(wish[EFFECTIVE], &old, privileged)?;
    let real = or(wish[REAL], old[REAL]);
    let effective = or(wish[EFFECTIVE], old[EFFECTIVE]);
    // Linux, setreuid(2): the saved id follows when the real id is set, or the effective one to
    // something else than the real one.
    let follows = wish[REAL] != KEEP || (wish[EFFECTIVE] != KEEP && effective != old[REAL]);
    Ok([
        real,
        effective,
        if follows { effective } else { old[SAVED] },
    ])
}

fn set_three(old: Ids, wish: Ids, privileged: bool) -> Result<Ids, Errno> {
    for id in wish {
        allow(id, &old, privileged)?;
    }
    Ok([
        or(wish[REAL], old[REAL]),
        or(wish[EFFECTIVE], old[EFFECTIVE]),
        or(wish[SAVED], old[SAVED]),
    ])
}

fn or(wish: u32, old: u32) -> u32 {
    if wish == KEEP { old } else { wish }
}

fn allow(wish: u32, allowed: &[u32], privileged: bool) -> Result<(), Errno> {
    let fine = wish == KEEP || privileged || allowed.contains(&wish);
    fine.then_some(()).ok_or(Errno::EPERM)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Ids = [10, 20, 30];

    #[test]
    fn a_privileged_setuid_sets_all_three() {
        assert_eq!(
            changed([0, 0, 0], How::Set, [KEEP, 7, KEEP], true),
            Ok([7, 7, 7])
        );
    }

    #[test]
    fn another_setuid_moves_only_the_effective_id_to_the_real_or_saved_one() {
        assert_eq!(
            changed(USER, How::Set, [KEEP, 10, KEEP], false),
            Ok([10, 10, 30])
        );
        assert_eq!(
            changed(USER, How::Set, [KEEP, 30, KEEP], false),
            Ok([10, 30, 30])
        );
        assert_eq!(
            changed(USER, How::Set, [KEEP, 20, KEEP], false),
            Err(Errno::EPERM)
        );
        assert_eq!(
            changed(USER, How::Set, [KEEP, 0, KEEP], false),
            Err(Errno::EPERM)
        );
    }

    #[test]
    fn setreuid_swaps_and_the_saved_id_follows() {
        assert_eq!(
            changed(USER, How::SetTwo, [20, 10, KEEP], false),
            Ok([20, 10, 10])
        );
        assert_eq!(
            changed(USER, How::SetTwo, [30, KEEP, KEEP], false),
            Err(Errno::EPERM)
        );
        assert_eq!(
            changed(USER, How::SetTwo, [KEEP, 10, KEEP], false),
            Ok([10, 10, 30])
        );
        assert_eq!(
            changed([0, 0, 0], How::SetTwo, [KEEP, 9, KEEP], true),
            Ok([0, 9, 9])
        );
    }

    #[test]
    fn setresuid_picks_from_the_three() {
        assert_eq!(
            changed(USER, How::SetThree, [30, KEEP, 10], false),
            Ok([30, 20, 10])
        );
        assert_eq!(
            changed(USER, How::SetThree, [1, KEEP, KEEP], false),
            Err(Errno::EPERM)
        );
    }

    #[test]
    fn set_id_bits_set_the_effective_and_saved_ids() {
        let mut user = Credentials {
            uid: [10, 10, 10],
            gid: [10, 10, 10],
            ..Credentials::default()
        };
        assert_eq!(user.exec(None, None), Elevated::No);
        assert_eq!(user.exec(Some(0), None), Elevated::Yes);
        assert_eq!(user.uid, [10, 0, 0]);
    }

    #[test]
    fn signals_go_to_processes_of_the_same_user() {
        let of = |uid| Credentials {
            uid,
            ..Credentials::default()
        };
        assert!(of([0, 0, 0]).may_signal(&of([5, 5, 5])));
        assert!(of([5, 5, 5]).may_signal(&of([9, 9, 5])));
        assert!(of([5, 5, 5]).may_signal(&of([5, 9, 9])));
        assert!(!of([5, 5, 5]).may_signal(&of([9, 5, 9])));
    }
}
