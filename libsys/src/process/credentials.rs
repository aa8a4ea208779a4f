//! Users and groups.

use super::{done, proc};
use crate::file;
use crate::lease::Loan;
use crate::posix::{ask, unexpected};
use abi::{Errno, Handle};
use alloc::vec;
use alloc::vec::Vec;
use proto::proc::{Proc, Reply, Request};

/// Real, effective and saved ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Who started the process.
    pub real: u32,
    /// What it may do.
    pub effective: u32,
    /// What it may go back to.
    pub saved: u32,
}

#[inline(always)]
fn ids(request: &Request) -> Result<Ids, Errno> {
    match proc(request)? {
        Reply::Ids {
            real,
            effective,
            saved,
        } => Ok(Ids {
            real,
            effective,
            saved,
        }),
        _ => Err(unexpected()),
    }
}

/// The user ids (`getresuid`).
///
/// # Errors
/// None in practice.
pub fn users() -> Result<Ids, Errno> {
    ids(&Request::GetUsers)
}

/// The group ids (`getresgid`).
///
/// # Errors
/// None in practice.
pub fn groups() -> Result<Ids, Errno> {
    ids(&Request::GetGroups)
}

/// Real user.
pub fn getuid() -> u32 {
    users().map_or(KEEP, |ids| ids.real)
}

/// Effective user.
pub fn geteuid() -> u32 {
    users().map_or(KEEP, |ids| ids.effective)
}

/// Real group.
pub fn getgid() -> u32 {
    groups().map_or(KEEP, |ids| ids.real)
}

/// Effective group.
pub fn getegid() -> u32 {
    groups().map_or(KEEP, |ids| ids.effective)
}

/// Leaves an id as it is.
pub const KEEP: u32 = u32::MAX;
const HOW_PLAIN: u32 = 0;
const HOW_REAL_EFFECTIVE: u32 = 1;
const HOW_ALL: u32 = 2;

/// `setuid`.
///
/// # Errors
/// `EPERM`.
pub fn setuid(uid: u32) -> Result<(), Errno> {
    done(&Request::SetUsers {
        how: HOW_PLAIN,
        real: KEEP,
        effective: uid,
        saved: KEEP,
    })
}

/// `seteuid`.
///
/// # Errors
/// `EPERM`.
pub fn seteuid(uid: u32) -> Result<(), Errno> {
    setresuid(KEEP, uid, KEEP)
}

/// `setreuid`.
///
/// # Errors
/// `EPERM`.
pub fn setreuid(real: u32, effective: u32) -> Result<(), Errno> {
    done(&Request::SetUsers {
        how: HOW_REAL_EFFECTIVE,
        real,
        effective,
        saved: KEEP,
    })
}

/// `setresuid`.
///
/// # Errors
/// `EPERM`.
pub fn setresuid(real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
    done(&Request::SetUsers {
        how: HOW_ALL,
        real,
        effective,
        saved,
    })
}

/// `setgid`.
///
/// # Errors
/// `EPERM`.
pub fn setgid(gid: u32) -> Result<(), Errno> {
    done(&Request::SetGroups {
        how: HOW_PLAIN,
        real: KEEP,
        effective: gid,
        saved: KEEP,
    })
}

/// `setegid`.
///
/// # Errors
/// `EPERM`.
pub fn setegid(gid: u32) -> Result<(), Errno> {
    setresgid(KEEP, gid, KEEP)
}

/// `setregid`.
///
/// # Errors
/// `EPERM`.
pub fn setregid(real: u32, effective: u32) -> Result<(), Errno> {
    done(&Request::SetGroups {
        how: HOW_REAL_EFFECTIVE,
        real,
        effective,
        saved: KEEP,
    })
}

/// `setresgid`.
///
/// # Errors
/// `EPERM`.
pub fn setresgid(real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
    done(&Request::SetGroups {
        how: HOW_ALL,
        real,
        effective,
        saved,
    })
}

/// The supplementary groups.
///
/// # Errors
/// None in practice.
pub fn getgroups() -> Result<Vec<u32>, Errno> {
    let mut bytes = vec![0; proto::publish::GROUPS * 4];
    let reply = ask::<Proc>(
        Handle::PROC,
        &Request::Supplementary,
        [Loan::write(&mut bytes), Loan::NONE],
    )?;
    let Reply::Count(count) = reply else {
        return Err(unexpected());
    };
    Ok(bytes
        .chunks(4)
        .take(count as usize)
        .map(|group| file::get_u32(group, 0))
        .collect())
}

/// Sets the supplementary groups.
///
/// # Errors
/// `EPERM`, `EINVAL` for too many.
pub fn setgroups(groups: &[u32]) -> Result<(), Errno> {
    let bytes: Vec<u8> = groups
        .iter()
        .flat_map(|group| group.to_le_bytes())
        .collect();
    ask::<Proc>(
        Handle::PROC,
        &Request::SetSupplementary,
        [Loan::read(&bytes), Loan::NONE],
    )
    .map(drop)
}
