//! Kernel calls: from the number in x10 to the function that carries it out.
//!
//! Every call checks all its arguments before it changes anything. The register contract is the
//! table in `abi::call`.

mod handle;
mod message;
mod object;
mod space;
mod system;
mod thread;
mod trace;

use abi::call::*;
use abi::{Error, Rights};
use kernel_core::frames::Kind;
use kernel_core::object::{EndpointId, Objects, SpaceId, ThreadId};
use kernel_core::space::{Slot, SlotKind};

use crate::kernel::Kernel;

pub(crate) use object::{new_space, new_thread};
pub(crate) use thread::begin;

/// The call changed registers that only a full return to user mode loads.
pub(crate) const FULL: bool = true;
/// x0 to x18 at most changed.
pub(crate) const LIGHT: bool = false;

/// Arguments: x0 to x5.
type Arguments = [u64; 6];

/// What a call returns, in x1. (The few calls with more results write their registers themselves.)
type Outcome = Result<u64, Failure>;

/// An error, and in x1 how far the call came.
#[derive(Clone, Copy, Debug)]
struct Failure {
    error: Error,
    count: u64,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, count: 0 }
    }
}

/// No result besides success.
const DONE: Outcome = Ok(0);

/// Carries out the current thread's call; says what it did to its registers.
pub(crate) fn dispatch(kernel: &mut Kernel) -> bool {
    let x = &kernel.current().registers.x;
    let number = x[10];
    let arguments = [x[0], x[1], x[2], x[3], x[4], x[5]];
    let result = match number & !WITH_HANDLE {
        CALL => return message::call(kernel, number & WITH_HANDLE != 0),
        REPLY_RECV => return message::reply_receive(kernel, number & WITH_HANDLE != 0),
        POLL => return message::poll(kernel),
        THREAD_START => return thread::start(kernel, arguments),
        THREAD_WRITE => return thread::write(kernel, arguments),
        UPCALL_RESUME => return thread::upcall_resume(kernel),
        THREAD_INFO => return thread::info(kernel, arguments),
        THREAD_INFO_AT => return thread::info_at(kernel, arguments),
        STATISTICS => return system::statistics(kernel, arguments),
        REPLY => message::reply(kernel, number & WITH_HANDLE != 0),
        LEASE_READ => message::lease_copy(kernel, arguments, message::Direction::FromCaller),
        LEASE_WRITE => message::lease_copy(kernel, arguments, message::Direction::ToCaller),
        SPACE_APPLY => space::apply(kernel, arguments),
        NULL => DONE,
        THREAD_MASK => thread::set_mask(kernel, arguments),
        TRACE_READ => return trace::read(kernel, arguments),
        _ => simple(kernel, number, arguments),
    };
    finish(kernel, result);
    LIGHT
}

/// Results of a short call, in x0 and x1.
#[repr(C)]
pub(crate) struct Results(u64, u64);

/// Tells the vector to take the general way; nothing has changed.
const DECLINED: Results = Results(u64::MAX, 0);

/// Where the vector enters for a call after which the same thread goes on: it neither waits nor
/// wakes anybody better, and uses nothing of the thread's registers but its arguments.
pub(crate) extern "C" fn short(
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    number: u64,
    thread: usize,
) -> Results {
    let kernel = crate::kernel::entered_by(thread);
    let arguments = [a, b, c, d, e, f];
    let outcome = match number {
        LEASE_READ => message::lease_copy(kernel, arguments, message::Direction::FromCaller),
        LEASE_WRITE => message::lease_copy(kernel, arguments, message::Direction::ToCaller),
        SPACE_APPLY => space::apply(kernel, arguments),
        TOKEN_STATE => message::token_state(kernel, arguments),
        NULL => DONE,
        THREAD_MASK => thread::set_mask(kernel, arguments),
        REPLY => match message::short_reply(kernel) {
            Some(outcome) => outcome,
            None => return DECLINED,
        },
        _ => Err(Error::BadCall.into()),
    };
    match outcome {
        Ok(value) => Results(0, value),
        Err(failure) => Results(failure.error as u64, failure.count),
    }
}

