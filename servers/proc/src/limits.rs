//! Resource limits, as `getrlimit` names them.

use crate::ports::SpaceLimits;
use abi::Errno;
use abi::linux::general as linux;
use serde::{Deserialize, Serialize};

/// No limit.
pub const INFINITY: u64 = u64::MAX;
/// Number of resources.
const COUNT: usize = linux::RLIM_NLIMITS as usize;
/// Most descriptors that anyone may ask for (Linux: `fs.nr_open`).
const MOST_FILES: u64 = 1 << 20;

/// `RLIMIT_CPU`.
pub const CPU: u32 = linux::RLIMIT_CPU;
/// `RLIMIT_NPROC`.
pub const PROCESSES: u32 = linux::RLIMIT_NPROC;
/// `RLIMIT_NOFILE`.
pub const FILES: u32 = linux::RLIMIT_NOFILE;
/// `RLIMIT_FSIZE`.
pub const FILE_BYTES: u32 = linux::RLIMIT_FSIZE;
/// `RLIMIT_STACK`.
pub const STACK: u32 = linux::RLIMIT_STACK;
/// `RLIMIT_SIGPENDING`.
pub const PENDING_SIGNALS: u32 = linux::RLIMIT_SIGPENDING;
/// `RLIMIT_MEMLOCK`.
pub const LOCKED: u32 = linux::RLIMIT_MEMLOCK;
/// `RLIMIT_NICE`.
pub const NICE: u32 = linux::RLIMIT_NICE;

/// A limit: what is in force, and how far its owner may raise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// In force.
    pub soft: u64,
    /// Its most.
    pub hard: u64,
}

/// All limits of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits([Limit; COUNT]);

impl Default for Limits {
    fn default() -> Self {
        let mut limits = [Limit {
            soft: INFINITY,
            hard: INFINITY,
        }; COUNT];
        let finite = [
            (STACK, abi::layout::STACK_BYTES, INFINITY),
            (linux::RLIMIT_CORE, 0, INFINITY),
            (
                PROCESSES,
                proto::publish::CAPACITY as u64,
                proto::publish::CAPACITY as u64,
            ),
            (FILES, 1024, 4096),
            (LOCKED, 8 << 20, 8 << 20),
            (PENDING_SIGNALS, 1024, 1024),
            (linux::RLIMIT_MSGQUEUE, 819_200, 819_200),
            (NICE, 0, 0),
            (linux::RLIMIT_RTPRIO, 0, 0),
        ];
        for (resource, soft, hard) in finite {
            limits[resource as usize] = Limit { soft, hard };
        }
        Limits(limits)
    }
}

impl Limits {
    /// A resource's limit.
    ///
    /// # Errors
    /// `EINVAL` if there is no such resource.
    pub fn get(&self, resource: u32) -> Result<Limit, Errno> {
        self.0.get(resource as usize).copied().ok_or(Errno::EINVAL)
    }

    /// The limit in force; none for a resource that does not exist.
    pub fn soft(&self, resource: u32) -> u64 {
        self.get(resource).map_or(INFINITY, |limit| limit.soft)
    }

    /// Changes a limit.
    ///
    /// # Errors
    /// `EINVAL` if the soft limit is above the hard one, `EPERM` to raise the hard one unprivileged.
    pub fn set(&mut self, resource: u32, new: Limit, privileged: bool) -> Result<(), Errno> {
        let old = self.get(resource)?;
        if new.soft > new.hard {
            return Err(Errno::EINVAL);
        }
        if (new.hard > old.hard && !privileged) || (resource == FILES && new.hard > MOST_FILES) {
            return Err(Errno::EPERM);
        }
        self.0[resource as usize] = new;
        Ok(())
    }

    /// The next second of processor time beyond the limit in force is the limit from now on.
    pub fn next_cpu_second(&mut self) {
        let limit = &mut self.0[CPU as usize];
        limit.soft = limit.soft.saturating_add(1);
    }

    /// What the memory server has to know.
    pub fn space(&self) -> SpaceLimits {
        SpaceLimits {
            memory: self.soft(linux::RLIMIT_AS),
            stack: self.soft(STACK),
            data: self.soft(linux::RLIMIT_DATA),
        }
    }

    /// How many bytes of memory its owner may lock.
    pub fn locked(&self, privileged: bool) -> u64 {
        match privileged {
            true => INFINITY,
            false => self.soft(LOCKED),
        }
    }

    /// Whether the memory server acts on a resource.
    pub fn concerns_memory(resource: u32) -> bool {
        [linux::RLIMIT_AS, STACK, linux::RLIMIT_DATA].contains(&resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_raises_a_hard_limit() {
        let mut limits = Limits::default();
        let more = Limit {
            soft: 10,
            hard: 2000,
        };
        assert_eq!(limits.set(PROCESSES, more, false), Err(Errno::EPERM));
        assert_eq!(limits, Limits::default());
        assert_eq!(limits.set(PROCESSES, more, true), Ok(()));
        assert_eq!(limits.get(PROCESSES), Ok(more));
    }

    #[test]
    fn impossible_limits_are_refused() {
        let mut limits = Limits::default();
        assert_eq!(
            limits.set(FILES, Limit { soft: 2, hard: 1 }, true),
            Err(Errno::EINVAL)
        );
        assert_eq!(
            limits.set(16, Limit { soft: 1, hard: 1 }, true),
            Err(Errno::EINVAL)
        );
        assert_eq!(
            limits.set(
                FILES,
                Limit {
                    soft: 1,
                    hard: INFINITY
                },
                true
            ),
            Err(Errno::EPERM)
        );
    }
}
