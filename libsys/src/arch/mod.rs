//! The door to the kernel: one short function per kernel call, and the assembly of start and upcall.
//!
//! The register contract is the table in `abi::call`. Every function here is safe to call: what a
//! caller gets wrong the kernel refuses, because it trusts no register. The few functions that take
//! raw addresses from user space let the kernel write only where the caller's types own the memory.

mod buffer;
#[cfg(not(target_arch = "aarch64"))]
#[path = "host.rs"]
mod machine;
#[cfg(target_arch = "aarch64")]
mod machine;
mod objects;
mod system;
mod threads;
mod upcall;

pub use machine::{raw_kernel_call, raw_svc};
pub use objects::*;
pub use system::*;
pub use threads::*;
pub(crate) use upcall::upcall_register;

use abi::message::TokenState;
use abi::{Badge, Error, Handle, Lease, Message, Token, WORDS, call as number};
use buffer::{through, touch, touch_mut};

/// A message as a server receives it.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Who sent it.
    pub badge: Badge,
    /// Names the waiting caller; [`Token::NONE`] if nobody waits.
    pub token: Token,
    /// The message.
    pub message: Message,
    /// Length words of the caller's leases.
    pub leases: [u64; 2],
    /// The handle that came with it, or [`Handle::NONE`].
    pub handle: Handle,
}

/// A reply as a caller gets it.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The message.
    pub message: Message,
    /// The handle that came with it, or [`Handle::NONE`].
    pub handle: Handle,
}

/// Why a lease copy stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseStop {
    /// The reason.
    pub error: Error,
    /// Bytes that were copied.
    pub copied: usize,
}

/// What a message call leaves in the registers.
struct Returned {
    status: u64,
    label: u64,
    words: [u64; WORDS],
    badge: u64,
    token: u64,
    leases: [u64; 2],
    handle: u64,
}

#[inline(always)]
fn with_handle(number: u64, pass: Handle) -> u64 {
    if pass == Handle::NONE {
        number
    } else {
        number | number::WITH_HANDLE
    }
}

#[inline(always)]
fn received(r: Returned) -> Result<Received, Error> {
    Error::check(r.status)?;
    Ok(Received {
        badge: Badge(r.badge),
        token: Token(r.token),
        message: Message {
            label: r.label,
            words: r.words,
        },
        leases: r.leases,
        handle: Handle(r.handle as u32),
    })
}

/// Sends `message` to `endpoint` and waits for the reply. Until then the server may use `leases`;
/// `pass` is a handle to copy to it, or [`Handle::NONE`].
///
/// The leases are addresses that the caller vouches for, see [`crate::lease`].
#[inline(always)]
pub fn call(
    endpoint: Handle,
    message: &Message,
    leases: &[Lease; 2],
    pass: Handle,
) -> Result<Answer, Error> {
    let r = machine::send(
        endpoint.0.into(),
        with_handle(number::CALL, pass),
        message,
        pass.0.into(),
        leases,
    );
    Error::check(r.status)?;
    Ok(Answer {
        message: Message {
            label: r.label,
            words: r.words,
        },
        handle: Handle(r.handle as u32),
    })
}

/// Replies to `token` ([`Token::NONE`]: nobody), then waits on `endpoint` for the next message.
#[inline(always)]
pub fn reply_recv(
    endpoint: Handle,
    token: Token,
    message: &Message,
    pass: Handle,
) -> Result<Received, Error> {
    let number = with_handle(number::REPLY_RECV, pass);
    received(machine::answer(
        endpoint.0.into(),
        number,
        message,
        token.0,
        pass.0.into(),
    ))
}

/// Waits on `endpoint` for the next message.
#[inline(always)]
pub fn receive(endpoint: Handle) -> Result<Received, Error> {
    reply_recv(endpoint, Token::NONE, &Message::default(), Handle::NONE)
}

/// Replies to `token` and goes on.
///
/// # Errors
/// [`Error::StaleToken`] if nobody waits for it.
#[inline(always)]
pub fn reply(endpoint: Handle, token: Token, message: &Message, pass: Handle) -> Result<(), Error> {
    let number = with_handle(number::REPLY, pass);
    Error::check(machine::answer(endpoint.0.into(), number, message, token.0, pass.0.into()).status)
}

