//! Starting, stopping and copying threads.

use abi::message::notify;
use abi::thread::{Registers, RunState};
use abi::trace::kind;
use abi::{Error, Lease, Message, Rights};
use core::mem::size_of;
use kernel_core::endpoint::{self, Kicked};
use kernel_core::frames::Kind;
use kernel_core::object::{EndpointId, FrameNumber, Objects, SpaceId, ThreadId};
use kernel_core::ready::Place;
use kernel_core::space::{self, DIRECT_SLOTS, SlotKind};
use kernel_core::thread::{State, Thread, USER_PSTATE, Upcall, flag, handling};
use kernel_core::trace;

use super::{Arguments, DONE, FULL, LIGHT, Outcome, finish, finish_with, object};
use crate::fault;
use crate::kernel::{Kernel, Memory};
use crate::upcall;
use crate::user_memory;

/// `THREAD_START`.
#[inline(never)]
pub(super) fn start(kernel: &mut Kernel, [thread, pc, sp, first, second, ..]: Arguments) -> bool {
    match kernel.thread_of(thread) {
        Ok(id) => {
            finish(kernel, DONE);
            begin(kernel, id, pc, sp, [first, second]);
            FULL
        }
        Err(error) => {
            finish(kernel, Err(error.into()));
            LIGHT
        }
    }
}

/// Makes a thread run from `pc`, whatever it did before.
pub(crate) fn begin(kernel: &mut Kernel, id: ThreadId, pc: u64, sp: u64, arguments: [u64; 2]) {
    kernel.halt(id);
    fault::drop_vector(kernel, id);
    object::give_memory_back(&mut kernel.memory, id);
    let thread = kernel.memory.thread(id);
    thread.registers = Registers {
        x: [0; 31],
        sp,
        pc,
        pstate: USER_PSTATE,
    };
    thread.registers.x[..2].copy_from_slice(&arguments);
    thread.tpidr = 0;
    thread.tpidrro = 0;
    thread.upcall = Upcall::default();
    let watched = thread.flags & flag::TRACED;
    thread.flags = thread.flags & flag::SUSPENDED | watched;
    thread.cause = 0;
    thread.state = State::Ready;
    if watched != 0 {
        trace::event(&mut kernel.memory, kind::START, kernel.current, id, pc);
    }
    kernel.wake(id, Place::Last);
}

/// `THREAD_INHERIT`.
pub(super) fn inherit(
    kernel: &mut Kernel,
    [child, parent, endpoint, badge, ..]: Arguments,
) -> Outcome {
    let (child, parent, server) = copy_and_original(kernel, child, parent, endpoint, badge)?;
    copy_handles(&mut kernel.memory, parent, child, badge)?;
    copy_registers(kernel, parent, child, badge);
    let copy = kernel.memory.thread(child);
    copy.state = State::AwaitingReply;
    copy.endpoint = server;
    copy.sequence = copy.sequence.wrapping_add(1);
    let token = copy.token(child).0;
    if kernel.is_watched(parent) {
        trace::inherited(&mut kernel.memory, parent, child);
    }
    Ok(token)
}

/// A stopped thread, and one that waits for a reply on the endpoint `server`: what the two calls need
/// that make the one from the other.
fn copy_and_original(
    kernel: &mut Kernel,
    child: u64,
    parent: u64,
    endpoint: u64,
    badge: u64,
) -> Result<(ThreadId, ThreadId, EndpointId), Error> {
    let (child, parent) = (kernel.thread_of(child)?, kernel.thread_of(parent)?);
    let server = kernel.endpoint_of(endpoint, Rights::RECEIVE)?;
    if badge & abi::Badge::KERNEL != 0 || kernel.memory.thread(child).state != State::Inactive {
        return Err(Error::Invalid);
    }
    let original = kernel.memory.thread(parent);
    if original.state != State::AwaitingReply
        || original.endpoint != server
        || original.has(flag::KERNEL_MESSAGE)
    {
        return Err(Error::Invalid);
    }
    Ok((child, parent, server))
}

/// `THREAD_SPAWN`.
pub(super) fn spawn(
    kernel: &mut Kernel,
    [child, parent, endpoint, badge, block, stack]: Arguments,
) -> Outcome {
    let (child, parent, _) = copy_and_original(kernel, child, parent, endpoint, badge)?;
    let lender = kernel.memory.thread(parent).memory;
    let (registers, tpidr) = upcall::read_new(&mut kernel.memory, lender, block)?;
    copy_handles(&mut kernel.memory, parent, child, badge)?;
    copy_registers(kernel, parent, child, badge);
    let memory = &mut kernel.memory;
    if memory.thread(child).space != lender {
        object::borrow_memory(memory, child, lender);
    }
    let thread = memory.thread(child);
    thread.registers = registers;
    thread.tpidr = tpidr;
    thread.leases = [Lease::NONE; 2];
    thread.upcall = Upcall {
        stack,
        block,
        active: handling::NOTHING,
        ..thread.upcall
    };
    thread.state = State::Ready;
    if kernel.is_watched(parent) {
        let traced = kernel.memory.thread(parent).flags & flag::TRACED;
        kernel.memory.thread(child).flags |= traced;
        let pc = registers.pc;
        trace::event(&mut kernel.memory, kind::START, kernel.current, child, pc);
    }
    kernel.wake(child, Place::Last);
    DONE
}

