//! Memory that `mem` mapped here, as slices: the only unsafe code of this server.

use super::memory::Objects;
use core::sync::atomic::{Ordering, fence};
use proto::Pid;
use proto::publish::{ADDRESS, CAPACITY, Entry, GROUPS, slot};
use vfs::permission::Identity;
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

/// The slot of a process in the published table.
fn place(pid: Pid) -> *const Entry {
    (ADDRESS as *const Entry).wrapping_add(slot(pid))
}

/// Reads one field of an entry in the published table, which must be mapped.
macro_rules! field {
    ($place:expr, $field:ident) => {{
        // SAFETY: the table of `CAPACITY` entries is mapped at `ADDRESS` with all its pages, for
        // good, and slots are below `CAPACITY`; only a field's address is made.
        let field = unsafe { &raw const (*$place).$field };
        // SAFETY: as above; a field of an aligned entry is aligned, and any bytes are a valid
        // number. `proc` may write meanwhile, so nothing is assumed between two reads.
        unsafe { field.read_volatile() }
    }};
}

/// Whether the slot of a process in the published table, which must be mapped, is its own.
#[inline(always)]
fn is_published(place: *const Entry, pid: Pid) -> bool {
    let is_its_own = pid.0 != 0 && field!(place, pid) == pid.0;
    fence(Ordering::Acquire);
    is_its_own
}

/// The entry of a process in the published table, which must be mapped.
pub(crate) fn entry(pid: Pid) -> Option<Entry> {
    let place = place(pid);
    if !is_published(place, pid) {
        return None;
    }
    // SAFETY: as in `field!`, for the whole entry.
    Some(unsafe { place.read_volatile() })
}

/// The part of an entry that most requests need.
#[inline(always)]
pub(crate) fn identity(pid: Pid) -> Option<Identity> {
    let place = place(pid);
    if !is_published(place, pid) {
        return None;
    }
    let [real_uid, ..] = field!(place, uid);
    let [real_gid, ..] = field!(place, gid);
    let [uid, gid] = field!(place, file_ids);
    let group_count = field!(place, group_count);
    Some(Identity {
        pid: pid.0,
        uid,
        gid,
        real_uid,
        real_gid,
        limit_files: field!(place, limit_files),
        limit_file_bytes: field!(place, limit_file_bytes),
        group_count,
        groups: if group_count > 0 {
            field!(place, groups)
        } else {
            [0; GROUPS]
        },
    })
}

/// The lowest pid above `after` in the published table, which must be mapped.
pub(crate) fn next_pid(after: Pid) -> Option<Pid> {
    let pids = (0..CAPACITY as u32).map(|slot| Pid(field!(place(Pid(slot)), pid)));
    pids.filter(|&pid| pid > after).min()
}
