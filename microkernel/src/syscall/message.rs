//! Calls, replies, notifications and leases: the general way. The fast path does the common case
//! of the first two without coming here.

use abi::trace::DATA_BYTES;
use abi::{Error, Lease, Rights, Token};
use kernel_core::endpoint::{self, Replied};
use kernel_core::object::{EndpointId, Objects, SpaceId, ThreadId};
use kernel_core::ready::Place;
use kernel_core::thread::flag;
use kernel_core::trace::{self, Copied, WATCHED};

use super::{Arguments, DONE, Failure, LIGHT, Outcome, finish};
use crate::kernel::Kernel;
use crate::user_memory::{self, Access, Side, Stopped, UserRange};

/// `CALL`: the words are in the registers already.
#[inline(never)]
pub(super) fn call(kernel: &mut Kernel, with_handle: bool) -> bool {
    if let Err(error) = try_call(kernel, with_handle) {
        finish(kernel, Err(error.into()));
    }
    LIGHT
}

fn try_call(kernel: &mut Kernel, with_handle: bool) -> Result<(), Error> {
    let x = &kernel.current().registers.x;
    let (handle, passed) = (x[0], x[11]);
    let leases = [
        Lease {
            address: x[12],
            length: x[13],
        },
        Lease {
            address: x[14],
            length: x[15],
        },
    ];
    let slot = kernel
        .slot(handle)?
        .expect(kernel_core::space::SlotKind::Endpoint, Rights::SEND)?;
    stage_handle(kernel, with_handle.then_some(passed))?;
    let caller = kernel.current;
    kernel.current().leases = leases;
    let sent = endpoint::call(
        &mut kernel.memory,
        EndpointId(slot.object),
        caller,
        abi::Badge(slot.badge),
    );
    kernel.after_send(sent);
    Ok(())
}

/// Notes which handle the current thread passes with its message.
fn stage_handle(kernel: &mut Kernel, handle: Option<u64>) -> Result<(), Error> {
    let Some(handle) = handle else { return Ok(()) };
    if !kernel.slot(handle)?.rights().contains(Rights::GRANT) {
        return Err(Error::Denied);
    }
    let thread = kernel.current();
    thread.passed_handle = handle as u32;
    thread.flags |= flag::WITH_HANDLE;
    Ok(())
}

/// `REPLY_RECV`. A stale token is no error here: whoever must know uses `REPLY`.
#[inline(never)]
pub(super) fn reply_receive(kernel: &mut Kernel, with_handle: bool) -> bool {
    match try_reply_receive(kernel, with_handle) {
        Ok(()) => {}
        Err(error) => finish(kernel, Err(error.into())),
    }
    LIGHT
}

fn try_reply_receive(kernel: &mut Kernel, with_handle: bool) -> Result<(), Error> {
    let x = &kernel.current().registers.x;
    let (handle, token) = (x[0], Token(x[11]));
    let id = kernel.endpoint_of(handle, Rights::RECEIVE)?;
    if token != Token::NONE {
        match answer(kernel, id, token, with_handle) {
            Ok(()) | Err(Error::StaleToken) => {}
            Err(error) => return Err(error),
        }
    }
    if kernel.current().has(flag::KICKED) && kernel.current().upcall.entry != 0 {
        return Err(Error::Interrupted);
    }
    let server = kernel.current;
    endpoint::receive(&mut kernel.memory, id, server).map(|_| ())
}

/// Replies to `token` with what is in the current thread's registers.
fn answer(
    kernel: &mut Kernel,
    id: EndpointId,
    token: Token,
    with_handle: bool,
) -> Result<(), Error> {
    let passed = kernel.current().registers.x[16];
    stage_handle(kernel, with_handle.then_some(passed))?;
    let server = kernel.current;
    match endpoint::reply(&mut kernel.memory, id, server, token)? {
        Replied::Woken(caller) => kernel.wake(caller, Place::First),
        Replied::Escalated(sent) => kernel.after_send(sent),
    }
    Ok(())
}

/// `REPLY`.
#[inline(never)]
pub(super) fn reply(kernel: &mut Kernel, with_handle: bool) -> Outcome {
    let x = &kernel.current().registers.x;
    let (handle, token) = (x[0], Token(x[11]));
    let id = kernel.endpoint_of(handle, Rights::RECEIVE)?;
    answer(kernel, id, token, with_handle)?;
    DONE
}

/// `REPLY`, if its caller joins the run queue and nobody else has to be thought of.
pub(super) fn short_reply(kernel: &mut Kernel) -> Option<Outcome> {
    let x = &kernel.current().registers.x;
    let (handle, token) = (x[0], Token(x[11]));
    let id = match kernel.endpoint_of(handle, Rights::RECEIVE) {
        Ok(id) => id,
        Err(error) => return Some(Err(error.into())),
    };
    let Ok(caller) = endpoint::waiting(&mut kernel.memory, id, token) else {
        return Some(Err(Error::StaleToken.into()));
    };
    let priority = kernel.current().priority;
    let thread = kernel.memory.thread(caller);
    if thread.flags != 0 || thread.priority >= priority || kernel.events.changed {
        return None;
    }
    let server = kernel.current;
    match endpoint::reply(&mut kernel.memory, id, server, token) {
        Ok(Replied::Woken(caller)) => kernel
            .ready
            .insert(&mut kernel.memory, caller, Place::First),
        Ok(Replied::Escalated(_)) => {}
        Err(error) => return Some(Err(error.into())),
    }
    Some(DONE)
}