fn copy_registers(kernel: &mut Kernel, parent: ThreadId, child: ThreadId, badge: u64) {
    if kernel.vector_owner == parent {
        fault::save_vector(kernel);
    }
    let from = kernel.memory.thread(parent);
    let (registers, tpidr, tpidrro, upcall) =
        (from.registers, from.tpidr, from.tpidrro, from.upcall);
    let (exceptions, leases, has_vector) = (from.exceptions, from.leases, from.has_vector);
    let mask = from.mask;
    let vector = (has_vector != 0).then_some(from.vector);
    let to = kernel.memory.thread(child);
    to.registers = registers;
    to.tpidr = tpidr;
    to.tpidrro = tpidrro;
    to.upcall = upcall;
    to.mask = mask;
    to.pinned = 0;
    to.leases = leases;
    to.has_vector = has_vector;
    if let Some(vector) = vector {
        to.vector = vector;
    }
    to.exception_badge = badge;
    let old = core::mem::replace(&mut to.exceptions, exceptions);
    count_reference(&mut kernel.memory, old, exceptions);
}

fn count_reference(memory: &mut Memory, old: EndpointId, new: EndpointId) {
    if new.is_some() {
        memory.endpoint(new).references += 1;
    }
    if old.is_some() {
        memory.endpoint(old).references -= 1;
    }
}

/// Copies the handles of `parent`'s space that lie in its own page to `child`'s, unless both share
/// one. `SEND` handles get the new badge; handles of threads and spaces stay behind, because they
/// would give the copy power over the original.
fn copy_handles(
    memory: &mut Memory,
    parent: ThreadId,
    child: ThreadId,
    badge: u64,
) -> Result<(), Error> {
    let (from, to): (SpaceId, SpaceId) = (memory.thread(parent).space, memory.thread(child).space);
    if from == to {
        return Ok(());
    }
    let end = memory.space(from).end_used.min(DIRECT_SLOTS as u32);
    for index in 1..end {
        let mut slot = memory.space(from).slots[index as usize];
        if slot.kind != SlotKind::Endpoint {
            continue;
        }
        if slot.rights().contains(Rights::SEND) {
            slot.badge = badge;
        }
        space::put(memory, to, index, slot)?;
    }
    Ok(())
}

/// `THREAD_EXCEPTIONS`.
pub(super) fn set_exceptions(
    kernel: &mut Kernel,
    [thread, endpoint, badge, ..]: Arguments,
) -> Outcome {
    let id = kernel.thread_of(thread)?;
    let endpoint = kernel.endpoint_or_none(endpoint)?;
    let thread = kernel.memory.thread(id);
    thread.exception_badge = badge & !abi::Badge::KERNEL;
    let old = core::mem::replace(&mut thread.exceptions, endpoint);
    count_reference(&mut kernel.memory, old, endpoint);
    DONE
}

/// `THREAD_SUSPEND`.
pub(super) fn suspend(kernel: &mut Kernel, [thread, stop, ..]: Arguments) -> Outcome {
    let id = kernel.thread_of(thread)?;
    match stop {
        0 => {
            let thread = kernel.memory.thread(id);
            thread.flags &= !flag::SUSPENDED;
            if thread.state == State::Ready {
                kernel.wake(id, Place::Last);
            }
        }
        1 => {
            if kernel.memory.thread(id).has(flag::QUEUED) {
                kernel.ready.remove(&mut kernel.memory, id);
            }
            kernel.memory.thread(id).flags |= flag::SUSPENDED;
        }
        _ => return Err(Error::Invalid.into()),
    }
    DONE
}

/// `THREAD_KICK`.
pub(super) fn kick(kernel: &mut Kernel, [thread, ..]: Arguments) -> Outcome {
    let id = kernel.thread_of(thread)?;
    match endpoint::kick(&mut kernel.memory, id) {
        Kicked::Later => {}
        Kicked::Woken => kernel.wake(id, Place::Last),
        Kicked::AtServer(server) => kernel.signal(server, notify::CANCELLED),
    }
    DONE
}

/// `THREAD_READ`.
pub(super) fn read(kernel: &mut Kernel, [thread, buffer, ..]: Arguments) -> Outcome {
    let id = kernel.thread_of(thread)?;
    let bytes = upcall::to_bytes(&kernel.memory.thread(id).registers);
    let own = kernel.current().space;
    user_memory::write(&mut kernel.memory, own, buffer, &bytes)?;
    DONE
}

/// `THREAD_WRITE`.
#[inline(never)]
pub(super) fn write(kernel: &mut Kernel, [thread, buffer, ..]: Arguments) -> bool {
    let outcome = try_write(kernel, thread, buffer);
    let is_self = matches!(outcome, Ok(id) if id == kernel.current);
    if !is_self {
        finish(kernel, outcome.map(|_| 0).map_err(Into::into));
    }
    FULL
}

