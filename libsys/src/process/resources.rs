//! Limits, what was used, and the nice value.

use super::proc;
use crate::posix::unexpected;
use abi::Errno;
use proto::proc::{Reply, Request};

/// No limit.
pub const RLIM_INFINITY: u64 = u64::MAX;

/// Numbers of limits, as in Linux.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod resource {
    pub const RLIMIT_CPU: u32 = 0;
    pub const RLIMIT_FSIZE: u32 = 1;
    pub const RLIMIT_DATA: u32 = 2;
    pub const RLIMIT_STACK: u32 = 3;
    pub const RLIMIT_CORE: u32 = 4;
    pub const RLIMIT_NPROC: u32 = 6;
    pub const RLIMIT_NOFILE: u32 = 7;
    pub const RLIMIT_AS: u32 = 9;
}

#[inline(always)]
fn limit(request: &Request) -> Result<(u64, u64), Errno> {
    match proc(request)? {
        Reply::Limit { soft, hard } => Ok((soft, hard)),
        _ => Err(unexpected()),
    }
}

/// A limit's value in force, and the most that it may be raised to.
///
/// # Errors
/// `EINVAL`.
pub fn getrlimit(resource: u32) -> Result<(u64, u64), Errno> {
    limit(&Request::Limit {
        pid: 0,
        resource,
        change: false,
        soft: 0,
        hard: 0,
    })
}

/// Sets a limit.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn setrlimit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    limit(&Request::Limit {
        pid: 0,
        resource,
        change: true,
        soft,
        hard,
    })
    .map(drop)
}

/// What a process, or its children that were waited for, used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time in user mode.
    pub user_ns: u64,
    /// Time that the system used for it.
    pub system_ns: u64,
    /// Page faults.
    pub faults: u64,
    /// Most memory that it had, in bytes.
    pub max_bytes: u64,
}

fn usage(who: i32) -> Result<Usage, Errno> {
    match proc(&Request::Times { who })? {
        Reply::Times {
            user_ns,
            system_ns,
            faults,
            max_bytes,
        } => Ok(Usage {
            user_ns,
            system_ns,
            faults,
            max_bytes,
        }),
        _ => Err(unexpected()),
    }
}

/// What this process used (`getrusage`, `times`).
///
/// # Errors
/// None in practice.
pub fn own_usage() -> Result<Usage, Errno> {
    usage(0)
}

/// What the children used that were waited for.
///
/// # Errors
/// None in practice.
pub fn children_usage() -> Result<Usage, Errno> {
    usage(-1)
}

/// The nice value of `pid` (0: own).
///
/// # Errors
/// `ESRCH`.
pub fn getpriority(pid: i32) -> Result<i32, Errno> {
    nice(&Request::Nice {
        pid,
        change: false,
        nice: 0,
    })
}

/// Sets the nice value of `pid` (0: own), -20 to 19.
///
/// # Errors
/// `ESRCH`, `EACCES`, `EPERM`.
pub fn setpriority(pid: i32, value: i32) -> Result<i32, Errno> {
    nice(&Request::Nice {
        pid,
        change: true,
        nice: value,
    })
}

fn nice(request: &Request) -> Result<i32, Errno> {
    match proc(request)? {
        Reply::Count(count) => Ok(20 - count as i32),
        _ => Err(unexpected()),
    }
}
