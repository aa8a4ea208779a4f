//! Handles, endpoints, address spaces.

use super::buffer::{through, touch, touch_items};
use super::{LeaseStop, machine, number, simple, simple_3};
use abi::map::MapOp;
use abi::{Error, Handle, Rights};

/// Copies `source` into `slot` ([`Handle::NONE`]: any free one) of the table of `thread`
/// ([`Handle::NONE`]: the own table), with `badge` and `rights`.
pub fn handle_copy(
    source: Handle,
    thread: Handle,
    slot: Handle,
    badge: u64,
    rights: Rights,
) -> Result<Handle, Error> {
    let arguments = [
        source.0.into(),
        thread.0.into(),
        slot.0.into(),
        badge,
        rights.bits().into(),
        0,
    ];
    simple(number::HANDLE_COPY, arguments).map(|x| Handle(x[1] as u32))
}

/// Frees a slot of the own table.
pub fn handle_close(handle: Handle) -> Result<(), Error> {
    simple_3(number::HANDLE_CLOSE, handle.0.into(), 0, 0).map(drop)
}

/// Makes an endpoint in `frame`.
pub fn endpoint_create(system: Handle, frame: u32) -> Result<Handle, Error> {
    simple_3(number::ENDPOINT_CREATE, system.0.into(), frame.into(), 0)
        .map(|slot| Handle(slot as u32))
}

/// Makes an address space in `frame`, with its root table in `table`. Its faults go to `pager`
/// ([`Handle::NONE`]: they are exceptions) with `badge`.
pub fn space_create(
    system: Handle,
    frame: u32,
    table: u32,
    pager: Handle,
    badge: u64,
) -> Result<Handle, Error> {
    let arguments = [
        system.0.into(),
        frame.into(),
        table.into(),
        pager.0.into(),
        badge,
        0,
    ];
    simple(number::SPACE_CREATE, arguments).map(|x| Handle(x[1] as u32))
}

/// Makes a stopped thread in `frame`.
pub fn thread_create(
    system: Handle,
    frame: u32,
    space: Handle,
    priority: u32,
) -> Result<Handle, Error> {
    let arguments = [
        system.0.into(),
        frame.into(),
        space.0.into(),
        priority.into(),
        0,
        0,
    ];
    simple(number::THREAD_CREATE, arguments).map(|x| Handle(x[1] as u32))
}

/// Destroys an endpoint, a space or a thread; the handle goes with it.
pub fn object_destroy(system: Handle, object: Handle) -> Result<(), Error> {
    simple_3(number::OBJECT_DESTROY, system.0.into(), object.0.into(), 0).map(drop)
}

/// Carries out `operations` in `space`, in order.
///
/// # Errors
/// The error of the first that failed, and how many were done before it.
pub fn space_apply(space: Handle, operations: &[MapOp]) -> Result<(), (Error, usize)> {
    through(
        &mut { operations },
        |list, done| touch_items(list.get(done..).unwrap_or_default()),
        |list, done| {
            let rest = list.get(done..).unwrap_or_default();
            let arguments = [
                space.0.into(),
                rest.as_ptr() as u64,
                rest.len() as u64,
                0,
                0,
                0,
            ];
            machine::simple(number::SPACE_APPLY, arguments)
        },
    )
    .map(drop)
    .map_err(|stop| (stop.error, stop.copied))
}

/// Gives `space` frames for page tables.
pub fn space_donate(space: Handle, frames: &[u32]) -> Result<(), Error> {
    loop {
        let arguments = [
            space.0.into(),
            frames.as_ptr() as u64,
            frames.len() as u64,
            0,
            0,
            0,
        ];
        match simple(number::SPACE_DONATE, arguments) {
            Err(Error::BufferFault) => touch_items(frames),
            result => return result.map(drop),
        }
    }
}

/// Whether [`space_reclaim`] tears down the tables that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaim {
    /// Only frames that are not in use.
    Unused,
    /// All; nothing may be mapped.
    All,
}

/// Takes table frames of `space` back into `into`; returns how many.
pub fn space_reclaim(space: Handle, into: &mut [u32], which: Reclaim) -> Result<usize, Error> {
    loop {
        let all = u64::from(which == Reclaim::All);
        let arguments = [
            space.0.into(),
            into.as_mut_ptr() as u64,
            into.len() as u64,
            all,
            0,
            0,
        ];
        match simple(number::SPACE_RECLAIM, arguments) {
            Err(Error::BufferFault) => into.iter_mut().for_each(|frame| {
                // SAFETY: the reference is valid; volatile, so that the write stays.
                unsafe { core::ptr::write_volatile(frame, 0) };
            }),
            result => return result.map(|x| x[1] as usize),
        }
    }
}

/// Copies `from` into `space` at `address`, ignoring write protection but not absence.
///
/// # Errors
/// [`Error::LeaseFault`] and the bytes copied before the first absent page.
pub fn space_write(space: Handle, address: u64, from: &[u8]) -> Result<(), LeaseStop> {
    through(
        &mut { from },
        |buffer, done| touch(buffer.get(done..).unwrap_or_default()),
        |buffer, done| {
            let (at, left) = (
                buffer.as_ptr() as u64 + done as u64,
                (buffer.len() - done) as u64,
            );
            let to = address.wrapping_add(done as u64);
            machine::simple(number::SPACE_WRITE, [space.0.into(), to, at, left, 0, 0])
        },
    )
    .map(drop)
}

/// Unmaps everything in `space`; returns how many pages there were.
pub fn space_clear(space: Handle) -> Result<u64, Error> {
    simple_3(number::SPACE_CLEAR, space.0.into(), 0, 0)
}

/// Gives `space` a frame as 256 further slots for handles.
pub fn space_extend(space: Handle, frame: u32) -> Result<(), Error> {
    simple_3(number::SPACE_EXTEND, space.0.into(), frame.into(), 0).map(drop)
}
