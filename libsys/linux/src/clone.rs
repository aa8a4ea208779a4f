//! `clone`: which of its shapes a call asks for.

use crate::bytes::get_u64;
use abi::Errno;

const SIGNAL: u64 = 0xff;
const SIGCHLD: u64 = 17;
const VM: u64 = 0x100;
const FS: u64 = 0x200;
const FILES: u64 = 0x400;
const SIGHAND: u64 = 0x800;
const VFORK: u64 = 0x4000;
const THREAD: u64 = 0x1_0000;
const SYSVSEM: u64 = 0x4_0000;
const SETTLS: u64 = 0x8_0000;
const PARENT_SETTID: u64 = 0x10_0000;
const CHILD_CLEARTID: u64 = 0x20_0000;
/// Means nothing any more, and musl still says it.
const DETACHED: u64 = 0x40_0000;
const CHILD_SETTID: u64 = 0x100_0000;

/// What of the caller's the new thread has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A copy of everything: `fork`.
    Fork,
    /// Its memory, until the child executes a program or ends; the caller waits: `vfork`.
    Borrow,
    /// Everything: a thread.
    Thread,
}

/// What `clone` shall make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its shape.
    pub shape: Shape,
    /// Whether it gets the given thread pointer.
    pub tls: bool,
    /// Whether its number is stored for the parent.
    pub parent_tid: bool,
    /// Whether its number is stored for the child.
    pub child_tid: bool,
    /// Whether 0 is stored there when it ends.
    pub clear_tid: bool,
}

/// Bytes of the first `struct clone_args`, and of the newest.
pub const FIRST_BYTES: usize = 64;
/// As [`FIRST_BYTES`].
pub const NEWEST_BYTES: usize = 88;

/// What `clone` would be given for the structure of `clone3`: flags, end of the stack, the parent's place for
/// the number, thread pointer, the child's place.
///
/// # Errors
/// `EINVAL` for what contradicts itself, and for what only `clone3` can do.
pub fn arguments(bytes: &[u8; NEWEST_BYTES]) -> Result<[u64; 5], Errno> {
    const PARENT: u64 = 0x8000;
    /// Descriptors and signals in the low byte, and what came after `clone`.
    const FOREIGN: u64 = !0xffff_ffff | SIGNAL | DETACHED;
    let [
        flags,
        pidfd,
        child_tid,
        parent_tid,
        signal,
        stack,
        stack_bytes,
        tls,
    ] = core::array::from_fn(|index| get_u64(bytes, 8 * index));
    let (set_tid, set_tid_count, group) =
        (get_u64(bytes, 64), get_u64(bytes, 72), get_u64(bytes, 80));
    let beyond = flags & FOREIGN | pidfd | set_tid | set_tid_count | group;
    let no_stack = (stack == 0) != (stack_bytes == 0);
    let has_signal = flags & (THREAD | PARENT) != 0 && signal != 0;
    if beyond != 0 || no_stack || has_signal || signal > 64 {
        return Err(Errno::EINVAL);
    }
    let end = stack.checked_add(stack_bytes).ok_or(Errno::EINVAL)?;
    Ok([flags | signal, end, parent_tid, tls, child_tid])
}

/// Decides on the flags of `clone`.
///
/// # Errors
/// `EINVAL` for shapes that neither `fork`, `vfork`, `posix_spawn` nor `pthread_create` use.
pub fn wish(flags: u64) -> Result<Wish, Errno> {
    const THREADS: u64 = VM | FS | FILES | SIGHAND | THREAD;
    const PLACES: u64 = SETTLS | PARENT_SETTID | CHILD_CLEARTID | CHILD_SETTID;
    let shape = if flags & THREAD != 0 {
        let known = SIGNAL | THREADS | SYSVSEM | DETACHED | PLACES;
        if flags & !known != 0 || flags & THREADS != THREADS {
            return Err(Errno::EINVAL);
        }
        Shape::Thread
    } else {
        let (shares_memory, waits) = (flags & VM != 0, flags & VFORK != 0);
        let known = SIGNAL | VM | VFORK | PLACES;
        if flags & !known != 0 || flags & SIGNAL != SIGCHLD || shares_memory != waits {
            return Err(Errno::EINVAL);
        }
        match shares_memory {
            true => Shape::Borrow,
            false => Shape::Fork,
        }
    };
    Ok(Wish {
        shape,
        tls: flags & SETTLS != 0,
        parent_tid: flags & PARENT_SETTID != 0,
        child_tid: flags & CHILD_SETTID != 0,
        clear_tid: flags & CHILD_CLEARTID != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libraries_ask_for_is_known() {
        let fork = wish(CHILD_CLEARTID | CHILD_SETTID | SIGCHLD).expect("glibc's fork");
        assert!(fork.shape == Shape::Fork && fork.child_tid && fork.clear_tid && !fork.parent_tid);
        let spawn = wish(VM | VFORK | SIGCHLD).expect("posix_spawn");
        assert_eq!(spawn.shape, Shape::Borrow);
        assert!(wish(SIGCHLD).is_ok(), "musl's fork");
        for flags in [0x3d_0f00, 0x7d_0f00] {
            let thread = wish(flags).expect("pthread_create of glibc and musl");
            assert_eq!(thread.shape, Shape::Thread);
            assert!(thread.tls && thread.parent_tid && thread.clear_tid && !thread.child_tid);
        }
    }

    #[test]
    fn a_structure_means_what_the_arguments_of_clone_do() {
        let structure = |words: [u64; 11]| {
            let mut bytes = [0; NEWEST_BYTES];
            for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
                place.copy_from_slice(&word.to_le_bytes());
            }
            arguments(&bytes)
        };
        let thread = structure([0x3d_0f00, 0, 7, 8, 0, 0x1000, 0x200, 9, 0, 0, 0]);
        assert_eq!(thread, Ok([0x3d_0f00, 0x1200, 8, 9, 7]), "pthread_create");
        let fork = structure([0, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, 0]);
        assert_eq!(fork, Ok([SIGCHLD, 0, 0, 0, 0]));
        for bad in [
            [SIGCHLD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0x1000, 5, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, 0],
            [1 << 32 | VM | VFORK, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, SIGCHLD, 0x1000, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, SIGCHLD, 0, 0x1000, 0, 0, 0, 0],
            [THREAD, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 65, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, SIGCHLD, 0, 0, 0, 1, 1, 0],
            [0, 0, 0, 0, SIGCHLD, u64::MAX, 2, 0, 0, 0, 0],
        ] {
            assert_eq!(structure(bad), Err(Errno::EINVAL), "{bad:x?}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        assert_eq!(wish(VM | SIGCHLD), Err(Errno::EINVAL));
        assert_eq!(
            wish(VFORK | SIGCHLD),
            Err(Errno::EINVAL),
            "a copy that is waited for"
        );
        assert_eq!(wish(0x2000_0000 | SIGCHLD), Err(Errno::EINVAL));
        assert_eq!(wish(0), Err(Errno::EINVAL));
        assert_eq!(wish(THREAD | SIGHAND), Err(Errno::EINVAL), "as on Linux");
        let own_files = 0x3d_0f00 & !FILES;
        assert_eq!(wish(own_files), Err(Errno::EINVAL));
    }
}
