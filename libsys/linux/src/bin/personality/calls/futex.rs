//! `futex`: who waits is known to the memory service, which alone can compare and wait in one step.
//!
//! For words that no other process uses it is counted here how many wait, by a few bits of the
//! address: most wakes find nobody, and then nobody is asked. Who waits is counted before its word is
//! compared, so a wake that does not see the count comes before the comparison, which then sees what
//! the waker wrote. A count that stays too high (its waiter was killed, or moved) costs a message.

use super::{Arguments, Result, mem, word};
use crate::machine;
use crate::thread::Thread;
use abi::{Errno, Handle};
use core::sync::atomic::{AtomicU32, Ordering};
use libsys::lease::Loan;
use libsys::request::request;
use libsys::time::{monotonic_ns, realtime_ns};
use personality::futex::{ANY, Command, Kind, command, moves, wakes};
use personality::layout;
use proto::mem::{Mem, Reply, Request};

/// Counts of waiters.
static WAITING: [AtomicU32; 256] = [const { AtomicU32::new(0) }; 256];

fn waiting(address: u64) -> &'static AtomicU32 {
    let mixed = address >> 2 ^ address >> 10;
    &WAITING[mixed as usize % WAITING.len()]
}

/// This is the child of a fork: whoever waited is not here.
pub fn forked() {
    WAITING
        .iter()
        .for_each(|count| count.store(0, Ordering::Relaxed));
}

/// `futex`.
pub fn call(thread: &mut Thread, a: Arguments) -> Result {
    let command = command(word(a[1]))?;
    let (address, value) = (a[0], word(a[2]));
    check(address)?;
    match command.kind {
        Kind::Wait => wait(thread, command, a, ANY),
        Kind::WaitBits => wait(thread, command, a, word(a[5])),
        Kind::Wake => wake(command, address, value, ANY),
        Kind::WakeBits => wake(command, address, value, word(a[5])),
        Kind::Requeue => requeue(command, a, None),
        Kind::CompareRequeue => requeue(command, a, Some(word(a[5]))),
        Kind::Lock => lock(thread, command, a),
        Kind::TryLock => owned(Request::LockOwned {
            address,
            deadline_ns: u64::MAX,
            waits: false,
            shared: command.shared,
        }),
        Kind::Unlock => owned(Request::UnlockOwned {
            address,
            shared: command.shared,
        }),
        Kind::WakeOp => {
            check(a[4])?;
            let wish = Request::FutexWakeOp {
                first: address,
                second: a[4],
                wake_first: wakes(value),
                wake_second: wakes(word(a[3])),
                operation: word(a[5]),
                shared: command.shared,
            };
            count(wish, machine::lend_both(a[4], 4)?)
        }
    }
}

/// `FUTEX_LOCK_PI`: a time is always absolute.
fn lock(thread: &mut Thread, command: Command, a: Arguments) -> Result {
    let deadline_ns = match a[3] {
        0 => u64::MAX,
        time_at => deadline(thread, command, false, time_at)?,
    };
    owned(Request::LockOwned {
        address: a[0],
        deadline_ns,
        waits: true,
        shared: command.shared,
    })
}

/// Asks for something to be done with a lock that names its owner.
fn owned(wish: Request) -> Result {
    let (Request::LockOwned { address, .. } | Request::UnlockOwned { address, .. }) = wish else {
        return Err(Errno::EINVAL);
    };
    let word = machine::lend_both(address, 4)?;
    request::<Mem>(Handle::MEM, &wish, [word, Loan::NONE]).map(|_| 0)
}

fn check(address: u64) -> core::result::Result<(), Errno> {
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    personality::memory::outside(address, 4, Errno::EFAULT)
}

fn count(wish: Request, word: Loan<'_>) -> Result {
    match request::<Mem>(Handle::MEM, &wish, [word, Loan::NONE])? {
        Reply::Count(count) => Ok(count),
        _ => Err(Errno::EPROTO),
    }
}

fn wake(command: Command, address: u64, count: u32, bits: u32) -> Result {
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    if !command.shared && waiting(address).load(Ordering::SeqCst) == 0 {
        return Ok(0);
    }
    mem(Request::FutexWake {
        address,
        count: wakes(count),
        bits,
        shared: command.shared,
    })
}

fn wait(thread: &mut Thread, command: Command, a: Arguments, bits: u32) -> Result {
    let (address, expected) = (a[0], word(a[2]));
    let relative = command.kind == Kind::Wait;
    let deadline_ns = match a[3] {
        0 => u64::MAX,
        time_at => deadline(thread, command, relative, time_at)?,
    };
    let wish = Request::FutexWait {
        address,
        expected,
        bits,
        deadline_ns,
        shared: command.shared,
    };
    let loan = machine::lend_in(address, 4)?;
    let counter = waiting(address);
    counter.fetch_add(1, Ordering::SeqCst);
    let result = request::<Mem>(Handle::MEM, &wish, [loan, Loan::NONE]);
    let _ = counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
        count.checked_sub(1)
    });
    if result == Err(Errno::EINTR) && relative && deadline_ns != u64::MAX {
        thread.keep_deadline(deadline_ns);
    }
    result.map(|_| 0)
}

/// The time at `time_at` as one of `CLOCK_MONOTONIC`.
fn deadline(thread: &mut Thread, command: Command, relative: bool, time_at: u64) -> Result {
    let mut bytes = [0; 16];
    machine::read(time_at, &mut bytes)?;
    let time_ns = layout::timespec_ns(&bytes)?;
    let now_ns = monotonic_ns();
    if relative {
        return Ok(thread.deadline(now_ns, time_ns));
    }
    if command.realtime {
        let left_ns = time_ns.saturating_sub(realtime_ns()?);
        return Ok(now_ns.saturating_add(left_ns));
    }
    Ok(time_ns)
}

fn requeue(command: Command, a: Arguments, expected: Option<u32>) -> Result {
    let (from, to) = (a[0], a[4]);
    check(to)?;
    let (wake, move_) = (moves(word(a[2]))?, moves(word(a[3]))?);
    if !command.shared {
        // Who is moved leaves its count behind, and has one here from now on.
        let counter = waiting(from).load(Ordering::SeqCst);
        waiting(to).fetch_add(counter.min(move_), Ordering::SeqCst);
    }
    let wish = Request::FutexRequeue {
        from,
        to,
        wake,
        move_,
        shared: command.shared,
        expected,
    };
    count(wish, machine::lend_in(from, 4)?)
}
