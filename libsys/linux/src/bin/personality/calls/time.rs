//! Clocks, sleeping, interval timers.

use super::{Arguments, Result, proc, proc_number, word};
use crate::thread::Thread;
use crate::{machine, vdso};
use abi::Errno;
use libsys::time::{epoch_ns, monotonic_ns, realtime_ns, set_realtime_ns};
use personality::bytes::{get_u32, put};
use personality::clock::cpu_clock;
use personality::{layout, number};
use proto::proc::{CpuClock, Reply, Request};

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
        number::SETTIMEOFDAY => set_time_of_day(a),
        number::ADJTIMEX => adjustment(a[0]),
        number::CLOCK_ADJTIME => match word(a[0]) {
            REALTIME => adjustment(a[1]),
            id => clock(id).and(Err(Errno::EOPNOTSUPP)),
        },
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
        id => {
            let clock = cpu_clock(id).ok_or(Errno::EINVAL)?;
            proc_number(Request::CpuTime { clock })
        }
    }
}

/// The wall clock, which from now on the image of clocks can tell itself.
fn real_time() -> Result {
    vdso::know_epoch(epoch_ns()?);
    realtime_ns()
}

fn resolution(a: Arguments) -> Result {
    let id = word(a[0]);
    clock(id)?;
    if a[1] != 0 {
        let tick = match cpu_clock(id) {
            Some(_) => 1,
            None => 1_000_000_000 / libsys::arch::counter_hz().max(1),
        };
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
        // A clock of processor time that was asked for by number: nobody may set it.
        id if id > i32::MAX as u32 => clock(id).and(Err(Errno::EPERM)),
        _ => Err(Errno::EINVAL),
    }
}

/// Sleeps until a clock of processor time shows a time.
fn sleep_processor(
    thread: &mut Thread,
    (clock, now): (CpuClock, u64),
    (wish, flags): (u64, u32),
    left_at: u64,
) -> Result {
    // Who waits for the own clock waits for ever.
    let own = thread.tid()?;
    if let CpuClock::Thread { tid } = clock
        && (tid == 0 || tid == own)
    {
        return Err(Errno::EINVAL);
    }
    if flags & TIMER_ABSTIME != 0 {
        let until_ns = wish;
        return proc_number(Request::CpuSleep { clock, until_ns });
    }
    let until_ns = thread.deadline(now, wish);
    let result = proc_number(Request::CpuSleep { clock, until_ns });
    if result == Err(Errno::EINTR) {
        thread.keep_deadline(until_ns);
        if left_at != 0 {
            let now = proc_number(Request::CpuTime { clock })?;
            let left = until_ns.saturating_sub(now);
            machine::write(left_at, &layout::timespec(left))?;
        }
    }
    result
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

/// `settimeofday`. A time zone is taken and of no use, as on Linux.
fn set_time_of_day(a: Arguments) -> Result {
    let mut bytes = [0; 16];
    if a[1] != 0 {
        machine::read(a[1], &mut [0; 8])?;
    }
    if a[0] == 0 {
        return match proc_number(Request::Privileged { pid: 0 })? {
            0 => Err(Errno::EPERM),
            _ => Ok(0),
        };
    }
    machine::read(a[0], &mut bytes)?;
    set_realtime_ns(layout::timeval_ns(&bytes)?)?;
    real_time().map(|_| 0)
}

/// `adjtimex`: nothing disciplines this clock, and nobody may.
fn adjustment(address: u64) -> Result {
    /// Asks what is left of a slow correction: nothing ever is.
    const ASK_CORRECTION: u32 = 0xa001;
    const ERROR: u64 = 5;
    let mut bytes = [0; layout::ADJUSTMENT_BYTES];
    machine::read(address, &mut bytes)?;
    match get_u32(&bytes, 0) {
        0 | ASK_CORRECTION => {}
        _ => return Err(Errno::EPERM),
    }
    layout::adjustment(&mut bytes, real_time()?);
    machine::write(address, &bytes).map(|()| ERROR)
}

fn sleep(thread: &mut Thread, (id, flags): (u32, u32), time_at: u64, left_at: u64) -> Result {
    // The thread's own clock, the raw and the coarse ones are not for waiting.
    if let 3..=6 = id {
        return Err(Errno::EOPNOTSUPP);
    }
    let now = clock(id)?;
    let wish = read_time(time_at)?;
    if flags & !TIMER_ABSTIME != 0 {
        return Err(Errno::EINVAL);
    }
    if let Some(clock) = cpu_clock(id) {
        return sleep_processor(thread, (clock, now), (wish, flags), left_at);
    }
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
