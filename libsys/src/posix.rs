//! How a program's call waits: requests that signals can interrupt, and when they are repeated.

use crate::lease::Loan;
use crate::request;
use crate::signal::{Before, Interruption};
use abi::{Errno, Handle};
use proto::Protocol;

/// What a service is accused of when its reply is of the wrong kind.
#[cold]
pub(crate) fn unexpected() -> Errno {
    Errno::EPROTO
}

/// Whether a call that ended with `errno` shall be repeated, as POSIX's `SA_RESTART` has it.
#[cold]
fn repeats_restartable(before: Before, errno: Errno) -> bool {
    errno == Errno::EINTR && before.interruption() != Interruption::Handler
}

/// Whether a call that is never restarted shall be repeated: only if no handler ran at all.
#[cold]
fn repeats_interruptible(before: Before, errno: Errno) -> bool {
    errno == Errno::EINTR && before.interruption() == Interruption::Nothing
}

/// Does `call`, and again if it was interrupted by nothing, or only by handlers with `SA_RESTART`.
#[inline(always)]
pub(crate) fn restarting<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let before = Before::now();
    loop {
        match call() {
            Err(errno) if repeats_restartable(before, errno) => {}
            result => return result,
        }
    }
}

/// Does `call`, and again if it was interrupted, but by no handler. For the calls that `SA_RESTART`
/// never restarts: sleeping, polling, semaphores, queues, waiting for signals.
#[inline(always)]
pub(crate) fn interruptible<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let before = Before::now();
    loop {
        match call() {
            Err(errno) if repeats_interruptible(before, errno) => {}
            result => return result,
        }
    }
}

// The two below repeat the loops above instead of using them: a closure is compiled as a function of
// its own, in which the request's kind is no longer known, so that encoding it costs a jump table.

/// One request, [`restarting`].
#[inline(always)]
pub(crate) fn ask<P: Protocol>(
    server: Handle,
    request: &P::Request,
    loans: [Loan<'_>; 2],
) -> Result<P::Reply, Errno> {
    let before = Before::now();
    loop {
        match request::request::<P>(server, request, loans) {
            Err(errno) if repeats_restartable(before, errno) => {}
            result => return result,
        }
    }
}

/// One request, [`interruptible`].
#[inline(always)]
pub(crate) fn ask_interruptible<P: Protocol>(
    server: Handle,
    request: &P::Request,
    loans: [Loan<'_>; 2],
) -> Result<P::Reply, Errno> {
    let before = Before::now();
    loop {
        match request::request::<P>(server, request, loans) {
            Err(errno) if repeats_interruptible(before, errno) => {}
            result => return result,
        }
    }
}
