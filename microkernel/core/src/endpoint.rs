//! Endpoints: who waits for whom, and how a message, a reply or a notification passes.
//!
//! Invariants: a receiver waits only while nobody sends and no notification is set; a thread that
//! awaits a reply is in no queue; `last_token` names a call that the fast path may answer, and is
//! cleared by everything else that ends that call's wait.

use crate::object::{EndpointId, Objects, ThreadId};
use crate::queue::Queue;
use crate::space::{self, SlotPages};
use crate::thread::{State, Thread, flag};
use crate::trace;
use abi::message::{TokenState, label, notify};
use abi::{Badge, Error, Lease, Message, Rights, Token};

/// An endpoint. One page; the fast path knows the first fields' offsets.
#[repr(C)]
pub struct Endpoint {
    /// The thread that waits for a message.
    pub receiver: ThreadId,
    /// Number of slots that name this endpoint.
    pub references: u32,
    /// Token of the last call that the fast path delivered and that still waits; 0 for none.
    pub last_token: Token,
    /// Notification bits that nobody has received yet.
    pub notification: u64,
    /// Threads that wait to be heard, first come first.
    pub senders: Queue,
    /// Counter value at which the timer bit is set; `u64::MAX` for never.
    pub deadline: u64,
    /// Next endpoint in the kernel's list of timers.
    pub next_timer: EndpointId,
    /// 1 while it is in the list of timers.
    pub in_timers: u32,
    /// The last traced notification that nobody has received yet; 0 for none.
    pub cause: u32,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::new()
    }
}

impl Endpoint {
    /// An endpoint where nobody waits.
    pub fn new() -> Endpoint {
        Endpoint {
            receiver: ThreadId::NONE,
            references: 0,
            last_token: Token::NONE,
            notification: 0,
            senders: Queue::EMPTY,
            deadline: u64::MAX,
            next_timer: EndpointId::NONE,
            in_timers: 0,
            cause: 0,
        }
    }

