//! The server: which part answers which request, and what happens to those who wait.

use crate::{
    message::Messages,
    ports::Ports,
    semaphore::{Control, Semaphores},
    shared::Shared,
    table::Wanted,
};
use abi::{Errno, Token};
use proto::{
    Pid,
    ipc::{Reply, Request},
    port::{Incoming, LeaseError, LeaseInfo, Outcome, Refusal, TokenState},
    publish::Credentials,
};
use serde::{Deserialize, Serialize};

/// What a request that does not wait leads to.
pub(crate) type Answer = Result<Reply, Refusal>;

const SECOND_NS: u64 = 1_000_000_000;

/// The server's whole state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipc {
    messages: Messages,
    semaphores: Semaphores,
    shared: Shared,
    /// Nanoseconds from 1970 to boot.
    epoch_ns: u64,
}

impl proto::handover::State for Ipc {
    type Service = proto::ipc::Ipc;
    const FORM: &'static str = "ipc";
}

/// A request's circumstances.
pub(crate) struct Call<'a> {
    pub(crate) sender: Pid,
    /// The sender's credentials.
    pub(crate) who: &'a Credentials,
    pub(crate) token: Token,
    /// Lease 0.
    pub(crate) lease: LeaseInfo,
    /// Wall clock, in seconds.
    pub(crate) now_s: i64,
    pub(crate) ports: &'a mut dyn Ports,
}

impl Call<'_> {
    /// Copies the start of lease 0.
    pub(crate) fn read_lease(&mut self, into: &mut [u8]) -> Result<(), LeaseError> {
        if into.is_empty() {
            Ok(())
        } else {
            self.ports.read(self.token, 0, 0, into)
        }
    }

    /// Copies to the start of lease 0.
    pub(crate) fn write_lease(&mut self, from: &[u8]) -> Result<(), LeaseError> {
        self.ports.write(self.token, 0, 0, from)
    }
}

/// Whether a parked caller goes on waiting: if it was interrupted it is answered, and whether
/// interrupted or gone it is to be forgotten.
pub(crate) fn still_waits(token: Token, ports: &mut dyn Ports) -> bool {
    match ports.state(token) {
        TokenState::Waiting => true,
        TokenState::Gone => false,
        TokenState::Interrupted => {
            // If it is gone meanwhile nobody has to be told.
            let _ = ports.reply(token, Err(Errno::EINTR.into()));
            false
        }
    }
}

impl Ipc {
    /// A server without objects. `epoch_ns`: nanoseconds from 1970 to boot, for the times that
    /// objects show.
    pub fn new(epoch_ns: u64) -> Self {
        Ipc {
            epoch_ns,
            ..Ipc::default()
        }
    }

    /// Answers or parks a request.
    pub fn handle(&mut self, incoming: Incoming<Request>, ports: &mut dyn Ports) -> Outcome<Reply> {
        self.messages.forget_given();
        let mut who = Credentials::default();
        if !incoming.sender.is_server() && !ports.read_credentials(incoming.sender, &mut who) {
            return Outcome::Reply(Err(Errno::ESRCH.into()));
        }
        let now_s = self.seconds(ports);
        if leaves_traces(&incoming.request) && !note(incoming.sender, incoming.token, ports) {
            return Outcome::Parked;
        }
        let mut call = Call {
            sender: incoming.sender,
            who: &who,
            token: incoming.token,
            lease: incoming.leases[0],
            now_s,
            ports,
        };
        let outcome = self.dispatch(incoming.request, &mut call);
        // A timer that is set for nobody any more does nothing.
        if let (Request::SemaphoreOperate { .. }, Outcome::Parked) = (incoming.request, &outcome) {
            ports.wake_at(self.semaphores.next_deadline());
        }
        outcome
    }

