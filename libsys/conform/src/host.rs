//! The callers of a server under test on the host: their memory, and what they were answered.

use crate::{Answer, Caller, Lease, User, World};
use abi::Token;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use proto::port::{
    Callers, Clock, Gone, Incoming, LeaseError, LeaseInfo, Outcome, Refusal, TokenState,
};
use proto::{Pid, Protocol};

/// One request that was sent.
struct Sent<R> {
    leases: [Lease; 2],
    state: TokenState,
    answer: Option<Result<R, Refusal>>,
}

/// All callers of one server.
pub struct HostCallers<R> {
    sent: BTreeMap<Token, Sent<R>>,
    latest: BTreeMap<Caller, Token>,
    next: u64,
}

impl<R> Default for HostCallers<R> {
    fn default() -> Self {
        HostCallers {
            sent: BTreeMap::new(),
            latest: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<R> HostCallers<R> {
    /// A request as the server gets it.
    pub fn send<Q>(
        &mut self,
        caller: Caller,
        sender: Pid,
        request: Q,
        leases: [Lease; 2],
    ) -> Incoming<Q> {
        self.next += 1;
        let token = Token(self.next);
        let infos = [0, 1].map(|lease| {
            let bytes = leases[lease].bytes.len();
            LeaseInfo {
                bytes,
                readable: bytes > 0,
                writable: bytes > 0,
            }
        });
        let sent = Sent {
            leases,
            state: TokenState::Waiting,
            answer: None,
        };
        self.sent.insert(token, sent);
        self.latest.insert(caller, token);
        Incoming {
            sender,
            token,
            leases: infos,
            request,
        }
    }

    /// What the serve loop does with what the server says.
    ///
    /// # Panics
    /// If the request was answered already.
    pub fn settle(&mut self, token: Token, outcome: Outcome<R>) {
        if let Outcome::Reply(reply) = outcome {
            // The loop does not care whether the caller is gone.
            let _ = self.reply(token, reply);
        }
    }

    /// Takes the answer to what the caller sent last.
    pub fn take_answer(&mut self, caller: Caller) -> Option<Answer<R>> {
        let token = *self.latest.get(&caller)?;
        let result = self.sent.get_mut(&token)?.answer.take()?;
        self.latest.remove(&caller);
        let sent = self.sent.remove(&token)?;
        Some(Answer {
            result,
            leases: sent.leases.map(|lease| lease.bytes),
        })
    }

    /// Says that a caller was interrupted or is gone. The server has to be told that something is.
    pub fn change(&mut self, caller: Caller, state: TokenState) {
        let token = self.latest.get(&caller);
        if let Some(sent) = token.and_then(|token| self.sent.get_mut(token)) {
            sent.state = state;
        }
    }

    /// Whether a caller waits for an answer.
    pub fn is_waiting(&self, caller: Caller) -> bool {
        let token = self.latest.get(&caller);
        token
            .and_then(|token| self.sent.get(token))
            .is_some_and(|sent| sent.answer.is_none())
    }

    /// The bytes of a lease from `offset` on, as far as they are present, and whether all are.
    fn range(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        bytes: usize,
    ) -> Result<(&mut [u8], bool), LeaseError> {
        let sent = self.sent.get_mut(&token).ok_or(LeaseError::Gone)?;
        if sent.state == TokenState::Gone {
            return Err(LeaseError::Gone);
        }
        let lease = sent
            .leases
            .get_mut(lease as usize)
            .ok_or(LeaseError::Invalid)?;
        let start = usize::try_from(offset).map_err(|_| LeaseError::Invalid)?;
        let end = start.checked_add(bytes).ok_or(LeaseError::Invalid)?;
        let stop = lease.absent_from.unwrap_or(end).clamp(start, end);
        let all = lease.bytes.get_mut(start..end).ok_or(LeaseError::Invalid)?;
        Ok((&mut all[..stop - start], stop == end))
    }
}

/// For servers that take their clock with their callers and are asked for no time-out here: it stands
/// still.
impl<R> Clock for HostCallers<R> {
    fn now_ns(&mut self) -> u64 {
        0
    }

    fn wake_at(&mut self, _: Option<u64>) {}
}

impl<R> Callers<R> for HostCallers<R> {
    fn read(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        let (present, whole) = self.range(token, lease, offset, into.len())?;
        into[..present.len()].copy_from_slice(present);
        finish(lease, offset, present.len(), whole)
    }

    fn write(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        from: &[u8],
    ) -> Result<(), LeaseError> {
        let (present, whole) = self.range(token, lease, offset, from.len())?;
        let length = present.len();
        present.copy_from_slice(&from[..length]);
        finish(lease, offset, length, whole)
    }

    fn reply(&mut self, token: Token, reply: Result<R, Refusal>) -> Result<(), Gone> {
        let sent = self.sent.get_mut(&token).ok_or(Gone)?;
        if sent.state == TokenState::Gone {
            return Err(Gone);
        }
        assert!(sent.answer.is_none(), "every request is answered once");
        sent.answer = Some(reply);
        Ok(())
    }

    fn state(&mut self, token: Token) -> TokenState {
        let sent = self.sent.get(&token);
        sent.map_or(TokenState::Gone, |sent| sent.state)
    }
}

fn finish(lease: u32, offset: u64, done: usize, whole: bool) -> Result<(), LeaseError> {
    if whole {
        Ok(())
    } else {
        Err(LeaseError::Absent {
            lease,
            offset: offset + done as u64,
        })
    }
}

/// A server's library, as [`Host`] calls it.
pub trait Server<P: Protocol> {
    /// Answers a request, or parks it.
    fn handle(
        &mut self,
        incoming: Incoming<P::Request>,
        callers: &mut HostCallers<P::Reply>,
    ) -> Outcome<P::Reply>;

    /// Callers were interrupted or died.
    fn cancelled(&mut self, callers: &mut HostCallers<P::Reply>);

    /// The time is now this; a timer may have run out.
    fn time_is(&mut self, now_ns: u64, callers: &mut HostCallers<P::Reply>) {
        let _ = (now_ns, callers);
    }
}

/// A world around a server that need not hear of forks and ends.
pub struct Host<P: Protocol, S> {
    server: S,
    callers: HostCallers<P::Reply>,
    last_pid: u32,
    now_ns: u64,
}

impl<P: Protocol, S: Server<P>> Host<P, S> {
    /// Around a fresh server.
    pub fn new(server: S) -> Self {
        Host {
            server,
            callers: HostCallers::default(),
            last_pid: 0,
            now_ns: 0,
        }
    }
}

impl<P: Protocol, S: Server<P>> World<P> for Host<P, S> {
    fn caller(&mut self, _: User) -> Caller {
        self.last_pid += 1;
        Caller(self.last_pid)
    }

    fn fork(&mut self, _: Caller) -> Caller {
        self.caller(crate::ROOT)
    }

    fn exit(&mut self, caller: Caller) {
        self.callers.change(caller, TokenState::Gone);
        self.server.cancelled(&mut self.callers);
    }

    fn pid(&self, caller: Caller) -> u32 {
        caller.0
    }

    fn send(&mut self, caller: Caller, request: P::Request, leases: [Lease; 2]) {
        let incoming = (self.callers).send(caller, Pid(caller.0), request, leases);
        let token = incoming.token;
        let outcome = self.server.handle(incoming, &mut self.callers);
        self.callers.settle(token, outcome);
    }

    fn answer(&mut self, caller: Caller) -> Option<Answer<P::Reply>> {
        self.callers.take_answer(caller)
    }

    fn interrupt(&mut self, caller: Caller) {
        self.callers.change(caller, TokenState::Interrupted);
        self.server.cancelled(&mut self.callers);
    }

    fn pass(&mut self, ns: u64) {
        self.now_ns += ns;
        self.server.time_is(self.now_ns, &mut self.callers);
    }
}

/// Runs promises of one protocol on the host and panics with all that are broken.
///
/// # Panics
/// If a promise is broken, or a claim is unknown. The text names each.
pub fn must_keep<W: ?Sized>(
    promises: &[&'static [crate::Promise<W>]],
    claims: &[&str],
    check: &mut dyn FnMut(&crate::Promise<W>) -> crate::Check,
) -> crate::Summary {
    if let Err(unknown) = crate::check_claims(promises, claims) {
        panic!("{unknown}");
    }
    let mut broken = Vec::new();
    let summary = crate::run(
        promises,
        claims,
        crate::Side::Host,
        check,
        &mut |promise, verdict| {
            if let crate::Verdict::Broken(_) = verdict {
                broken.push(alloc::format!("{}: {verdict}", promise.name));
            }
        },
    );
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    summary
}
