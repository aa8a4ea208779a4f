//! Waiting for children.

use super::proc;
use crate::posix::unexpected;
use abi::Errno;
use proto::proc::{Reply, Request, WAIT_BY_KIND};

/// How a child ended or changed, as `wait` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u32);

impl Status {
    /// The exit status, if it ended by `exit` (`WIFEXITED`, `WEXITSTATUS`).
    pub fn exited(self) -> Option<i32> {
        (self.0 & 0x7f == 0).then_some((self.0 >> 8 & 0xff) as i32)
    }

    /// The signal that killed it (`WIFSIGNALED`, `WTERMSIG`).
    pub fn signaled(self) -> Option<i32> {
        let signal = self.0 & 0x7f;
        (signal != 0 && signal != 0x7f).then_some(signal as i32)
    }

    /// The signal that stopped it (`WIFSTOPPED`, `WSTOPSIG`).
    pub fn stopped(self) -> Option<i32> {
        (self.0 & 0xff == 0x7f).then_some((self.0 >> 8 & 0xff) as i32)
    }

    /// Whether it goes on after a stop (`WIFCONTINUED`).
    pub fn continued(self) -> bool {
        self.0 == 0xffff
    }

    /// What a shell makes of it for `$?`.
    pub fn shell_status(self) -> i32 {
        self.exited()
            .or(self.signaled().map(|signal| 128 + signal))
            .or(self.stopped().map(|signal| 128 + signal))
            .unwrap_or(0)
    }
}

/// Does not wait if no child has changed.
pub const WNOHANG: u32 = 1;
/// Stopped children count, too.
pub const WUNTRACED: u32 = 2;
/// As [`WUNTRACED`], for [`waitid`].
pub const WSTOPPED: u32 = 2;
/// Ended children count, for [`waitid`].
pub const WEXITED: u32 = 4;
/// Children that go on after a stop count, too.
pub const WCONTINUED: u32 = 8;
/// Leaves the child to be waited for again.
pub const WNOWAIT: u32 = 0x0100_0000;

/// A child that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// The child.
    pub pid: u32,
    /// What became of it.
    pub status: Status,
    /// Its real user.
    pub uid: u32,
    /// Time that it used.
    pub user_ns: u64,
    /// Time that the system used for it.
    pub system_ns: u64,
}

/// Waits for a child (`wait4`): `pid` above 0 that one, -1 any, 0 any of the own group, below -1
/// any of group `-pid`. `None`: none has changed, with [`WNOHANG`].
///
/// # Errors
/// `ECHILD`, `EINTR`, `EINVAL`.
pub fn wait4(pid: i32, options: u32) -> Result<Option<Waited>, Errno> {
    match proc(&Request::Wait { pid, options })? {
        Reply::Waited { pid: 0, .. } => Ok(None),
        Reply::Waited {
            pid,
            status,
            uid,
            user_ns,
            system_ns,
        } => Ok(Some(Waited {
            pid,
            status: Status(status),
            uid,
            user_ns,
            system_ns,
        })),
        _ => Err(unexpected()),
    }
}

/// Waits for a child, as [`wait4`], but tells only pid and status.
///
/// # Errors
/// As [`wait4`].
pub fn waitpid(pid: i32, options: u32) -> Result<Option<(u32, Status)>, Errno> {
    Ok(wait4(pid, options)?.map(|waited| (waited.pid, waited.status)))
}

/// Waits for any child to end.
///
/// # Errors
/// `ECHILD`, `EINTR`.
pub fn wait() -> Result<(u32, Status), Errno> {
    waitpid(-1, 0)?.ok_or_else(unexpected)
}

/// Which children [`waitid`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Any.
    All,
    /// This one.
    Pid(u32),
    /// Those of this process group (0: the own).
    Group(u32),
}

/// Waits for a child to change in one of the ways that `options` names.
///
/// # Errors
/// `ECHILD`, `EINTR`, `EINVAL` if no way is named.
pub fn waitid(which: Which, options: u32) -> Result<Option<Waited>, Errno> {
    if options & (WEXITED | WSTOPPED | WCONTINUED) == 0 {
        return Err(Errno::EINVAL);
    }
    let number = |id: u32| i32::try_from(id).map_err(|_| Errno::EINVAL);
    let pid = match which {
        Which::All => -1,
        Which::Pid(0) => return Err(Errno::EINVAL),
        Which::Pid(pid) => number(pid)?,
        Which::Group(group) => -number(group)?,
    };
    // By kind: without WEXITED an end does not count, and is left to be waited for.
    wait4(pid, options | WAIT_BY_KIND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_linux_writes_it() {
        assert_eq!(Status(3 << 8).exited(), Some(3));
        assert_eq!(Status(9).signaled(), Some(9));
        assert_eq!(Status(9).exited(), None);
        assert_eq!(Status(19 << 8 | 0x7f).stopped(), Some(19));
        assert_eq!(Status(19 << 8 | 0x7f).signaled(), None);
        assert!(Status(0xffff).continued());
        assert_eq!(Status(9).shell_status(), 137);
        assert_eq!(Status(7 << 8).shell_status(), 7);
    }
}
