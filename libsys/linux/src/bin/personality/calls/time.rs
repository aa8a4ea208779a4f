//! Clocks, sleeping, interval timers.

use super::{Arguments, Result, proc, proc_number, word};
use crate::thread::Thread;
use crate::{machine, vdso};
use abi::Errno;
use libsys::time::{epoch_ns, monotonic_ns, realtime_ns, set_realtime_ns};
use personality::bytes::put;
use personality::{layout, number};
use proto::proc::{Reply, Request};

const REALTIME: u32 = 0;
const TIMER_ABSTIME: u32 = 1;

/// The calls of this file.
pub fn call(thread: &mut Thread, number: u64, a: Arguments) -> Option<Result> {
    Some(match number {
        number::CLOCK_GETTIME => {
            clock(word(a[0])).and_then(|ns| machine::write(a[1], &layout::timespec(ns)).map(|()| 0))
        }
        number::CLOCK_GETRES => resolution(a),
        number::CLOCK_SETTIME => set(a),
        number::GETTIMEOFDAY => time_of_day(a),
        number::NANOSLEEP => sleep(thread, (1, 0), a[0], a[1]),
        number::CLOCK_NANOSLEEP => sleep(thread, (word(a[0]), word(a[1])), a[2], a[3]),
        number::GETITIMER => timer(Request::GetTimer { which: word(a[0]) }, a[1]),
        number::SETITIMER => set_timer(a),
        _ => return None,
    })
}

/// Nanoseconds of a clock.
fn clock(id: u32) -> Result {
    match id {
        // CLOCK_REALTIME, _COARSE, CLOCK_TAI (its offset is not known, as on a fresh Linux)
        REALTIME | 5 | 11 => real_time(),
        // CLOCK_MONOTONIC, _RAW, _COARSE, CLOCK_BOOTTIME: the machine is never suspended
        1 | 4 | 6 | 7 => Ok(monotonic_ns()),
        // The process's and the thread's processor time
        2 | 3 => match proc(Request::Times { who: id as i32 - 2 })? {
            Reply::Times {
                user_ns, system_ns, ..
            } => Ok(user_ns + system_ns),
            _ => Err(Errno::EPROTO),
        },
        _ => Err(Errno::EINVAL),
    }
}

/// The wall clock, which from now on the image of clocks can tell itself.
fn real_time() -> Result {
    vdso::know_epoch(epoch_ns()?);
    realtime_ns()
}

fn resolution(a: Arguments) -> Result {
    clock(word(a[0]))?;
    if a[1] != 0 {
        let tick = 1_000_000_000 / libsys::arch::counter_hz().max(1);
        machine::write(a[1], &layout::timespec(tick.max(1)))?;
    }
    Ok(0)
}

fn read_time(address: u64) -> Result {
    let mut bytes = [0; 16];
    machine::read(address, &mut bytes)?;
    layout::timespec_ns(&bytes)
}

fn set(a: Arguments) -> Result {
    let now = read_time(a[1])?;
    match word(a[0]) {
        REALTIME => {
            set_realtime_ns(now)?;
            real_time().map(|_| 0)
        }
        _ => Err(Errno::EINVAL),
    }
}

fn time_of_day(a: Arguments) -> Result {
    if a[0] != 0 {
        machine::write(a[0], &layout::timeval(real_time()?))?;
    }
    if a[1] != 0 {
        machine::write(a[1], &[0; 8])?;
    }
    Ok(0)
}

fn sleep(thread: &mut Thread, (id, flags): (u32, u32), time_at: u64, left_at: u64) -> Result {
    let wish = read_time(time_at)?;
    if flags & !TIMER_ABSTIME != 0 {
        return Err(Errno::EINVAL);
    }
    let now = match id {
        2 => return Err(Errno::ENOSYS),
        3 => return Err(Errno::EINVAL),
        id => clock(id)?,
    };
    if flags & TIMER_ABSTIME != 0 {
        let deadline_ns = monotonic_ns().saturating_add(wish.saturating_sub(now));
        return proc_number(Request::Sleep { deadline_ns });
    }
    let deadline_ns = thread.deadline(monotonic_ns(), wish);
    let result = proc_number(Request::Sleep { deadline_ns });
    if result == Err(Errno::EINTR) {
        thread.keep_deadline(deadline_ns);
        if left_at != 0 {
            let left = deadline_ns.saturating_sub(monotonic_ns());
            machine::write(left_at, &layout::timespec(left))?;
        }
    }
    result
}

fn timer(request: Request, old_at: u64) -> Result {
    let Reply::Timer {
        value_ns,
        interval_ns,
    } = proc(request)?
    else {
        return Err(Errno::EPROTO);
    };
    if old_at != 0 {
        let mut bytes = [0; 32];
        put(&mut bytes, 0, &layout::timeval(interval_ns));
        put(&mut bytes, 16, &layout::timeval(value_ns));
        machine::write(old_at, &bytes)?;
    }
    Ok(0)
}

fn set_timer(a: Arguments) -> Result {
    let mut bytes = [0; 32];
    if a[1] != 0 {
        machine::read(a[1], &mut bytes)?;
    }
    let (interval, value) = bytes.split_at(16);
    let request = Request::SetTimer {
        which: word(a[0]),
        value_ns: layout::timeval_ns(value)?,
        interval_ns: layout::timeval_ns(interval)?,
    };
    timer(request, a[2])
}
