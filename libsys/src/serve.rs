//! The loop of a server: one message at a time, one kernel entry per message.
//!
//! Every request is answered exactly once: at once, or later through [`KernelCallers`] if the
//! service parked it, or here if it cannot be read.

use crate::arch::{self, Received};
use abi::message::{TokenState, label};
use abi::{Error, Handle, Lease, Message, Token};
use core::marker::PhantomData;
use proto::port::{Callers, Clock, Gone, Incoming, LeaseError, LeaseInfo, Outcome, Refusal};
use proto::wire::{self, Words};
use proto::{Pid, Protocol};

/// A page fault that the kernel reports to a space's pager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose space: the badge given at `SPACE_CREATE`.
    pub space: Pid,
    /// Names the waiting thread.
    pub token: Token,
    /// The address.
    pub address: u64,
    /// [`abi::message::access`] bits.
    pub access: u64,
    /// The instruction.
    pub pc: u64,
}

/// An exception that the kernel reports to a thread's exception endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Whose thread: the badge given at `THREAD_EXCEPTIONS`.
    pub process: Pid,
    /// Names the waiting thread.
    pub token: Token,
    /// `ESR_EL1`.
    pub esr: u64,
    /// `FAR_EL1`.
    pub address: u64,
    /// The instruction.
    pub pc: u64,
    /// [`abi::message::decline`] code of a page fault that the pager declined, else 0.
    pub decline: u64,
    /// Stack pointer.
    pub sp: u64,
    /// Link register.
    pub x30: u64,
    /// [`abi::message::access`] bits of a page fault.
    pub access: u64,
}

/// What becomes of a thread that the kernel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on and tries again.
    Resume,
    /// A pager declines, with this [`abi::message::decline`] code.
    Decline(u64),
    /// It waits; see [`KernelCallers::resume`].
    Parked,
}

/// What a server's binary makes of its library.
pub trait Service<P: Protocol> {
    /// Handles a request.
    fn request(&mut self, incoming: Incoming<P::Request>) -> Outcome<P::Reply>;

    /// Reads a message and handles the request in it. A service may do it itself, so that each label
    /// leads straight to what answers it, without a request being put together and taken apart between.
    #[inline(always)]
    fn message(&mut self, incoming: Incoming<&Message>) -> Outcome<P::Reply> {
        match wire::decode(incoming.request) {
            Ok(request) => self.request(Incoming {
                sender: incoming.sender,
                token: incoming.token,
                leases: incoming.leases,
                request,
            }),
            Err(error) => Outcome::Reply(Err(error.errno().into())),
        }
    }

    /// The handle to pass with the reply that [`Service::request`] just gave.
    #[inline(always)]
    fn reply_handle(&mut self) -> Handle {
        Handle::NONE
    }

    /// The caller that was answered last is gone: what was done for it is to be undone where others
    /// could notice.
    fn unheard(&mut self) {}

    /// Handles a page fault.
    fn fault(&mut self, fault: Fault) -> Verdict {
        let _ = fault;
        Verdict::Decline(abi::message::decline::NOT_MAPPED)
    }

    /// Handles an exception. Parked forever by default: the thread stays where it is.
    fn exception(&mut self, exception: Exception) -> Verdict {
        let _ = exception;
        Verdict::Parked
    }

    /// Handles notification bits ([`abi::message::notify`] and the server's own).
    fn notification(&mut self, bits: u64) {
        let _ = bits;
    }
}

/// What is sent when the loop enters the kernel next.
struct Next {
    token: Token,
    message: Message,
    handle: Handle,
}

impl Next {
    const NOTHING: Next = Next {
        token: Token::NONE,
        message: Message {
            label: 0,
            words: [0; 8],
        },
        handle: Handle::NONE,
    };
}

/// Serves `endpoint` for good.
pub fn serve<P: Protocol, S: Service<P>>(endpoint: Handle, service: &mut S) -> ! {
    let mut next = Next::NOTHING;
    loop {
        match arch::reply_recv(endpoint, next.token, &next.message, next.handle) {
            Ok(received) => handle(service, &received, &mut next),
            Err(error) => {
                let answered = core::mem::replace(&mut next.token, Token::NONE);
                next.handle = Handle::NONE;
                if error == Error::StaleToken && answered != Token::NONE {
                    service.unheard();
                }
                failed(error);
            }
        }
    }
}

/// Receiving fails only when the endpoint is not ours: then there is nothing left to serve.
#[cold]
fn failed(error: Error) {
    match error {
        Error::Interrupted | Error::StaleToken | Error::NoSlot => {}
        _ => panic!("cannot receive: {error:?}"),
    }
}

/// Handles a message, and says in `next` what is sent when the loop enters the kernel next.
#[inline(always)]
fn handle<P: Protocol, S: Service<P>>(service: &mut S, received: &Received, next: &mut Next) {
    next.token = Token::NONE;
    next.handle = Handle::NONE;
    if received.handle != Handle::NONE {
        // No request takes a handle; keeping it would let a client fill the table.
        let _ = arch::handle_close(received.handle);
    }
    if received.badge.is_kernel() {
        *next = handle_kernel(service, received);
        return;
    }
    let incoming = Incoming {
        sender: Pid(received.badge.0 as u32),
        token: received.token,
        leases: received.leases.map(lease_info),
        request: &received.message,
    };
    if let Outcome::Reply(reply) = service.message(incoming) {
        next.message = wire::encode_reply(&reply);
        next.token = received.token;
        next.handle = service.reply_handle();
    }
}