    fn dispatch(&mut self, request: Request, call: &mut Call<'_>) -> Outcome<Reply> {
        let answer = match request {
            Request::MessageSend { id, kind, flags } => {
                return self.messages.send(id, kind, flags, call);
            }
            Request::MessageReceive { id, kind, flags } => {
                return self.messages.receive(id, kind, flags, call);
            }
            Request::SemaphoreOperate { id, timeout_ns } => {
                return self.semaphores.operate(id, timeout_ns, call);
            }
            Request::MessageGet { key, flags } => self.messages.get(Wanted { key, flags }, call),
            Request::MessageControl { id, command } => self.messages.control(id, command, call),
            Request::SemaphoreGet { key, count, flags } => {
                self.semaphores.get(Wanted { key, flags }, count, call)
            }
            Request::SemaphoreControl {
                id,
                index,
                command,
                value,
            } => self.semaphores.control(
                Control {
                    id,
                    index,
                    command,
                    value,
                },
                call,
            ),
            Request::SharedGet { key, bytes, flags } => {
                self.shared.get(Wanted { key, flags }, bytes, call)
            }
            Request::SharedAttach { id, address, flags } => {
                self.shared.attach(id, address, flags, call)
            }
            Request::SharedDetach { address } => self.shared.detach(address, call),
            Request::SharedControl { id, command } => self.shared.control(id, command, call),
            Request::Fork { parent, child } => self.fork(parent, child, call),
            Request::Exit { process, exec } => self.exit(process, exec, call),
        };
        Outcome::Reply(answer)
    }

    fn fork(&mut self, parent: Pid, child: Pid, call: &mut Call<'_>) -> Answer {
        if !call.sender.is_server() {
            return Err(Errno::EPERM.into());
        }
        if self.shared.has_attachments(parent.0) {
            call.ports.note(child, true);
            self.shared.fork(parent.0, child.0);
        }
        Ok(Reply::Done)
    }

    fn exit(&mut self, process: Pid, exec: bool, call: &mut Call<'_>) -> Answer {
        if !call.sender.is_server() {
            return Err(Errno::EPERM.into());
        }
        self.shared.exit(process.0, call.ports, call.now_s);
        if !exec {
            self.semaphores.exit(process.0, call.ports, call.now_s);
            call.ports.note(process, false);
        }
        Ok(Reply::Done)
    }

    /// The caller of the request that was just answered is gone: it changed nothing.
    pub fn unheard(&mut self) {
        self.messages.take_back();
    }

    /// A caller was interrupted or died (the endpoint's `CANCELLED` notification).
    pub fn cancelled(&mut self, ports: &mut dyn Ports) {
        self.messages.cancel(ports);
        self.semaphores.cancel(ports);
        ports.wake_at(self.semaphores.next_deadline());
    }

    /// The server's timer ran out.
    pub fn tick(&mut self, ports: &mut dyn Ports) {
        let now_ns = ports.now_ns();
        self.semaphores.expire(ports, now_ns);
        ports.wake_at(self.semaphores.next_deadline());
    }

    /// Whether this server must hear of the process's fork, exec or end.
    pub fn has_state(&self, pid: Pid) -> bool {
        self.shared.has_attachments(pid.0) || self.semaphores.has_undo(pid.0)
    }

    fn seconds(&self, ports: &mut dyn Ports) -> i64 {
        (self.epoch_ns.saturating_add(ports.now_ns()) / SECOND_NS) as i64
    }
}

/// Whether a request may leave something that ends with its process.
fn leaves_traces(request: &Request) -> bool {
    matches!(
        request,
        Request::SharedAttach { .. } | Request::SemaphoreOperate { .. }
    )
}

/// Notes a program before it leaves its first trace; false if it is already gone.
///
/// `proc` destroys a process before it looks for the note, and here the note is written before
/// looking for the caller: so either `proc` sees the note, or it is seen here that the caller is
/// gone, and no trace outlives its process.
fn note(sender: Pid, token: Token, ports: &mut dyn Ports) -> bool {
    if sender.is_server() || ports.is_noted(sender) {
        return true;
    }
    ports.note(sender, true);
    let is_there = ports.state(token) != TokenState::Gone;
    if !is_there {
        ports.note(sender, false);
    }
    is_there
}
