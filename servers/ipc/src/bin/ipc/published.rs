//! The process table that `proc` publishes: the only unsafe code of this server.

use core::sync::atomic::{Ordering, fence};
use proto::{
    Pid,
    publish::{ADDRESS, CAPACITY, Entry, slot},
};

/// The entry of a process. Only to be asked on behalf of a program: `proc` maps the table before
/// it starts any.
pub(crate) fn get(pid: Pid) -> Option<Entry> {
    Some(read(slot(pid))).filter(|entry| entry.pid == pid.0 && pid.0 != 0)
}

/// The lowest pid above `after`.
pub(crate) fn next(after: Pid) -> Option<Pid> {
    let pids = (0..CAPACITY).map(|slot| Pid(read(slot).pid));
    pids.filter(|&pid| pid > after).min()
}

fn read(slot: usize) -> Entry {
    assert!(
        slot < CAPACITY,
        "slots are counted or come from `publish::slot`"
    );
    let place = (ADDRESS as *const Entry).wrapping_add(slot);
    // SAFETY: `proc` maps the table of `CAPACITY` entries at `ADDRESS` here for good, with all its
    // pages, before it starts a program, and programs are why this is called. Any bytes are a
    // valid entry; `proc` may write meanwhile, so nothing is assumed between two reads.
    let entry = unsafe { place.read_volatile() };
    fence(Ordering::Acquire);
    entry
}
