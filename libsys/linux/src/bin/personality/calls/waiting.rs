//! Waiting for several descriptors: `ppoll`, `pselect6`.

use super::signal::{REPLACE, exchange_mask};
use super::{Arguments, Result, vfs, word};
use crate::thread::Thread;
use crate::{machine, signals};
use abi::Errno;
use libsys::lease::Loan;
use libsys::time::monotonic_ns;
use personality::bytes::get_u64;
use personality::select::{self, MOST, POLL_BYTES, Sets};
use personality::{layout, number};
use proto::vfs::Request;

/// The calls of this file.
pub fn call(thread: &mut Thread, number: u64, a: Arguments) -> Option<Result> {
    Some(match number {
        number::PPOLL => poll(thread, a),
        number::PSELECT6 => select(thread, a),
        _ => return None,
    })
}

/// Nanoseconds of the timeout at `address`, `u64::MAX` if there is none.
pub(super) fn timeout(address: u64) -> Result {
    if address == 0 {
        return Ok(u64::MAX);
    }
    let mut bytes = [0; 16];
    machine::read(address, &mut bytes)?;
    layout::timespec_ns(&bytes)
}

/// Leaves what remains of the timeout where it was.
fn remain(address: u64, timeout_ns: u64, start_ns: u64) {
    if address != 0 {
        let spent = monotonic_ns().saturating_sub(start_ns);
        // As on Linux, a place that cannot be written keeps what it had.
        let _ = machine::write(address, &layout::timespec(timeout_ns.saturating_sub(spent)));
    }
}

/// Does `wait` with another mask, if one is named. A signal that comes after the mask is set and
/// before the wait interrupts the wait: the kick is kept until then.
pub(super) fn masked(
    thread: &mut Thread,
    mask_at: u64,
    bytes: u64,
    wait: impl FnOnce() -> Result,
) -> Result {
    if mask_at == 0 {
        return wait();
    }
    if bytes != 8 {
        return Err(Errno::EINVAL);
    }
    let set = machine::word(mask_at)?;
    thread.saved_mask = Some(exchange_mask(REPLACE, set)?);
    let result = wait();
    // The handlers of an interrupted call run before the old mask is back.
    if result != Err(Errno::EINTR) {
        signals::restore_mask(thread);
    }
    result
}

fn poll(thread: &mut Thread, a: Arguments) -> Result {
    const DESCRIPTORS: u64 = 1 << 16;
    let (list, count, time_at) = (a[0], a[1] & 0xffff_ffff, a[2]);
    if count > DESCRIPTORS {
        return Err(Errno::EINVAL);
    }
    let (timeout_ns, start_ns) = (timeout(time_at)?, monotonic_ns());
    let loan = machine::lend_both(list, count as usize * POLL_BYTES)?;
    let result = masked(thread, a[3], a[4], || {
        vfs(Request::Poll { timeout_ns }, [loan, Loan::NONE])
    });
    remain(time_at, timeout_ns, start_ns);
    result
}

fn select(thread: &mut Thread, a: Arguments) -> Result {
    let (count, time_at) = (word(a[0]) as i32, a[4]);
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?.min(MOST);
    let bytes = count.div_ceil(64) * 8;
    let mut sets: Sets = [[0; MOST / 8]; 3];
    for (set, &address) in sets.iter_mut().zip(&a[1..4]) {
        if address != 0 {
            machine::read(address, set.get_mut(..bytes).unwrap_or_default())?;
        }
    }
    let (timeout_ns, start_ns) = (timeout(time_at)?, monotonic_ns());
    let mut mask = [0; 16];
    if a[5] != 0 {
        machine::read(a[5], &mut mask)?;
    }
    let mut list = select::to_poll(&sets, count);
    let wait = || {
        vfs(
            Request::Poll { timeout_ns },
            [Loan::both(&mut list), Loan::NONE],
        )
    };
    let result = masked(thread, get_u64(&mask, 0), get_u64(&mask, 8), wait);
    remain(time_at, timeout_ns, start_ns);
    result?;
    let (ready, found) = select::from_poll(&list, &sets)?;
    for (set, &address) in ready.iter().zip(&a[1..4]) {
        if address != 0 {
            machine::write(address, set.get(..bytes).unwrap_or_default())?;
        }
    }
    Ok(found)
}