/// `POLL`.
#[inline(never)]
pub(super) fn poll(kernel: &mut Kernel) -> bool {
    let handle = kernel.current().registers.x[0];
    let server = kernel.current;
    let polled = match kernel.endpoint_of(handle, Rights::RECEIVE) {
        Ok(id) => endpoint::poll(&mut kernel.memory, id, server)
            .then_some(())
            .ok_or(Error::Empty),
        Err(error) => Err(error),
    };
    if let Err(error) = polled {
        finish(kernel, Err(error.into()));
    }
    LIGHT
}

/// `SIGNAL`: the handle's badge is the mask.
pub(super) fn signal(kernel: &mut Kernel, [handle, bits, ..]: Arguments) -> Outcome {
    let slot = kernel
        .slot(handle)?
        .expect(kernel_core::space::SlotKind::Endpoint, Rights::NOTIFY)?;
    kernel.signal(EndpointId(slot.object), bits & slot.badge);
    DONE
}

/// `TOKEN_STATE`.
pub(super) fn token_state(kernel: &mut Kernel, [handle, token, ..]: Arguments) -> Outcome {
    let id = kernel.endpoint_of(handle, Rights::RECEIVE)?;
    Ok(endpoint::token_state(&mut kernel.memory, id, Token(token)) as u64)
}

/// `TIMER_SET`.
pub(super) fn timer_set(kernel: &mut Kernel, [handle, deadline, ..]: Arguments) -> Outcome {
    let id = kernel.endpoint_of(handle, Rights::RECEIVE)?;
    kernel.events.set_timer(&mut kernel.memory, id, deadline);
    DONE
}

/// Which way a lease copy goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// `LEASE_READ`.
    FromCaller,
    /// `LEASE_WRITE`.
    ToCaller,
}

/// `LEASE_READ` and `LEASE_WRITE`.
#[inline(never)]
pub(super) fn lease_copy(
    kernel: &mut Kernel,
    arguments: Arguments,
    direction: Direction,
) -> Outcome {
    let [handle, token, lease, offset, buffer, bytes] = arguments;
    let id = kernel.endpoint_of(handle, Rights::RECEIVE)?;
    let waiting = endpoint::waiting(&mut kernel.memory, id, Token(token))?;
    let caller = kernel.memory.thread(waiting);
    let number = lease;
    let lease = *caller.leases.get(lease as usize).ok_or(Error::Invalid)?;
    let (caller_space, watched) = (caller.memory, caller.has(WATCHED));
    let needed = if direction == Direction::FromCaller {
        Lease::READ
    } else {
        Lease::WRITE
    };
    let end = offset.checked_add(bytes).ok_or(Error::Invalid)?;
    if lease.length & needed == 0 || end > lease.bytes() as u64 {
        return Err(Error::Invalid.into());
    }
    let start = lease.address.checked_add(offset).ok_or(Error::LeaseFault)?;
    let theirs = UserRange::new(start, bytes).map_err(|_| Error::LeaseFault)?;
    let own = UserRange::new(buffer, bytes)?;
    let own_space = kernel.current().space;
    let memory = &mut kernel.memory;
    let (from, to) = match direction {
        Direction::FromCaller => (
            Side::new(memory, caller_space, theirs, Access::Read),
            Side::new(memory, own_space, own, Access::Write),
        ),
        Direction::ToCaller => (
            Side::new(memory, own_space, own, Access::Read),
            Side::new(memory, caller_space, theirs, Access::Write),
        ),
    };
    let (done, stopped) = user_memory::copy(memory, from, to, bytes as usize);
    if watched {
        let copied = Copied {
            lease: number,
            offset,
            bytes: done as u64,
            written: direction == Direction::ToCaller,
            data: [0; DATA_BYTES],
        };
        trace_copy(kernel, waiting, own_space, buffer, copied);
    }
    let caller_stopped = if direction == Direction::FromCaller {
        Stopped::Source
    } else {
        Stopped::Target
    };
    match stopped {
        None => Ok(done as u64),
        Some(side) => {
            let error = if side == caller_stopped {
                Error::LeaseFault
            } else {
                Error::BufferFault
            };
            Err(Failure {
                error,
                count: done as u64,
            })
        }
    }
}

/// Writes a lease copy down with its first bytes, which are in the server's own buffer.
#[cold]
fn trace_copy(
    kernel: &mut Kernel,
    caller: ThreadId,
    own: SpaceId,
    buffer: u64,
    mut copied: Copied,
) {
    let shown = (copied.bytes as usize).min(DATA_BYTES);
    if user_memory::read(&mut kernel.memory, own, buffer, &mut copied.data[..shown]).is_ok() {
        let server = kernel.current;
        trace::copied(&mut kernel.memory, server, caller, &copied);
    }
}
