//! Threads.

use super::buffer::touch_items;
use super::{number, simple, simple_3};
use abi::thread::{Registers, RunState};
use abi::{Error, Handle, Token};

/// Sets where exceptions of `thread` go, and with which badge.
pub fn thread_exceptions(thread: Handle, endpoint: Handle, badge: u64) -> Result<(), Error> {
    simple_3(
        number::THREAD_EXCEPTIONS,
        thread.0.into(),
        endpoint.0.into(),
        badge,
    )
    .map(drop)
}

/// Starts `thread` afresh with `arguments` in x0 and x1.
pub fn thread_start(thread: Handle, pc: u64, sp: u64, arguments: [u64; 2]) -> Result<(), Error> {
    simple(
        number::THREAD_START,
        [thread.0.into(), pc, sp, arguments[0], arguments[1], 0],
    )
    .map(drop)
}

/// Makes stopped thread `copy` a copy of `original`, which waits for a reply on `endpoint`, with
/// `badge` in its handles. Returns the copy's token, which waits likewise.
pub fn thread_inherit(
    copy: Handle,
    original: Handle,
    endpoint: Handle,
    badge: u64,
) -> Result<Token, Error> {
    let arguments = [
        copy.0.into(),
        original.0.into(),
        endpoint.0.into(),
        badge,
        0,
        0,
    ];
    simple(number::THREAD_INHERIT, arguments).map(|x| Token(x[1]))
}

/// Starts stopped thread `copy` beside `original`, which waits for a reply on `endpoint`, with the
/// registers in the block at `block` of its memory and upcalls on the stack that ends at `stack`. Its
/// exceptions, and its handles if it has others, carry `badge`.
pub fn thread_spawn(
    copy: Handle,
    original: Handle,
    endpoint: Handle,
    badge: u64,
    block: u64,
    stack: u64,
) -> Result<(), Error> {
    let arguments = [
        copy.0.into(),
        original.0.into(),
        endpoint.0.into(),
        badge,
        block,
        stack,
    ];
    simple(number::THREAD_SPAWN, arguments).map(drop)
}

/// Stops `thread`. A wait that it is in goes on.
pub fn thread_suspend(thread: Handle) -> Result<(), Error> {
    simple_3(number::THREAD_SUSPEND, thread.0.into(), 1, 0).map(drop)
}

/// Lets a stopped `thread` go on.
pub fn thread_continue(thread: Handle) -> Result<(), Error> {
    simple_3(number::THREAD_SUSPEND, thread.0.into(), 0, 0).map(drop)
}

/// Interrupts `thread`: its upcall runs, and what it waits for is cut short.
pub fn thread_kick(thread: Handle) -> Result<(), Error> {
    simple_3(number::THREAD_KICK, thread.0.into(), 0, 0).map(drop)
}

/// Registers of `thread`.
pub fn thread_read(thread: Handle) -> Result<Registers, Error> {
    let mut registers = Registers {
        x: [0; 31],
        sp: 0,
        pc: 0,
        pstate: 0,
    };
    loop {
        let arguments = [thread.0.into(), &raw mut registers as u64, 0, 0, 0, 0];
        match simple(number::THREAD_READ, arguments) {
            // A write makes both pages that it may span present.
            Err(Error::BufferFault) => (registers.x[0], registers.pstate) = (0, 0),
            result => return result.map(|_| registers),
        }
    }
}

/// Sets the registers of `thread`; `pstate` is reduced to the flags.
pub fn thread_write(thread: Handle, registers: &Registers) -> Result<(), Error> {
    loop {
        let arguments = [
            thread.0.into(),
            registers as *const Registers as u64,
            0,
            0,
            0,
            0,
        ];
        match simple(number::THREAD_WRITE, arguments) {
            Err(Error::BufferFault) => touch_items(&registers.x),
            result => return result.map(drop),
        }
    }
}

/// Sets the priority of `thread`, 0 to 31.
pub fn thread_priority(thread: Handle, priority: u32) -> Result<(), Error> {
    simple_3(number::THREAD_PRIORITY, thread.0.into(), priority.into(), 0).map(drop)
}

/// Changes the own mask: keeps the bits of `keep`, then sets those of `set`. Returns the old one.
///
/// # Errors
/// [`Error::Denied`] if a bit would be clear that [`thread_mask`] pinned; nothing is changed.
#[inline(always)]
pub fn mask_change(keep: u64, set: u64) -> Result<u64, Error> {
    simple_3(number::MASK_CHANGE, keep, set, 0)
}

/// Changes the mask of `thread` likewise, whatever is pinned, and pins `pinned` instead. Returns the
/// old mask.
pub fn thread_mask(thread: Handle, keep: u64, set: u64, pinned: u64) -> Result<u64, Error> {
    let arguments = [thread.0.into(), keep, set, pinned, 0, 0];
    simple(number::THREAD_MASK, arguments).map(|x| x[1])
}

/// What the kernel knows of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadInfo {
    /// What it does.
    pub state: RunState,
    /// CPU time, in ticks of [`counter`].
    pub time_ticks: u64,
    /// The frame that it lives in.
    pub frame: u32,
    /// Its mask.
    pub mask: u64,
}

fn thread_information(x: [u64; 6]) -> ThreadInfo {
    let states = [
        RunState::Inactive,
        RunState::Ready,
        RunState::Sending,
        RunState::AwaitingReply,
        RunState::Receiving,
        RunState::Faulted,
        RunState::Suspended,
    ];
    let state = states
        .get(x[1] as usize)
        .copied()
        .unwrap_or(RunState::Inactive);
    ThreadInfo {
        state,
        time_ticks: x[2],
        frame: x[3] as u32,
        mask: x[4],
    }
}

/// State and time of `thread`.
pub fn thread_info(thread: Handle) -> Result<ThreadInfo, Error> {
    simple(number::THREAD_INFO, [thread.0.into(), 0, 0, 0, 0, 0]).map(thread_information)
}

/// State and time of the thread that lives in `frame`.
pub fn thread_info_at(system: Handle, frame: u32) -> Result<ThreadInfo, Error> {
    simple(
        number::THREAD_INFO_AT,
        [system.0.into(), frame.into(), 0, 0, 0, 0],
    )
    .map(thread_information)
}