/// Takes a waiting message.
///
/// # Errors
/// [`Error::Empty`] if there is none.
pub fn poll(endpoint: Handle) -> Result<Received, Error> {
    received(machine::answer(
        endpoint.0.into(),
        number::POLL,
        &Message::default(),
        0,
        0,
    ))
}

#[inline(always)]
fn simple(number: u64, arguments: [u64; 6]) -> Result<[u64; 6], Error> {
    let x = machine::simple(number, arguments);
    Error::check(x[0])?;
    Ok(x)
}

#[inline(always)]
fn simple_3(number: u64, a: u64, b: u64, c: u64) -> Result<u64, Error> {
    Ok(simple(number, [a, b, c, 0, 0, 0])?[1])
}

/// Sets notification `bits` of `endpoint`.
#[inline(always)]
pub fn signal(endpoint: Handle, bits: u64) -> Result<(), Error> {
    simple_3(number::SIGNAL, endpoint.0.into(), bits, 0).map(drop)
}

/// Copies from a caller's lease, `offset` bytes from its start, to `into`.
///
/// # Errors
/// [`Error::LeaseFault`] with the bytes that were copied before the absent page.
#[inline(always)]
pub fn lease_read(
    endpoint: Handle,
    token: Token,
    lease: u32,
    offset: u64,
    into: &mut [u8],
) -> Result<(), LeaseStop> {
    through(
        into,
        |buffer, done| touch_mut(buffer.get_mut(done..).unwrap_or_default()),
        |buffer, done| {
            let (at, left) = (
                buffer.as_mut_ptr() as u64 + done as u64,
                (buffer.len() - done) as u64,
            );
            let from = offset.wrapping_add(done as u64);
            machine::simple(
                number::LEASE_READ,
                [endpoint.0.into(), token.0, lease.into(), from, at, left],
            )
        },
    )
    .map(drop)
}

/// Copies `from` to a caller's lease, `offset` bytes from its start.
///
/// # Errors
/// As [`lease_read`].
#[inline(always)]
pub fn lease_write(
    endpoint: Handle,
    token: Token,
    lease: u32,
    offset: u64,
    from: &[u8],
) -> Result<(), LeaseStop> {
    through(
        &mut { from },
        |buffer, done| touch(buffer.get(done..).unwrap_or_default()),
        |buffer, done| {
            let (at, left) = (
                buffer.as_ptr() as u64 + done as u64,
                (buffer.len() - done) as u64,
            );
            let to = offset.wrapping_add(done as u64);
            machine::simple(
                number::LEASE_WRITE,
                [endpoint.0.into(), token.0, lease.into(), to, at, left],
            )
        },
    )
    .map(drop)
}

/// What the caller named by `token` does.
pub fn token_state(endpoint: Handle, token: Token) -> TokenState {
    match simple_3(number::TOKEN_STATE, endpoint.0.into(), token.0, 0) {
        Ok(state) if state == TokenState::Waiting as u64 => TokenState::Waiting,
        Ok(state) if state == TokenState::Interrupted as u64 => TokenState::Interrupted,
        _ => TokenState::Gone,
    }
}

/// Sets the timer of `endpoint` to a value of [`counter`]; `u64::MAX` stops it.
pub fn timer_set(endpoint: Handle, ticks: u64) -> Result<(), Error> {
    simple_3(number::TIMER_SET, endpoint.0.into(), ticks, 0).map(drop)
}

/// Lets other threads of the same priority run.
pub fn yield_now() {
    machine::simple(number::YIELD, [0; 6]);
}

/// Enters the kernel and returns. For measurements.
#[inline(always)]
pub fn null() {
    machine::simple(number::NULL, [0; 6]);
}

/// The time since the machine started, in ticks (`CNTVCT_EL0`).
#[inline(always)]
pub fn counter() -> u64 {
    machine::counter()
}

/// Ticks of [`counter`] per second (`CNTFRQ_EL0`).
#[inline(always)]
pub fn counter_hz() -> u64 {
    machine::counter_hz()
}

/// Stops for good where nothing else is left to do: a breakpoint, which ends the process.
pub fn abort() -> ! {
    #[cfg(target_arch = "aarch64")]
    loop {
        // SAFETY: the breakpoint exception goes to whoever watches over this process.
        unsafe { core::arch::asm!("brk #0xdead", options(nostack, nomem)) };
    }
    #[cfg(not(target_arch = "aarch64"))]
    panic!("abort")
}
