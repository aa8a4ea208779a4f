//! The terminal keeps what is promised of every terminal server.

mod common;

use abi::Token;
use abi::message::TokenState;
use common::Fake;
use conform::host::{HostCallers, must_keep};
use conform::tty::{FULL, PROMISES, SHELL, Terminal};
use conform::{Answer, Caller, Lease, User, World};
use proto::handover::{restore, save};
use proto::port::{Callers, Clock, Gone, LeaseError, Outcome, Refusal};
use proto::server_id;
use proto::tty::{Reply, Request, Tty as Protocol};
use tty::Tty;

/// The ports: callers of the suite, the clock of the other tests.
#[derive(Default)]
struct Ports {
    callers: HostCallers<Reply>,
    clock: Fake,
}

impl Callers<Reply> for Ports {
    fn read(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError> {
        self.callers.read(token, lease, offset, into)
    }

    fn write(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        from: &[u8],
    ) -> Result<(), LeaseError> {
        self.callers.write(token, lease, offset, from)
    }

    fn reply(&mut self, token: Token, reply: Result<Reply, Refusal>) -> Result<(), Gone> {
        self.callers.reply(token, reply)
    }

    fn state(&mut self, token: Token) -> TokenState {
        self.callers.state(token)
    }
}

impl Clock for Ports {
    fn now_ns(&mut self) -> u64 {
        self.clock.now_ns
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.clock.timer_ns = deadline_ns;
    }
}

struct Console {
    tty: Tty,
    ports: Ports,
    last: u32,
    spoil: fn(&Request, &mut Outcome<Reply>),
}

impl Console {
    fn new(spoil: fn(&Request, &mut Outcome<Reply>)) -> Self {
        let mut console = Console {
            tty: Tty::new(false),
            ports: Ports::default(),
            last: 0,
            spoil: |_, _| {},
        };
        let who = console.caller(conform::ROOT);
        let attach = Request::Attach {
            line: 0,
            sid: SHELL,
        };
        console.send(who, attach, Default::default());
        assert_eq!(
            console.answer(who).map(|answer| answer.result),
            Some(Ok(Reply::Done))
        );
        console.spoil = spoil;
        console
    }
}

impl World<Protocol> for Console {
    fn caller(&mut self, _: User) -> Caller {
        self.last += 1;
        Caller(self.last)
    }

    fn fork(&mut self, _: Caller) -> Caller {
        self.caller(conform::ROOT)
    }

    fn exit(&mut self, caller: Caller) {
        self.ports.callers.change(caller, TokenState::Gone);
    }

    fn pid(&self, caller: Caller) -> u32 {
        caller.0
    }

    fn send(&mut self, caller: Caller, request: Request, leases: [Lease; 2]) {
        // Each message is answered by a successor that knows only the state's bytes.
        self.tty = restore(&save(&self.tty).unwrap()).unwrap();
        let sender = server_id::VFS;
        let incoming = self.ports.callers.send(caller, sender, request, leases);
        let mut outcome = self.tty.handle(incoming, &mut self.ports);
        (self.spoil)(&request, &mut outcome);
        self.ports.callers.settle(incoming.token, outcome);
    }

    fn answer(&mut self, caller: Caller) -> Option<Answer<Reply>> {
        self.ports.callers.take_answer(caller)
    }

    fn interrupt(&mut self, caller: Caller) {
        self.ports.callers.change(caller, TokenState::Interrupted);
    }

    fn pass(&mut self, ns: u64) {
        self.ports.clock.now_ns += ns;
        self.tty.tick(&mut self.ports);
    }
}

impl Terminal for Console {
    fn typed(&mut self, bytes: &[u8]) {
        self.tty.input(bytes, self.ports.clock.now_ns);
    }

    fn shown(&mut self) -> Vec<u8> {
        common::sent(&mut self.tty)
    }
}

#[test]
fn every_promise_is_kept() {
    let summary = must_keep(PROMISES, FULL, &mut |promise| {
        (promise.check)(&mut Console::new(|_, _| {}))
    });
    assert!(summary.kept >= 15, "{summary}");
}

#[test]
#[should_panic(expected = "the_background_may_not_read")]
fn a_terminal_without_job_control_breaks_promises() {
    must_keep(PROMISES, FULL, &mut |promise| {
        (promise.check)(&mut Console::new(|_, outcome| {
            if *outcome == Outcome::Reply(Err(abi::Errno::EINTR.into())) {
                *outcome = Outcome::Reply(Ok(Reply::Count(0)));
            }
        }))
    });
}
