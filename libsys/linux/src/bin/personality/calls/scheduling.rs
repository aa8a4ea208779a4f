//! How threads are scheduled: `sched_*`, `setpriority`, `ioprio_*`.

use super::{Arguments, Result, proc, proc_number, word};
use crate::machine;
use abi::Errno;
use personality::bytes::{get_u32, get_u64, put_u32, put_u64};
use personality::number;
use proto::proc::{Reply, Request, Whose};

/// Bytes of a set of one processor.
const SET_BYTES: u64 = 8;
/// Bytes of the first and of the newest `struct sched_attr`.
const FIRST_BYTES: usize = 48;
const NEWEST_BYTES: usize = 56;
/// Flag of a policy's number (`SCHED_RESET_ON_FORK`), and the same in a `struct sched_attr`.
const RESET: u32 = 0x4000_0000;
const FLAG_RESET: u64 = 1;
const FLAG_KEEP_POLICY: u64 = 8;
const FLAG_KEEP_PARAMETERS: u64 = 0x10;
/// A time slice.
const SLICE_NS: u64 = 10_000_000;

/// The calls of this file.
pub fn call(number: u64, a: Arguments) -> Option<Result> {
    let tid = a[0] as i32;
    Some(match number {
        number::SCHED_SETSCHEDULER if (a[1] as i32) < 0 => Err(Errno::EINVAL),
        number::SCHED_SETSCHEDULER => set(tid, Some(word(a[1])), a[2]),
        number::SCHED_SETPARAM => set(tid, None, a[1]),
        number::SCHED_GETSCHEDULER => asked(tid).map(Now::number),
        number::SCHED_GETPARAM if a[1] == 0 => Err(Errno::EINVAL),
        number::SCHED_GETPARAM => asked(tid)
            .and_then(|_| machine::write(a[1], &[0; 4]))
            .map(|()| 0),
        number::SCHED_SETATTR => set_attributes(a),
        number::SCHED_GETATTR => attributes(a),
        number::SCHED_SETAFFINITY => set_affinity(a),
        number::SCHED_GETAFFINITY => affinity(a),
        number::SCHED_GET_PRIORITY_MAX => range(a[0], 99),
        number::SCHED_GET_PRIORITY_MIN => range(a[0], 1),
        number::SCHED_RR_GET_INTERVAL => asked(tid)
            .and_then(|_| machine::write(a[1], &personality::layout::timespec(SLICE_NS)))
            .map(|()| 0),
        number::GETPRIORITY => whose(a[0], 0).and_then(|whose| {
            let who = a[1] as i32;
            proc_number(Request::NiceOf { whose, who })
        }),
        number::SETPRIORITY => whose(a[0], 0).and_then(|whose| {
            let (who, nice) = (a[1] as i32, a[2] as i32);
            proc_number(Request::SetNice { whose, who, nice }).map(|_| 0)
        }),
        number::IOPRIO_GET => whose(a[0], 1).and_then(|whose| {
            let who = a[1] as i32;
            proc_number(Request::TransferPriority { whose, who })
        }),
        number::IOPRIO_SET => whose(a[0], 1).and_then(|whose| {
            proc_number(Request::SetTransferPriority {
                whose,
                who: a[1] as i32,
                priority: word(a[2]),
            })
        }),
        _ => return None,
    })
}

/// Whose priority: the numbers are one apart in `setpriority` and `ioprio_set`.
fn whose(number: u64, first: u32) -> core::result::Result<Whose, Errno> {
    match word(number).checked_sub(first) {
        Some(0) => Ok(Whose::Process),
        Some(1) => Ok(Whose::Group),
        Some(2) => Ok(Whose::User),
        _ => Err(Errno::EINVAL),
    }
}