    /// Makes an endpoint of zeros what [`Self::new`] returns.
    pub fn init(&mut self) {
        *self = Self::new();
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Sent {
    /// This server has it and should run now.
    Delivered(ThreadId),
    /// It waits in the queue.
    Queued,
    /// There is nobody to send it to: the thread stays stopped for good.
    Nobody,
}

/// What a reply did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Replied {
    /// The caller has its answer and can run.
    Woken(ThreadId),
    /// The pager declined a fault, which went on as an exception.
    Escalated(Sent),
}

/// Sends what `caller` has staged (registers or kernel message, leases, handle) and makes it wait.
pub fn call(
    objects: &mut (impl Objects + SlotPages),
    id: EndpointId,
    caller: ThreadId,
    badge: Badge,
) -> Sent {
    let thread = objects.thread(caller);
    thread.sequence = thread.sequence.wrapping_add(1);
    thread.endpoint = id;
    thread.badge = badge;
    let watched = thread.has(trace::WATCHED);
    let endpoint = objects.endpoint(id);
    let receiver = core::mem::take(&mut endpoint.receiver);
    if watched {
        trace::called(objects, id, caller, receiver);
    }
    if receiver.is_some() {
        deliver(objects, caller, receiver);
        return Sent::Delivered(receiver);
    }
    objects.thread(caller).state = State::Sending;
    let mut senders = objects.endpoint(id).senders;
    senders.push_back(objects, caller);
    objects.endpoint(id).senders = senders;
    Sent::Queued
}

/// Sends the kernel's own `message` on behalf of `thread` to `id`.
pub fn call_from_kernel(
    objects: &mut (impl Objects + SlotPages),
    id: EndpointId,
    thread: ThreadId,
    badge: u64,
    message: Message,
) -> Sent {
    let faulted = objects.thread(thread);
    faulted.kernel_message = message;
    faulted.leases = [Lease::NONE; 2];
    faulted.flags = faulted.flags & !flag::WITH_HANDLE | flag::KERNEL_MESSAGE;
    if message.label == label::PAGE_FAULT {
        faulted.flags |= flag::PAGE_FAULT;
    }
    if !id.is_some() {
        faulted.state = State::Inactive;
        return Sent::Nobody;
    }
    call(objects, id, thread, Badge(badge | Badge::KERNEL))
}

/// Hands `sender`'s message to `receiver`, who leaves its wait.
fn deliver(objects: &mut (impl Objects + SlotPages), sender: ThreadId, receiver: ThreadId) {
    let handle = pass_handle(objects, sender, receiver);
    let thread = objects.thread(sender);
    thread.state = State::AwaitingReply;
    let (message, badge, token, leases) = (
        thread.message(),
        thread.badge,
        thread.token(sender),
        thread.leases,
    );
    let (kicked, endpoint) = (thread.has(flag::KICKED), thread.endpoint);
    let watched = thread.has(trace::WATCHED);
    if kicked && !badge.is_kernel() {
        objects.endpoint(endpoint).notification |= notify::CANCELLED;
    }
    let server = objects.thread(receiver);
    server.state = State::Ready;
    server.set_results(0, &message);
    server.set_origin(badge, token, leases, handle);
    if watched {
        trace::delivered(objects, sender, receiver);
    }
}

/// Copies the handle that `from` passes into `to`'s table; 0 if there is none, or no room for it.
fn pass_handle(objects: &mut (impl Objects + SlotPages), from: ThreadId, to: ThreadId) -> u32 {
    let thread = objects.thread(from);
    if !thread.has(flag::WITH_HANDLE) {
        return 0;
    }
    thread.flags &= !flag::WITH_HANDLE;
    let (source, handle) = (thread.space, u64::from(thread.passed_handle));
    let target = objects.thread(to).space;
    let Ok(slot) = space::get(objects, source, handle) else {
        return 0;
    };
    if !slot.rights().contains(Rights::GRANT) {
        return 0;
    }
    space::put(objects, target, 0, slot).unwrap_or(0)
}

/// Hands `server` the next notification or message of endpoint `id`; false if there is none.
pub fn poll(objects: &mut (impl Objects + SlotPages), id: EndpointId, server: ThreadId) -> bool {
    let thread = objects.thread(server);
    if thread.has(flag::FOLLOWED) {
        trace::receives(thread);
    }
    let endpoint = objects.endpoint(id);
    let bits = core::mem::take(&mut endpoint.notification);
    if bits != 0 {
        let mut message = Message {
            label: label::NOTIFICATION,
            ..Message::default()
        };
        message.words[0] = bits;
        let thread = objects.thread(server);
        thread.state = State::Ready;
        thread.set_results(0, &message);
        thread.set_origin(Badge(Badge::KERNEL), Token::NONE, [Lease::NONE; 2], 0);
        if objects.endpoint(id).cause != 0 {
            trace::notification_received(objects, id, server);
        }
        return true;
    }
    let mut senders = endpoint.senders;
    let Some(sender) = senders.pop_front(objects) else {
        return false;
    };
    objects.endpoint(id).senders = senders;
    if objects.thread(sender).has(trace::WATCHED) {
        trace::received(objects, id, sender, server);
    }
    deliver(objects, sender, server);
    true
}

/// As [`poll`], but makes `server` wait if there is nothing. True if it has something.
///
/// # Errors
/// [`Error::Invalid`] if another thread waits here already.
pub fn receive(
    objects: &mut (impl Objects + SlotPages),
    id: EndpointId,
    server: ThreadId,
) -> Result<bool, Error> {
    if poll(objects, id, server) {
        return Ok(true);
    }
    let endpoint = objects.endpoint(id);
    if endpoint.receiver.is_some() {
        return Err(Error::Invalid);
    }
    endpoint.receiver = server;
    let thread = objects.thread(server);
    thread.state = State::Receiving;
    thread.endpoint = id;
    Ok(false)
}

/// The thread that waits with `token` for a reply of endpoint `id`.
///
/// # Errors
/// [`Error::StaleToken`] if there is none.
pub fn waiting(
    objects: &mut impl Objects,
    id: EndpointId,
    token: Token,
) -> Result<ThreadId, Error> {
    let caller = ThreadId((token.0 >> 32) as u32);
    if !objects.is_thread(caller.0) {
        return Err(Error::StaleToken);
    }
    let thread = objects.thread(caller);
    if thread.state != State::AwaitingReply
        || thread.endpoint != id
        || thread.token(caller) != token
    {
        return Err(Error::StaleToken);
    }
    Ok(caller)
}

/// Answers the caller of `token` with what is in `server`'s registers (label x1, words x2-x9) and,
/// if it passes one, a handle.
///
/// # Errors
/// [`Error::StaleToken`] if nobody waits for it.
pub fn reply(
    objects: &mut (impl Objects + SlotPages),
    id: EndpointId,
    server: ThreadId,
    token: Token,
) -> Result<Replied, Error> {
    let caller = match waiting(objects, id, token) {
        Ok(caller) => caller,
        Err(error) => {
            objects.thread(server).flags &= !flag::WITH_HANDLE;
            return Err(error);
        }
    };
    forget_last(objects, id, token);
    if objects.thread(caller).has(trace::WATCHED) {
        trace::replied(objects, id, server, caller);
    }
    let thread = objects.thread(caller);
    if !thread.has(flag::KERNEL_MESSAGE) {
        let handle = pass_handle(objects, server, caller);
        let message = objects.thread(server).message();
        let thread = objects.thread(caller);
        thread.state = State::Ready;
        thread.set_results(0, &message);
        thread.registers.x[16] = u64::from(handle);
        return Ok(Replied::Woken(caller));
    }
    let escalates = thread.has(flag::PAGE_FAULT);
    objects.thread(server).flags &= !flag::WITH_HANDLE;
    let label = objects.thread(server).registers.x[1];
    if label != 0 && escalates {
        return Ok(Replied::Escalated(escalate(objects, caller, label)));
    }
    let thread = objects.thread(caller);
    thread.flags &= !(flag::KERNEL_MESSAGE | flag::PAGE_FAULT);
    thread.state = State::Ready;
    Ok(Replied::Woken(caller))
}

/// Turns a declined page fault into an exception, with the pager's reason in word 3.
fn escalate(objects: &mut (impl Objects + SlotPages), id: ThreadId, reason: u64) -> Sent {
    let thread = objects.thread(id);
    thread.flags &= !flag::PAGE_FAULT;
    let fault = thread.kernel_message.words;
    let message = exception(thread, 0, fault[0], reason, fault[1]);
    let (endpoint, badge) = (thread.exceptions, thread.exception_badge);
    call_from_kernel(objects, endpoint, id, badge, message)
}

/// The message that tells of an exception of `thread`.
#[inline]
pub fn exception(thread: &Thread, esr: u64, far: u64, reason: u64, access: u64) -> Message {
    let registers = &thread.registers;
    let words = [
        esr,
        far,
        registers.pc,
        reason,
        registers.sp,
        registers.x[30],
        access,
        0,
    ];
    Message {
        label: label::EXCEPTION,
        words,
    }
}

fn forget_last(objects: &mut impl Objects, id: EndpointId, token: Token) {
    let endpoint = objects.endpoint(id);
    if endpoint.last_token == token {
        endpoint.last_token = Token::NONE;
    }
}

/// Sets notification bits; returns the receiver if that ended its wait.
pub fn signal(
    objects: &mut (impl Objects + SlotPages),
    id: EndpointId,
    bits: u64,
) -> Option<ThreadId> {
    let endpoint = objects.endpoint(id);
    endpoint.notification |= bits;
    if endpoint.notification == 0 {
        return None;
    }
    let receiver = core::mem::take(&mut endpoint.receiver);
    if !receiver.is_some() {
        return None;
    }
    poll(objects, id, receiver);
    Some(receiver)
}

/// State of the caller of `token`, as the endpoint's server may know it.
pub fn token_state(objects: &mut impl Objects, id: EndpointId, token: Token) -> TokenState {
    match waiting(objects, id, token) {
        Err(_) => TokenState::Gone,
        Ok(caller) if objects.thread(caller).has(flag::KICKED) => TokenState::Interrupted,
        Ok(_) => TokenState::Waiting,
    }
}

/// Takes `id` out of whatever it waits in. Its server, if one has its call, is told by the
/// returned endpoint's `CANCELLED` bit, which the caller of this function signals.
pub fn cancel_wait(objects: &mut impl Objects, id: ThreadId) -> Option<EndpointId> {
    let thread = objects.thread(id);
    let (state, endpoint, token) = (thread.state, thread.endpoint, thread.token(id));
    thread.flags &= !(flag::KERNEL_MESSAGE | flag::PAGE_FAULT | flag::WITH_HANDLE);
    thread.state = State::Ready;
    match state {
        State::Ready | State::Inactive => None,
        State::Receiving => {
            objects.endpoint(endpoint).receiver = ThreadId::NONE;
            None
        }
        State::Sending => {
            let mut senders = objects.endpoint(endpoint).senders;
            senders.remove(objects, id);
            objects.endpoint(endpoint).senders = senders;
            None
        }
        State::AwaitingReply => {
            forget_last(objects, endpoint, token);
            Some(endpoint)
        }
    }
}

/// What a kick did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Kicked {
    /// The upcall comes when the thread next runs.
    Later,
    /// Its wait is over with `Interrupted`: it can run.
    Woken,
    /// A server has its call: that endpoint's `CANCELLED` bit is to be signalled.
    AtServer(EndpointId),
}

/// Asks for an upcall of `id`, and cuts an interruptible wait short.
pub fn kick(objects: &mut impl Objects, id: ThreadId) -> Kicked {
    let thread = objects.thread(id);
    thread.flags |= flag::KICKED;
    if thread.has(flag::KERNEL_MESSAGE) {
        return Kicked::Later;
    }
    match thread.state {
        State::Ready | State::Inactive => Kicked::Later,
        State::AwaitingReply => Kicked::AtServer(thread.endpoint),
        State::Sending | State::Receiving => {
            cancel_wait(objects, id);
            objects
                .thread(id)
                .set_results(Error::Interrupted as u64, &Message::default());
            Kicked::Woken
        }
    }
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