/// The rarer calls that neither wait nor change registers that they do not return.
#[inline(never)]
fn simple(kernel: &mut Kernel, number: u64, arguments: Arguments) -> Outcome {
    match number & !WITH_HANDLE {
        SIGNAL => message::signal(kernel, arguments),
        TOKEN_STATE => message::token_state(kernel, arguments),
        TIMER_SET => message::timer_set(kernel, arguments),
        YIELD => thread::yield_now(kernel),
        HANDLE_COPY => handle::copy(kernel, arguments),
        HANDLE_CLOSE => handle::close(kernel, arguments),
        ENDPOINT_CREATE => object::create_endpoint(kernel, arguments),
        SPACE_CREATE => object::create_space(kernel, arguments),
        THREAD_CREATE => object::create_thread(kernel, arguments),
        OBJECT_DESTROY => object::destroy(kernel, arguments),
        SPACE_DONATE => space::donate(kernel, arguments),
        SPACE_RECLAIM => space::reclaim(kernel, arguments),
        SPACE_WRITE => space::write(kernel, arguments),
        SPACE_CLEAR => space::clear(kernel, arguments),
        SPACE_EXTEND => space::extend(kernel, arguments),
        THREAD_EXCEPTIONS => thread::set_exceptions(kernel, arguments),
        THREAD_INHERIT => thread::inherit(kernel, arguments),
        THREAD_SPAWN => thread::spawn(kernel, arguments),
        THREAD_SUSPEND => thread::suspend(kernel, arguments),
        THREAD_KICK => thread::kick(kernel, arguments),
        THREAD_READ => thread::read(kernel, arguments),
        MASK_CHANGE => thread::change_mask(kernel, arguments),
        // While it handles a Linux call the vector carries them out.
        UPCALL_CALLER | UPCALL_CALLER_SET => Err(Error::Invalid.into()),
        THREAD_PRIORITY => thread::set_priority(kernel, arguments),
        UPCALL_SET => thread::upcall_set(kernel, arguments),
        THREAD_POINTER => thread::set_pointer(kernel, arguments),
        INTERRUPT_BIND => system::bind_interrupt(kernel, arguments),
        INTERRUPT_DONE => system::interrupt_done(kernel, arguments),
        LOG_WRITE => system::log_write(kernel, arguments),
        POWER => system::power(kernel, arguments),
        TRACE_RING => trace::give_ring(kernel, arguments),
        TRACE_SET => trace::set(kernel, arguments),
        _ => Err(Error::BadCall.into()),
    }
}

/// Sets the current thread's result registers. What else is scratch keeps the thread's own values.
#[inline]
fn finish(kernel: &mut Kernel, outcome: Outcome) {
    let (error, value) = match outcome {
        Ok(value) => (0, value),
        Err(failure) => (failure.error as u64, failure.count),
    };
    let x = &mut kernel.current().registers.x;
    (x[0], x[1]) = (error, value);
}

/// Sets x0 to x5.
fn finish_with(kernel: &mut Kernel, error: u64, values: [u64; 5]) {
    let x = &mut kernel.current().registers.x;
    x[0] = error;
    x[1..6].copy_from_slice(&values);
}

impl Kernel {
    /// What `handle` names in the current thread's table.
    fn slot(&mut self, handle: u64) -> Result<Slot, Error> {
        let space = self.current().space;
        kernel_core::space::get(&mut self.memory, space, handle)
    }

    fn endpoint_of(&mut self, handle: u64, rights: Rights) -> Result<EndpointId, Error> {
        Ok(EndpointId(
            self.slot(handle)?
                .expect(SlotKind::Endpoint, rights)?
                .object,
        ))
    }

    /// The thread that `handle` names, if it still lives.
    fn thread_of(&mut self, handle: u64) -> Result<ThreadId, Error> {
        let slot = self
            .slot(handle)?
            .expect(SlotKind::Thread, Rights::CONTROL)?;
        let id = ThreadId(slot.object);
        match self.memory.is_thread(id.0) && self.memory.thread(id).serial == slot.badge {
            true => Ok(id),
            false => Err(Error::BadHandle),
        }
    }

    /// The space that `handle` names, if it still lives.
    fn space_of(&mut self, handle: u64) -> Result<SpaceId, Error> {
        let slot = self.slot(handle)?.expect(SlotKind::Space, Rights::MAP)?;
        let id = SpaceId(slot.object);
        match self.memory.frames.is(id.0, Kind::Space) && self.memory.space(id).serial == slot.badge
        {
            true => Ok(id),
            false => Err(Error::BadHandle),
        }
    }

    fn system(&mut self, handle: u64, right: Rights) -> Result<(), Error> {
        self.slot(handle)?
            .expect(SlotKind::System, right)
            .map(|_| ())
    }

    /// An optional endpoint argument: 0 is none.
    fn endpoint_or_none(&mut self, handle: u64) -> Result<EndpointId, Error> {
        match handle {
            0 => Ok(EndpointId::NONE),
            given => self.endpoint_of(given, Rights::SEND | Rights::GRANT),
        }
    }
}
