//! What becomes of a call that a signal interrupted.

use crate::number;

/// `SA_RESTART` of a handler's flags.
const SA_RESTART: u32 = 0x1000_0000;

/// How a call behaves when a signal interrupts it (Linux: `ERESTARTSYS` and its kin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It is repeated if no handler ran, or the handler has `SA_RESTART`.
    AsTheHandlerSays,
    /// It is repeated only if no handler ran.
    WithoutHandler,
    /// It is repeated, whatever runs meanwhile.
    Always,
}

impl Restart {
    /// Whether the call is repeated when a handler with `flags` runs first.
    pub fn after_handler(self, flags: u32) -> bool {
        match self {
            Restart::AsTheHandlerSays => flags & SA_RESTART != 0,
            Restart::WithoutHandler => false,
            Restart::Always => true,
        }
    }
}

/// How the call with this number and these arguments behaves. Calls that never wait are never
/// interrupted.
pub fn of(number: u64, arguments: &[u64; 6]) -> Restart {
    match number {
        // Locks: nobody expects that these are interrupted.
        number::FUTEX if matches!(arguments[1] & 0x7f, 6 | 13) => Restart::Always,
        // With a time it is repeated only where the rest of the time is known: without a handler.
        number::FUTEX if arguments[3] != 0 => Restart::WithoutHandler,
        number::NANOSLEEP
        | number::CLOCK_NANOSLEEP
        | number::PPOLL
        | number::EPOLL_PWAIT
        | number::EPOLL_PWAIT2
        | number::PSELECT6
        | number::RT_SIGSUSPEND
        | number::RT_SIGTIMEDWAIT
        | number::MSGSND
        | number::MSGRCV
        | number::SEMOP
        | number::SEMTIMEDOP => Restart::WithoutHandler,
        _ => Restart::AsTheHandlerSays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_restarting_handler_repeats_and_only_what_may_be() {
        assert!(Restart::AsTheHandlerSays.after_handler(SA_RESTART));
        assert!(!Restart::AsTheHandlerSays.after_handler(0));
        assert!(!Restart::WithoutHandler.after_handler(SA_RESTART));
        let futex = |time| of(number::FUTEX, &[0, 0, 0, time, 0, 0]);
        assert_eq!(futex(0), Restart::AsTheHandlerSays);
        assert_eq!(futex(0x1000), Restart::WithoutHandler);
        let lock = of(number::FUTEX, &[0, 0x86, 0, 0x1000, 0, 0]);
        assert!(lock.after_handler(0));
    }
}