/// The highest or lowest real-time priority of a policy, and 0 for those that have none.
fn range(policy: u64, of_real_time: u64) -> Result {
    match word(policy) {
        1 | 2 => Ok(of_real_time),
        0 | 3 | 5 | 6 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// How a thread is scheduled.
struct Now {
    policy: u32,
    reset: bool,
    nice: i32,
}

impl Now {
    fn number(self) -> u64 {
        (self.policy | if self.reset { RESET } else { 0 }).into()
    }
}

fn asked(tid: i32) -> core::result::Result<Now, Errno> {
    if tid < 0 {
        return Err(Errno::EINVAL);
    }
    match proc(Request::Scheduling { tid })? {
        Reply::Scheduling {
            policy,
            reset_on_fork,
            nice,
        } => Ok(Now {
            policy,
            reset: reset_on_fork,
            nice,
        }),
        _ => Err(Errno::EPROTO),
    }
}

/// `sched_setscheduler`, and `sched_setparam` (without a policy).
fn set(tid: i32, policy: Option<u32>, parameter_at: u64) -> Result {
    if tid < 0 || parameter_at == 0 {
        return Err(Errno::EINVAL);
    }
    let mut priority = [0; 4];
    machine::read(parameter_at, &mut priority)?;
    let now = asked(tid)?;
    let number = policy.unwrap_or(now.policy | if now.reset { RESET } else { 0 });
    proc_number(Request::SetScheduling {
        tid,
        policy: number & !RESET,
        priority: i32::from_le_bytes(priority),
        reset_on_fork: number & RESET != 0,
        change_nice: false,
        nice: 0,
    })
}

/// `sched_setattr`: a structure that says how long it is; what is longer than known must be 0 there.
fn set_attributes(a: Arguments) -> Result {
    let (tid, at, flags) = (a[0] as i32, a[1], word(a[2]));
    if tid < 0 || at == 0 || flags != 0 {
        return Err(Errno::EINVAL);
    }
    let bytes = read_attributes(at)?;
    let (policy, flags, nice) = (
        get_u32(&bytes, 4),
        get_u64(&bytes, 8),
        get_u32(&bytes, 16) as i32,
    );
    const KNOWN: u64 = FLAG_RESET | FLAG_KEEP_POLICY | FLAG_KEEP_PARAMETERS;
    if (policy as i32) < 0 || flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let now = asked(tid)?;
    let keeps = flags & FLAG_KEEP_PARAMETERS != 0;
    let policy = match flags & FLAG_KEEP_POLICY {
        0 => policy,
        _ => now.policy,
    };
    proc_number(Request::SetScheduling {
        tid,
        policy,
        priority: if keeps { 0 } else { get_u32(&bytes, 20) as i32 },
        reset_on_fork: flags & FLAG_RESET != 0,
        change_nice: !keeps && policy != 5,
        nice,
    })
}

fn read_attributes(at: u64) -> core::result::Result<[u8; NEWEST_BYTES], Errno> {
    let mut size = [0; 4];
    machine::read(at, &mut size)?;
    let size = match u32::from_le_bytes(size) as usize {
        0 => FIRST_BYTES,
        size => size,
    };
    let mut bytes = [0; NEWEST_BYTES];
    let too_big = || {
        // How much is known; who calls may try again.
        let known = (NEWEST_BYTES as u32).to_le_bytes();
        machine::write(at, &known).err().unwrap_or(Errno::E2BIG)
    };
    if size < FIRST_BYTES || size as u64 > abi::PAGE_BYTES {
        return Err(too_big());
    }
    let known = bytes.get_mut(..size.min(NEWEST_BYTES)).unwrap_or_default();
    machine::read(at, known)?;
    for offset in NEWEST_BYTES..size {
        let mut byte = [0];
        machine::read(at.wrapping_add(offset as u64), &mut byte)?;
        if byte != [0] {
            return Err(too_big());
        }
    }
    Ok(bytes)
}

fn attributes(a: Arguments) -> Result {
    let (tid, at, size, flags) = (a[0] as i32, a[1], word(a[2]) as usize, word(a[3]));
    if tid < 0 || at == 0 || flags != 0 || size < FIRST_BYTES || size as u64 > abi::PAGE_BYTES {
        return Err(Errno::EINVAL);
    }
    let now = asked(tid)?;
    let mut bytes = [0; NEWEST_BYTES];
    let known = size.min(NEWEST_BYTES);
    put_u32(&mut bytes, 0, known as u32);
    put_u32(&mut bytes, 4, now.policy);
    put_u64(&mut bytes, 8, if now.reset { FLAG_RESET } else { 0 });
    put_u32(&mut bytes, 16, now.nice as u32);
    // Threads are clamped between these shares of the processor, which is not at all.
    put_u32(&mut bytes, 52, 1024);
    machine::write(at, bytes.get(..known).unwrap_or_default()).map(|()| 0)
}

/// There is one processor, which a set must have.
fn set_affinity(a: Arguments) -> Result {
    let mut set = [0; SET_BYTES as usize];
    let bytes = a[1].min(SET_BYTES) as usize;
    let part = set.get_mut(..bytes).unwrap_or_default();
    machine::read(a[2], part)?;
    let tid = a[0] as i32;
    if tid < 0 {
        return Err(Errno::ESRCH);
    }
    proc_number(Request::CheckScheduling { tid })?;
    match set[0] & 1 {
        0 => Err(Errno::EINVAL),
        _ => Ok(0),
    }
}

fn affinity(a: Arguments) -> Result {
    if a[1] < SET_BYTES || !a[1].is_multiple_of(SET_BYTES) {
        return Err(Errno::EINVAL);
    }
    let tid = a[0] as i32;
    if tid < 0 {
        return Err(Errno::ESRCH);
    }
    asked(tid)?;
    machine::write(a[2], &1u64.to_le_bytes()).map(|()| SET_BYTES)
}