#[inline(always)]
fn lease_info(length: u64) -> LeaseInfo {
    LeaseInfo {
        bytes: (length & Lease::LENGTH) as usize,
        readable: length & Lease::READ != 0,
        writable: length & Lease::WRITE != 0,
    }
}

fn handle_kernel<P: Protocol, S: Service<P>>(service: &mut S, received: &Received) -> Next {
    let words = received.message.words;
    let number = Pid(received.badge.number() as u32);
    let token = received.token;
    let verdict = match received.message.label {
        label::PAGE_FAULT => service.fault(Fault {
            space: number,
            token,
            address: words[0],
            access: words[1],
            pc: words[2],
        }),
        label::EXCEPTION => service.exception(Exception {
            process: number,
            token,
            esr: words[0],
            address: words[1],
            pc: words[2],
            decline: words[3],
            sp: words[4],
            x30: words[5],
            access: words[6],
        }),
        label::NOTIFICATION => {
            service.notification(words[0]);
            Verdict::Parked
        }
        _ => Verdict::Parked,
    };
    match verdict {
        Verdict::Resume => Next {
            token,
            ..Next::NOTHING
        },
        Verdict::Decline(code) => Next {
            token,
            message: Message {
                label: code,
                words: [0; 8],
            },
            ..Next::NOTHING
        },
        Verdict::Parked => Next::NOTHING,
    }
}

/// The callers of a service, by kernel calls.
#[derive(Debug)]
pub struct KernelCallers<P> {
    endpoint: Handle,
    protocol: PhantomData<fn() -> P>,
}

impl<P> Clone for KernelCallers<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for KernelCallers<P> {}

impl<P: Protocol> KernelCallers<P> {
    /// The callers of `endpoint`.
    pub const fn new(endpoint: Handle) -> Self {
        Self {
            endpoint,
            protocol: PhantomData,
        }
    }

    /// Answers a caller and passes it a handle.
    ///
    /// # Errors
    /// [`Gone`] if it no longer waits.
    pub fn reply_with_handle(
        &self,
        token: Token,
        reply: P::Reply,
        handle: Handle,
    ) -> Result<(), Gone> {
        let message = wire::encode_reply(&Ok(reply));
        arch::reply(self.endpoint, token, &message, handle).map_err(|_| Gone)
    }

    /// Lets a thread with a parked fault or exception go on; `code` is 0, or the
    /// [`abi::message::decline`] code of a declined fault.
    ///
    /// # Errors
    /// [`Gone`] if it no longer waits.
    pub fn resume(&self, token: Token, code: u64) -> Result<(), Gone> {
        let message = Message {
            label: code,
            words: [0; 8],
        };
        arch::reply(self.endpoint, token, &message, Handle::NONE).map_err(|_| Gone)
    }
}

#[inline(always)]
fn lease_error(stop: arch::LeaseStop, lease: u32, offset: u64) -> LeaseError {
    match stop.error {
        Error::LeaseFault => LeaseError::Absent {
            lease,
            offset: offset + stop.copied as u64,
        },
        Error::StaleToken => LeaseError::Gone,
        _ => LeaseError::Invalid,
    }
}

impl<P: Protocol<Reply = R>, R: Words> Callers<R> for KernelCallers<P> {
    #[inline(always)]
    fn read(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        arch::lease_read(self.endpoint, token, lease, offset, into)
            .map_err(|stop| lease_error(stop, lease, offset))
    }

    #[inline(always)]
    fn write(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        from: &[u8],
    ) -> Result<(), LeaseError> {
        arch::lease_write(self.endpoint, token, lease, offset, from)
            .map_err(|stop| lease_error(stop, lease, offset))
    }

    #[inline(always)]
    fn reply(&mut self, token: Token, reply: Result<R, Refusal>) -> Result<(), Gone> {
        arch::reply(
            self.endpoint,
            token,
            &wire::encode_reply(&reply),
            Handle::NONE,
        )
        .map_err(|_| Gone)
    }

    #[inline(always)]
    fn state(&mut self, token: Token) -> TokenState {
        arch::token_state(self.endpoint, token)
    }
}

/// The clock of the machine and the timer of a server's endpoint.
#[derive(Debug)]
pub struct KernelClock {
    endpoint: Handle,
    deadline: Option<u64>,
}

impl KernelClock {
    /// A clock whose timer notifies `endpoint`.
    pub const fn new(endpoint: Handle) -> Self {
        Self {
            endpoint,
            deadline: None,
        }
    }
}

impl Clock for KernelClock {
    fn now_ns(&mut self) -> u64 {
        crate::clock::now_ns()
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        let passed = self
            .deadline
            .is_some_and(|deadline| deadline <= crate::clock::now_ns());
        if self.deadline == deadline_ns && !passed {
            return;
        }
        self.deadline = deadline_ns;
        let ticks = deadline_ns.map_or(u64::MAX, crate::clock::ticks_at);
        // It can fail only if the endpoint is not ours, which receiving finds out.
        let _ = arch::timer_set(self.endpoint, ticks);
    }
}
