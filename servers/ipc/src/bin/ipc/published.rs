//! The process table that `proc` publishes, and the notes that it reads: the only unsafe code of this server.

use core::sync::atomic::{AtomicU8, Ordering, fence};
use proto::{
    Pid,
    publish::{ADDRESS, CAPACITY, Credentials, Entry, NOTES_ADDRESS, id, slot},
};

/// Reads one field of the entry in the slot of a process.
macro_rules! field {
    ($pid:expr, $field:ident) => {{
        let place = (ADDRESS as *const Entry).wrapping_add(slot($pid));
        // SAFETY: `proc` maps the table of `CAPACITY` entries at `ADDRESS` here for good, with all
        // its pages, before it starts a program, and programs are why this is read; `slot` is below
        // that. Only a field's address is made.
        let field = unsafe { &raw const (*place).$field };
        // SAFETY: as above; a field of an aligned entry is aligned, and any bytes are a valid
        // number. `proc` may write meanwhile, so nothing is assumed between two reads.
        unsafe { field.read_volatile() }
    }};
}

/// The entry of a process. Only to be asked on behalf of a program: `proc` maps the table before
/// it starts any.
pub(crate) fn get(pid: Pid) -> Option<Entry> {
    let mut entry = Entry::FREE;
    copy(slot(pid), &mut entry);
    (entry.pid == pid.0 && pid.0 != 0).then_some(entry)
}

/// Whom a process acts for, into a place that is there already; false if there is no such process. As [`get`].
pub(crate) fn read_credentials(pid: Pid, into: &mut Credentials) -> bool {
    if pid.0 == 0 || field!(pid, pid) != pid.0 {
        return false;
    }
    fence(Ordering::Acquire);
    into.uid = field!(pid, uid)[id::EFFECTIVE];
    into.gid = field!(pid, gid)[id::EFFECTIVE];
    into.group_count = field!(pid, group_count);
    if into.group_count > 0 {
        into.groups = field!(pid, groups);
    }
    true
}

/// The lowest pid above `after`.
pub(crate) fn next(after: Pid) -> Option<Pid> {
    let mut entry = Entry::FREE;
    let pids = (0..CAPACITY).map(|slot| {
        copy(slot, &mut entry);
        Pid(entry.pid)
    });
    pids.filter(|&pid| pid > after).min()
}

fn copy(slot: usize, into: &mut Entry) {
    assert!(
        slot < CAPACITY,
        "slots are counted or come from `publish::slot`"
    );
    let place = (ADDRESS as *const Entry).wrapping_add(slot);
    const WORDS: usize = size_of::<Entry>() / 8;
    const { assert!(align_of::<Entry>() == 8 && size_of::<Entry>().is_multiple_of(8)) };
    let (from, to) = (place.cast::<u64>(), (&raw mut *into).cast::<u64>());
    for word in 0..WORDS {
        // SAFETY: `proc` maps the table of `CAPACITY` entries at `ADDRESS` here for good, with all
        // its pages, before it starts a program, and programs are why this is called. `proc` may
        // write meanwhile, so nothing is assumed between two reads.
        let value = unsafe { from.wrapping_add(word).read_volatile() };
        // SAFETY: inside `into`, which is borrowed; an entry consists of numbers, so any bytes are
        // a valid one.
        unsafe { to.wrapping_add(word).write(value) };
    }
    fence(Ordering::Acquire);
}

/// Whether `proc` is to tell of the process.
pub(crate) fn is_noted(pid: Pid) -> bool {
    notes(pid).load(Ordering::Relaxed) != 0
}

/// Tells `proc` whether to tell of the process.
pub(crate) fn note(pid: Pid, noted: bool) {
    notes(pid).store(noted.into(), Ordering::SeqCst);
    fence(Ordering::SeqCst);
}

fn notes(pid: Pid) -> &'static AtomicU8 {
    let place = (NOTES_ADDRESS as *const AtomicU8).wrapping_add(slot(pid));
    // SAFETY: `proc` maps `CAPACITY` bytes at `NOTES_ADDRESS` here as it does the table, writable,
    // and `slot` is below that; any byte is a valid `AtomicU8`, and nothing here writes it otherwise.
    unsafe { &*place }
}
