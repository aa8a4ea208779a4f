//! Sleeping, and timers that send a signal.

use super::proc;
use crate::clock;
use crate::lease::Loan;
use crate::posix::{ask_interruptible, unexpected};
use abi::{Errno, Handle};
use proto::proc::{Proc, Reply, Request};

/// Sleeps until [`clock::now_ns`] is `deadline_ns`.
///
/// # Errors
/// `EINTR` after a handler ran.
pub fn sleep_until(deadline_ns: u64) -> Result<(), Errno> {
    ask_interruptible::<Proc>(
        Handle::PROC,
        &Request::Sleep { deadline_ns },
        [Loan::NONE; 2],
    )
    .map(drop)
}

/// Sleeps; if a handler ran, the nanoseconds that remained are the error.
///
/// # Errors
/// The time that remained.
pub fn nanosleep(ns: u64) -> Result<(), u64> {
    let deadline = clock::now_ns().saturating_add(ns);
    sleep_until(deadline).map_err(|_| deadline.saturating_sub(clock::now_ns()))
}

/// Sleeps for seconds; returns those that remained when a handler ran.
pub fn sleep(seconds: u32) -> u32 {
    match nanosleep(u64::from(seconds) * 1_000_000_000) {
        Ok(()) => 0,
        Err(left_ns) => left_ns.div_ceil(1_000_000_000) as u32,
    }
}

/// Which timer [`set_timer`] sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Real time; `SIGALRM`.
    Real = 0,
    /// Own CPU time; `SIGVTALRM`.
    Virtual = 1,
    /// CPU time, the system's for it included; `SIGPROF`.
    Profile = 2,
}

#[inline(always)]
fn timer(request: &Request) -> Result<(u64, u64), Errno> {
    match proc(request)? {
        Reply::Timer {
            value_ns,
            interval_ns,
        } => Ok((value_ns, interval_ns)),
        _ => Err(unexpected()),
    }
}

/// Sets a timer (0 stops it) and the interval at which it repeats; returns the old two.
///
/// # Errors
/// `EINVAL`.
pub fn set_timer(which: Timer, value_ns: u64, interval_ns: u64) -> Result<(u64, u64), Errno> {
    timer(&Request::SetTimer {
        which: which as u32,
        value_ns,
        interval_ns,
    })
}

/// Time left on a timer, and its interval.
///
/// # Errors
/// `EINVAL`.
pub fn get_timer(which: Timer) -> Result<(u64, u64), Errno> {
    timer(&Request::GetTimer {
        which: which as u32,
    })
}

/// Has `SIGALRM` sent after `seconds` (0: not at all); returns the seconds that were left.
pub fn alarm(seconds: u32) -> u32 {
    let old = set_timer(Timer::Real, u64::from(seconds) * 1_000_000_000, 0);
    old.map_or(0, |(left_ns, _)| left_ns.div_ceil(1_000_000_000) as u32)
}

pub use crate::signal::{kill, pause, raise};
