//! Record locks (`fcntl`): kept per file, owned by a process and gone at any close of it, or owned by
//! an open file and gone with it. The locks of `flock` are such locks of all bytes, kept apart.

use crate::layout::Flock;
use crate::linux;
use crate::node::NodeId;
use crate::process::OpenId;
use abi::Errno;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use proto::Pid;
use serde::{Deserialize, Serialize};

/// Bytes of a file: from `start` up to, not including, `end`; `u64::MAX` is the file's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// First byte.
    pub start: u64,
    /// First byte behind.
    pub end: u64,
}

impl Range {
    /// All bytes.
    pub const ALL: Range = Range {
        start: 0,
        end: u64::MAX,
    };

    /// The bytes that a `struct flock` names.
    ///
    /// # Errors
    /// `EINVAL`, `EOVERFLOW`.
    pub fn from_flock(flock: &Flock, offset: u64, size: u64) -> Result<Range, Errno> {
        let base = match u32::from(flock.whence as u16) {
            linux::SEEK_SET => 0,
            linux::SEEK_CUR => offset as i64,
            linux::SEEK_END => size as i64,
            _ => return Err(Errno::EINVAL),
        };
        let at = base.checked_add(flock.start).ok_or(Errno::EOVERFLOW)?;
        let (start, end) = match flock.length {
            0 => (at, None),
            length if length > 0 => (at, Some(at.checked_add(length).ok_or(Errno::EOVERFLOW)?)),
            length => (at.checked_add(length).ok_or(Errno::EINVAL)?, Some(at)),
        };
        let start = u64::try_from(start).map_err(|_| Errno::EINVAL)?;
        Ok(Range {
            start,
            end: end.map_or(u64::MAX, |end| end as u64),
        })
    }

    fn overlaps(self, other: Range) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// What is wanted of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Want {
    /// A lock that others may have too.
    Shared,
    /// A lock alone.
    Exclusive,
    /// No lock.
    None,
}

impl Want {
    /// From `l_type`.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn from_kind(kind: i16) -> Result<Want, Errno> {
        match kind {
            linux::F_RDLCK => Ok(Want::Shared),
            linux::F_WRLCK => Ok(Want::Exclusive),
            linux::F_UNLCK => Ok(Want::None),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// Who has a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// A process.
    Process(Pid),
    /// An open file, whoever uses it.
    Open(OpenId),
}

/// A lock that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    owner: Owner,
    range: Range,
    want: Want,
}

impl Lock {
    /// As `F_GETLK` describes it.
    pub fn to_flock(self) -> Flock {
        Flock {
            kind: if self.want == Want::Exclusive {
                linux::F_WRLCK
            } else {
                linux::F_RDLCK
            },
            whence: linux::SEEK_SET as i16,
            start: self.range.start as i64,
            length: if self.range.end == u64::MAX {
                0
            } else {
                (self.range.end - self.range.start) as i64
            },
            pid: match self.owner {
                Owner::Process(pid) => pid.0,
                // Nobody in particular: -1.
                Owner::Open(_) => u32::MAX,
            },
        }
    }
}

/// All locks of all files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Locks {
    files: BTreeMap<NodeId, Vec<Lock>>,
}

impl Locks {
    /// Whether no file is locked.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The first lock of another process that stands in the way.
    pub fn conflict(&self, file: NodeId, who: Owner, range: Range, want: Want) -> Option<Lock> {
        let excludes = |lock: &&Lock| match want {
            Want::None => false,
            Want::Shared => lock.want == Want::Exclusive,
            Want::Exclusive => true,
        };
        let locks = self.files.get(&file)?.iter();
        locks
            .filter(excludes)
            .find(|lock| lock.owner != who && lock.range.overlaps(range))
            .copied()
    }

    /// Sets what `who` has of a range, after [`Locks::conflict`] found nothing in the way.
    pub fn set(&mut self, file: NodeId, who: Owner, range: Range, want: Want) {
        let locks = self.files.entry(file).or_default();
        let mut kept = Vec::with_capacity(locks.len() + 2);
        for lock in locks.drain(..) {
            if lock.owner != who || !lock.range.overlaps(range) {
                kept.push(lock);
                continue;
            }
            if lock.range.start < range.start {
                kept.push(Lock {
                    range: Range {
                        end: range.start,
                        ..lock.range
                    },
                    ..lock
                });
            }
            if lock.range.end > range.end {
                kept.push(Lock {
                    range: Range {
                        start: range.end,
                        ..lock.range
                    },
                    ..lock
                });
            }
        }
        if want != Want::None {
            kept.push(Lock {
                owner: who,
                range,
                want,
            });
        }
        *locks = kept;
        if locks.is_empty() {
            self.files.remove(&file);
        }
    }

    /// Whether `who` has exactly such a lock of a file's bytes.
    pub fn holds(&self, file: NodeId, who: Owner, want: Want) -> bool {
        let locks = self.files.get(&file);
        locks.is_some_and(|locks| {
            let mut locks = locks.iter();
            locks.any(|lock| lock.owner == who && lock.want == want)
        })
    }

    /// Removes all that `who` has of a file; says whether there was anything.
    pub fn release(&mut self, file: NodeId, who: Owner) -> bool {
        let Some(locks) = self.files.get_mut(&file) else {
            return false;
        };
        let before = locks.len();
        locks.retain(|lock| lock.owner != who);
        let released = locks.len() < before;
        if locks.is_empty() {
            self.files.remove(&file);
        }
        released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Owner = Owner::Process(Pid(1));
    const B: Owner = Owner::Open(2);

    fn range(start: u64, end: u64) -> Range {
        Range { start, end }
    }

    #[test]
    fn unlocking_the_middle_leaves_both_ends() {
        let mut locks = Locks::default();
        locks.set(1, A, range(0, 100), Want::Exclusive);
        locks.set(1, A, range(40, 60), Want::None);
        assert!(locks.conflict(1, B, range(0, 10), Want::Shared).is_some());
        assert!(
            locks
                .conflict(1, B, range(40, 60), Want::Exclusive)
                .is_none()
        );
        assert!(locks.conflict(1, B, range(59, 61), Want::Shared).is_some());
    }

    #[test]
    fn shared_locks_exclude_only_exclusive_ones() {
        let mut locks = Locks::default();
        locks.set(1, A, range(0, u64::MAX), Want::Shared);
        assert!(locks.conflict(1, B, range(5, 6), Want::Shared).is_none());
        let found = locks
            .conflict(1, B, range(5, 6), Want::Exclusive)
            .unwrap()
            .to_flock();
        assert_eq!((found.pid, found.start, found.length), (1, 0, 0));
        assert!(locks.release(1, A) && locks.is_empty());
    }

    #[test]
    fn a_negative_length_ends_at_the_start() {
        let flock = Flock {
            kind: 0,
            whence: 1,
            start: 0,
            length: -5,
            pid: 0,
        };
        assert_eq!(Range::from_flock(&flock, 8, 100), Ok(range(3, 8)));
        assert_eq!(Range::from_flock(&flock, 4, 100), Err(Errno::EINVAL));
    }
}
