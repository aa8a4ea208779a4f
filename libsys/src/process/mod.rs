//! Processes: fork, exec, exit, wait, identity, groups, credentials, limits.

mod command;
mod credentials;
mod exec;
mod exit;
mod resources;
mod timer;
mod wait;

pub use command::{Command, Direction, popen, system};
pub use credentials::*;
pub use exec::*;
pub use exit::*;
pub use resources::*;
pub use timer::*;
pub use wait::*;

use crate::arch;
use crate::lease::Loan;
use crate::posix::{ask, unexpected};
use abi::{Errno, Handle};
use core::sync::atomic::{AtomicU32, Ordering};
use proto::proc::{Proc, Reply, Request};

#[inline(always)]
fn proc(request: &Request) -> Result<Reply, Errno> {
    ask::<Proc>(Handle::PROC, request, [Loan::NONE; 2])
}

#[inline(always)]
fn done(request: &Request) -> Result<(), Errno> {
    proc(request).map(drop)
}

#[inline(always)]
fn pid(reply: Reply) -> Result<u32, Errno> {
    match reply {
        Reply::Pid(pid) => Ok(pid),
        _ => Err(unexpected()),
    }
}

/// Own pid; 0 until it is first asked for, and in a new child.
static PID: AtomicU32 = AtomicU32::new(0);

/// Makes a copy of this process: the child's pid in the parent, 0 in the child.
///
/// # Errors
/// `EAGAIN` at the process limit, `ENOMEM` when memory is short.
pub fn fork() -> Result<u32, Errno> {
    let child = pid(proc(&Request::Fork)?)?;
    // Writing only where there is something to change keeps the child from copying the page.
    if child == 0 && PID.load(Ordering::Relaxed) != 0 {
        PID.store(0, Ordering::Relaxed);
    }
    Ok(child)
}

fn identity() -> Result<(u32, u32), Errno> {
    match proc(&Request::Identity)? {
        Reply::Identity { pid, ppid } => Ok((pid, ppid)),
        _ => Err(unexpected()),
    }
}

/// Own pid. Never fails; asks only once.
pub fn getpid() -> u32 {
    match PID.load(Ordering::Relaxed) {
        0 => {
            let pid = identity().map_or(0, |(pid, _)| pid);
            PID.store(pid, Ordering::Relaxed);
            pid
        }
        known => known,
    }
}

/// The parent's pid. Never fails.
pub fn getppid() -> u32 {
    identity().map_or(0, |(_, ppid)| ppid)
}

/// The process group of `pid` (0: own).
///
/// # Errors
/// `ESRCH`.
pub fn getpgid(target: i32) -> Result<u32, Errno> {
    pid(proc(&Request::GetGroup { pid: target })?)
}

/// Own process group.
pub fn getpgrp() -> u32 {
    getpgid(0).unwrap_or(0)
}

/// Moves `pid` (0: own) to process group `pgid` (0: one of its own).
///
/// # Errors
/// As `setpgid(2)`.
pub fn setpgid(pid: i32, pgid: i32) -> Result<(), Errno> {
    done(&Request::SetGroup { pid, pgid })
}

/// The session of `pid` (0: own).
///
/// # Errors
/// `ESRCH`.
pub fn getsid(target: i32) -> Result<u32, Errno> {
    pid(proc(&Request::GetSession { pid: target })?)
}

/// Starts a session.
///
/// # Errors
/// `EPERM` for a group leader.
pub fn setsid() -> Result<u32, Errno> {
    pid(proc(&Request::NewSession)?)
}

/// Own command name, as `ps` shows it.
///
/// # Errors
/// None in practice.
pub fn set_name(name: impl AsRef<[u8]>) -> Result<(), Errno> {
    ask::<Proc>(
        Handle::PROC,
        &Request::Name,
        [Loan::read(name.as_ref()), Loan::NONE],
    )
    .map(drop)
}

/// Switches the machine off or starts it again; returns only if that is refused.
///
/// # Errors
/// `EPERM`.
pub fn power(how: arch::Power) -> Errno {
    match proc(&Request::Power {
        how: u32::from(how == arch::Power::Restart),
    }) {
        Ok(_) => unexpected(),
        Err(errno) => errno,
    }
}
