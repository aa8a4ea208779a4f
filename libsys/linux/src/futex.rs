//! `futex`: what a call asks for.

use abi::Errno;

const PRIVATE: u32 = 128;
const CLOCK_REALTIME: u32 = 256;
/// `FUTEX_LOCK_PI`, and `FUTEX_LOCK_PI2`, for which the caller names the clock.
const LOCK: u32 = 6;
const LOCK_BY_CLOCK: u32 = 13;
/// Bits of a wait or a wake that names none.
pub const ANY: u32 = u32::MAX;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Wait, for a time at most.
    Wait,
    /// Wait with bits, until a time at most.
    WaitBits,
    /// Wake.
    Wake,
    /// Wake those with common bits.
    WakeBits,
    /// Wake some, let others wait for another word.
    Requeue,
    /// The same, if the word has a value.
    CompareRequeue,
    /// Change another word, and wake by what it was.
    WakeOp,
    /// Lock a word that names its owner, until a time at most.
    Lock,
    /// The same, without waiting.
    TryLock,
    /// Unlock such a word.
    Unlock,
}

/// A futex call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// What to do.
    pub kind: Kind,
    /// Whether other processes may use the word, too.
    pub shared: bool,
    /// Whether its time is that of the day.
    pub realtime: bool,
}

/// Reads the second argument.
///
/// # Errors
/// `ENOSYS` for what is not there: moving waiters to locks that name their owners.
pub fn command(op: u32) -> Result<Command, Errno> {
    let kind = match op & !(PRIVATE | CLOCK_REALTIME) {
        0 => Kind::Wait,
        1 => Kind::Wake,
        3 => Kind::Requeue,
        4 => Kind::CompareRequeue,
        5 => Kind::WakeOp,
        LOCK | LOCK_BY_CLOCK => Kind::Lock,
        7 => Kind::Unlock,
        8 => Kind::TryLock,
        9 => Kind::WaitBits,
        10 => Kind::WakeBits,
        _ => return Err(Errno::ENOSYS),
    };
    let code = op & !(PRIVATE | CLOCK_REALTIME);
    let named = op & CLOCK_REALTIME != 0;
    if named && kind != Kind::WaitBits && code != LOCK_BY_CLOCK {
        return Err(Errno::ENOSYS);
    }
    // The first of the two locks knew no other time than that of the day.
    let realtime = named || code == LOCK;
    Ok(Command {
        kind,
        shared: op & PRIVATE == 0,
        realtime,
    })
}

/// How many a wake means: Linux wakes one before it compares.
pub fn wakes(count: u32) -> u32 {
    (count as i32).max(1).unsigned_abs()
}

/// How many a requeue means.
///
/// # Errors
/// `EINVAL` for a negative number.
pub fn moves(count: u32) -> Result<u32, Errno> {
    u32::try_from(count as i32).map_err(|_| Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libraries_ask_for_is_known() {
        let wait = command(PRIVATE | CLOCK_REALTIME | 9).expect("pthread_cond_timedwait");
        assert!(wait.kind == Kind::WaitBits && wait.realtime && !wait.shared);
        let join = command(CLOCK_REALTIME | 9).expect("pthread_join");
        assert!(join.shared);
        assert_eq!(command(PRIVATE | 1).map(|it| it.kind), Ok(Kind::Wake));
    }

    #[test]
    fn what_is_not_there_says_so() {
        for op in [2, 11, 12, 14, 512, CLOCK_REALTIME, CLOCK_REALTIME | 6, 0x7f] {
            assert_eq!(command(op), Err(Errno::ENOSYS), "{op}");
        }
    }

    #[test]
    fn locks_know_their_clocks() {
        let realtime = |op| command(op).map(|it| (it.kind, it.realtime));
        assert_eq!(realtime(PRIVATE | 6), Ok((Kind::Lock, true)));
        assert_eq!(realtime(13), Ok((Kind::Lock, false)));
        assert_eq!(realtime(CLOCK_REALTIME | 13), Ok((Kind::Lock, true)));
        assert_eq!(realtime(7), Ok((Kind::Unlock, false)));
    }

    #[test]
    fn counts_are_signed_as_on_linux() {
        assert_eq!([wakes(0), wakes(1), wakes(u32::MAX)], [1, 1, 1]);
        assert_eq!(wakes(i32::MAX as u32), i32::MAX as u32);
        assert_eq!((moves(0), moves(5)), (Ok(0), Ok(5)));
        assert_eq!(moves(u32::MAX), Err(Errno::EINVAL));
    }
}
