//! `clone`: which of its shapes a call asks for.

use abi::Errno;

const SIGNAL: u64 = 0xff;
const SIGCHLD: u64 = 17;
const VM: u64 = 0x100;
const VFORK: u64 = 0x4000;
const SETTLS: u64 = 0x8_0000;
const PARENT_SETTID: u64 = 0x10_0000;
const CHILD_CLEARTID: u64 = 0x20_0000;
const CHILD_SETTID: u64 = 0x100_0000;
const THREAD: u64 = 0x1_0000;

/// What `clone` shall make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// Whether the caller waits until the child has another program or ends, and the child may use
    /// the caller's memory until then.
    pub vfork: bool,
    /// Whether the child gets the given thread pointer.
    pub tls: bool,
    /// Whether the child's number is stored for the parent.
    pub parent_tid: bool,
    /// Whether the child's number is stored for the child.
    pub child_tid: bool,
}

/// Decides on the flags of `clone`.
///
/// # Errors
/// `ENOSYS` for threads, which the process server cannot make yet; `EINVAL` for shapes that neither
/// `fork`, `vfork` nor `posix_spawn` use.
pub fn child(flags: u64) -> Result<Child, Errno> {
    let known = SIGNAL | VM | VFORK | SETTLS | PARENT_SETTID | CHILD_CLEARTID | CHILD_SETTID;
    if flags & THREAD != 0 {
        return Err(Errno::ENOSYS);
    }
    let shares_memory = flags & VM != 0;
    let waits = flags & VFORK != 0;
    if flags & !known != 0 || flags & SIGNAL != SIGCHLD || (shares_memory && !waits) {
        return Err(Errno::EINVAL);
    }
    Ok(Child {
        vfork: waits,
        tls: flags & SETTLS != 0,
        parent_tid: flags & PARENT_SETTID != 0,
        child_tid: flags & CHILD_SETTID != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libraries_ask_for_is_known() {
        let fork = child(CHILD_CLEARTID | CHILD_SETTID | SIGCHLD).expect("glibc's fork");
        assert!(fork.child_tid && !fork.vfork && !fork.parent_tid);
        let spawn = child(VM | VFORK | SIGCHLD).expect("posix_spawn");
        assert!(spawn.vfork);
        assert!(child(SIGCHLD).is_ok(), "musl's fork");
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        assert_eq!(child(0x3d_0f00), Err(Errno::ENOSYS), "pthread_create");
        assert_eq!(child(VM | SIGCHLD), Err(Errno::EINVAL));
        assert_eq!(child(0x2000_0000 | SIGCHLD), Err(Errno::EINVAL));
        assert_eq!(child(0), Err(Errno::EINVAL));
    }
}
