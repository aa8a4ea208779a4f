//! Memory that `mem` mapped here, as slices: the only unsafe code of this server.

use crate::memory::Objects;
use core::sync::atomic::{Ordering, fence};
use proto::Pid;
use proto::publish::{ADDRESS, CAPACITY, Entry, slot};
use vfs::ports::Window;

/// First byte and length of a piece of a window, cut off at the window's end.
fn piece(window: Window, offset: u64, bytes: usize) -> (*mut u8, usize) {
    let left = window.bytes.saturating_sub(offset);
    let start = window.address + offset.min(window.bytes);
    (start as *mut u8, left.min(bytes as u64) as usize)
}

/// Bytes of a window, while the port that owns all windows is borrowed.
#[inline(always)]
pub(crate) fn bytes(_owner: &Objects, window: Window, offset: u64, bytes: usize) -> &[u8] {
    let (start, length) = piece(window, offset, bytes);
    // SAFETY: the library makes no windows: this one came from `mem`, which mapped all of it, and
    // stays until the library gives it up; `piece` is inside it. Programs that mapped the same file
    // may change the bytes meanwhile: they are only copied, and any bytes are valid.
    unsafe { core::slice::from_raw_parts(start, length) }
}

/// Bytes of a window, to be changed, while the port that owns all windows is borrowed.
#[inline(always)]
pub(crate) fn bytes_mut(
    _owner: &mut Objects,
    window: Window,
    offset: u64,
    bytes: usize,
) -> &mut [u8] {
    let (start, length) = piece(window, offset, bytes);
    // SAFETY: as in `bytes`. Only windows of objects that the library made are asked for, which are
    // mapped writable, and the borrow of the port keeps the library from having a second slice.
    unsafe { core::slice::from_raw_parts_mut(start, length) }
}

/// The entry of a process in the published table, which must be mapped.
pub(crate) fn entry(pid: Pid) -> Option<Entry> {
    let place = (ADDRESS as *const Entry).wrapping_add(slot(pid));
    // SAFETY: the table of `CAPACITY` entries is mapped at `ADDRESS` with all its pages, for good,
    // and `slot` is below `CAPACITY`. Any bytes are a valid entry; `proc` may write meanwhile, so
    // nothing is assumed between two reads.
    let entry = unsafe { place.read_volatile() };
    fence(Ordering::Acquire);
    Some(entry).filter(|entry| entry.pid == pid.0 && pid.0 != 0)
}

/// The lowest pid above `after` in the published table, which must be mapped.
pub(crate) fn next_pid(after: Pid) -> Option<Pid> {
    let pids = (0..CAPACITY).map(|slot| {
        let place = (ADDRESS as *const Entry).wrapping_add(slot);
        // SAFETY: as in `entry`; only a field's address is made.
        let pid = unsafe { &raw const (*place).pid };
        // SAFETY: as in `entry`; the field of an aligned entry is aligned.
        Pid(unsafe { pid.read_volatile() })
    });
    pids.filter(|&pid| pid > after).min()
}
