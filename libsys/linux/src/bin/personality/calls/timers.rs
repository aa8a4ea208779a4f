//! Timers of `timer_create`.

use super::{Arguments, Result, proc, proc_number, word};
use crate::machine;
use abi::Errno;
use core::sync::atomic::{AtomicU64, Ordering};
use libsys::time::{monotonic_ns, realtime_ns};
use personality::bytes::{get_u32, get_u64};
use personality::clock::cpu_clock;
use personality::{layout, number};
use proto::proc::{Reply, Request};

/// Bytes of a `struct sigevent`.
const EVENT_BYTES: usize = 64;
const TIMER_ABSTIME: u32 = 1;
/// Bit per timer: its clock is that of the day.
static REALTIME: AtomicU64 = AtomicU64::new(0);

/// The calls of this file.
pub fn call(number: u64, a: Arguments) -> Option<Result> {
    let timer = word(a[0]);
    Some(match number {
        number::TIMER_CREATE => create(word(a[0]), a[1], a[2]),
        number::TIMER_SETTIME => set(timer, word(a[1]), a[2], a[3]),
        number::TIMER_GETTIME => setting(Request::TimerGet { timer }, a[1]),
        number::TIMER_GETOVERRUN => proc_number(Request::TimerOverrun { timer }),
        number::TIMER_DELETE => proc_number(Request::TimerDelete { timer }),
        _ => return None,
    })
}

fn create(clock: u32, event_at: u64, timer_at: u64) -> Result {
    const DEFAULT: u32 = 3;
    let processor = cpu_clock(clock);
    let realtime = match clock {
        0 | 11 => true,
        1 | 7 => false,
        4..=6 => return Err(Errno::EOPNOTSUPP),
        _ if processor.is_some() => false,
        _ => return Err(Errno::EINVAL),
    };
    let (mut how, mut signal, mut value, mut tid) = (DEFAULT, 0, 0, 0);
    if event_at != 0 {
        let mut event = [0; EVENT_BYTES];
        machine::read(event_at, &mut event)?;
        // A library that makes threads of it sees to that itself (SIGEV_THREAD).
        how = match get_u32(&event, 12) {
            2 => 0,
            DEFAULT => return Err(Errno::EINVAL),
            how => how,
        };
        (signal, value) = (get_u32(&event, 8), get_u64(&event, 0));
        tid = get_u32(&event, 16) as i32;
    }
    let timer = proc_number(match processor {
        None => Request::TimerCreate {
            how,
            signal,
            value,
            tid,
        },
        Some(clock) => Request::CpuTimerCreate {
            clock,
            how,
            signal,
            value,
            tid,
        },
    })?;
    let bit = 1u64.checked_shl(timer as u32).unwrap_or(0);
    if realtime {
        REALTIME.fetch_or(bit, Ordering::Relaxed);
    } else {
        REALTIME.fetch_and(!bit, Ordering::Relaxed);
    }
    machine::write(timer_at, &(timer as u32).to_le_bytes())
        .map(|()| 0)
        .inspect_err(|_| {
            let timer = timer as u32;
            let _ = proc(Request::TimerDelete { timer });
        })
}

fn set(timer: u32, flags: u32, new_at: u64, old_at: u64) -> Result {
    let mut bytes = [0; 32];
    if new_at == 0 {
        return Err(Errno::EINVAL);
    }
    machine::read(new_at, &mut bytes)?;
    let (first_ns, interval_ns) = layout::itimerspec_ns(&bytes)?;
    let absolute = flags & TIMER_ABSTIME != 0;
    let of_day = REALTIME.load(Ordering::Relaxed) >> (timer & 63) & 1 != 0;
    let first_ns = match first_ns {
        0 => 0,
        time if absolute && of_day => {
            let left_ns = time.saturating_sub(realtime_ns()?);
            monotonic_ns().saturating_add(left_ns)
        }
        time => time,
    };
    let wish = Request::TimerSet {
        timer,
        first_ns,
        absolute,
        interval_ns,
    };
    setting(wish, old_at)
}

fn setting(wish: Request, old_at: u64) -> Result {
    let Reply::Timer {
        value_ns,
        interval_ns,
    } = proc(wish)?
    else {
        return Err(Errno::EPROTO);
    };
    if old_at != 0 {
        machine::write(old_at, &layout::itimerspec(value_ns, interval_ns))?;
    }
    Ok(0)
}