fn try_write(kernel: &mut Kernel, thread: u64, buffer: u64) -> Result<ThreadId, Error> {
    let id = kernel.thread_of(thread)?;
    let own = kernel.current().space;
    let mut bytes = [0; size_of::<Registers>()];
    user_memory::read(&mut kernel.memory, own, buffer, &mut bytes)?;
    kernel.memory.thread(id).registers = upcall::from_bytes(&bytes);
    Ok(id)
}

/// `MASK_CHANGE`, when something is pinned that would be clear: the vector does the rest.
pub(super) fn change_mask(kernel: &mut Kernel, [keep, set, ..]: Arguments) -> Outcome {
    Ok(kernel.current().change_mask(keep, set)?)
}

/// `THREAD_MASK`.
pub(super) fn set_mask(kernel: &mut Kernel, [thread, keep, set, pinned, ..]: Arguments) -> Outcome {
    let id = kernel.thread_of(thread)?;
    Ok(kernel.memory.thread(id).set_mask(keep, set, pinned))
}

/// `THREAD_PRIORITY`.
pub(super) fn set_priority(kernel: &mut Kernel, [thread, priority, ..]: Arguments) -> Outcome {
    let id = kernel.thread_of(thread)?;
    if priority >= kernel_core::ready::PRIORITIES as u64 {
        return Err(Error::Invalid.into());
    }
    let queued = kernel.memory.thread(id).has(flag::QUEUED);
    if queued {
        kernel.ready.remove(&mut kernel.memory, id);
    }
    kernel.memory.thread(id).priority = priority as u32;
    if queued {
        kernel.ready.insert(&mut kernel.memory, id, Place::Last);
    }
    DONE
}

/// `THREAD_INFO`.
#[inline(never)]
pub(super) fn info(kernel: &mut Kernel, [thread, ..]: Arguments) -> bool {
    let id = kernel.thread_of(thread);
    if let Ok(id) = id {
        kernel.bill_caller(id);
    }
    describe(kernel, id)
}

/// `THREAD_INFO_AT`.
#[inline(never)]
pub(super) fn info_at(kernel: &mut Kernel, [system, frame, ..]: Arguments) -> bool {
    let id = thread_at(kernel, system, frame);
    describe(kernel, id)
}

fn thread_at(kernel: &mut Kernel, system: u64, frame: u64) -> Result<ThreadId, Error> {
    kernel.system(system, Rights::MONITOR)?;
    let frame = FrameNumber::try_from(frame).map_err(|_| Error::BadHandle)?;
    kernel
        .memory
        .frames
        .is(frame, Kind::Thread)
        .then_some(ThreadId(frame))
        .ok_or(Error::BadHandle)
}

fn describe(kernel: &mut Kernel, id: Result<ThreadId, Error>) -> bool {
    match id {
        Ok(id) => {
            let thread = kernel.memory.thread(id);
            let values = [
                run_state(thread) as u64,
                thread.cpu_ticks,
                u64::from(id.0),
                thread.mask,
                0,
            ];
            finish_with(kernel, 0, values);
        }
        Err(error) => finish(kernel, Err(error.into())),
    }
    LIGHT
}

fn run_state(thread: &Thread) -> RunState {
    match thread.state {
        _ if thread.has(flag::KERNEL_MESSAGE) => RunState::Faulted,
        State::Ready if thread.has(flag::SUSPENDED) => RunState::Suspended,
        State::Ready => RunState::Ready,
        State::Sending => RunState::Sending,
        State::AwaitingReply => RunState::AwaitingReply,
        State::Receiving => RunState::Receiving,
        State::Inactive => RunState::Inactive,
    }
}

/// `YIELD`: the slice is over.
pub(super) fn yield_now(kernel: &mut Kernel) -> Outcome {
    let priority = kernel.current().priority;
    kernel.events.turn_over = true;
    kernel.events.changed |= kernel.ready.any_at(priority);
    DONE
}

/// `UPCALL_SET`.
pub(super) fn upcall_set(
    kernel: &mut Kernel,
    [entry, stack, block, linux_entry, ..]: Arguments,
) -> Outcome {
    upcall::check_block(block)?;
    let upcall = &mut kernel.current().upcall;
    *upcall = Upcall {
        entry,
        stack,
        block,
        linux_entry,
        ..*upcall
    };
    DONE
}

/// `UPCALL_RESUME`.
#[inline(never)]
pub(super) fn upcall_resume(kernel: &mut Kernel) -> bool {
    if let Err(error) = upcall::resume(kernel) {
        kernel
            .current()
            .set_results(error as u64, &Message::default());
    }
    FULL
}

/// `THREAD_POINTER`.
pub(super) fn set_pointer(kernel: &mut Kernel, [value, ..]: Arguments) -> Outcome {
    kernel.current().tpidrro = value;
    crate::arch::set_read_only_pointer(value);
    DONE
}
