//! The server keeps what is promised of every interprocess-communication server.

mod common;

use abi::message::TokenState;
use abi::{Errno, Token};
use common::{EPOCH_S, user};
use conform::host::{HostCallers, must_keep};
use conform::ipc::{FULL, PROMISES};
use conform::{Answer, Caller, Lease, User};
use ipc::Ipc;
use ipc::ports::{Mapping, Notes, Objects};
use proto::ipc::{Ipc as Protocol, Reply, Request};
use proto::mem::ObjectId;
use proto::port::{Callers, Clock, Gone, LeaseError, Outcome, Refusal};
use proto::publish::{Entry, Processes};
use proto::{Pid, server_id};

/// The ports: callers of the suite, all else of the other tests.
#[derive(Default)]
struct Ports {
    callers: HostCallers<Reply>,
    rest: common::World,
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
        self.rest.now_ns()
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.rest.wake_at(deadline_ns);
    }
}

impl Processes for Ports {
    fn get(&self, pid: Pid) -> Option<Entry> {
        self.rest.get(pid)
    }

    fn next(&self, after: Pid) -> Option<Pid> {
        self.rest.next(after)
    }
}

impl Objects for Ports {
    fn create(&mut self, bytes: u64) -> Result<ObjectId, Errno> {
        self.rest.create(bytes)
    }

    fn release(&mut self, object: ObjectId) {
        self.rest.release(object);
    }

    fn map(&mut self, mapping: Mapping) -> Result<u64, Errno> {
        self.rest.map(mapping)
    }

    fn unmap(&mut self, space: Pid, object: ObjectId, address: u64) -> Result<(), Errno> {
        self.rest.unmap(space, object, address)
    }

    fn mappings(&mut self, object: ObjectId) -> Result<u64, Errno> {
        self.rest.mappings(object)
    }
}

impl Notes for Ports {
    fn is_noted(&self, process: Pid) -> bool {
        self.rest.is_noted(process)
    }

    fn note(&mut self, process: Pid, noted: bool) {
        self.rest.note(process, noted);
    }
}

struct World {
    ipc: Ipc,
    ports: Ports,
    next: u32,
    /// Every so many messages the server is replaced by one that gets its state as bytes.
    replace_every: Option<u32>,
    messages: u32,
    spoil: fn(&Request, &mut Outcome<Reply>),
}

/// Who tells of forks and ends.
const PROC: Caller = Caller(u32::MAX);

impl World {
    fn new(spoil: fn(&Request, &mut Outcome<Reply>)) -> Self {
        let mut ports = Ports::default();
        ports.rest.frames_left = 1 << 20;
        World {
            ipc: Ipc::new(EPOCH_S * 1_000_000_000),
            ports,
            next: 0,
            replace_every: None,
            messages: 0,
            spoil,
        }
    }

    fn send_as(&mut self, caller: Caller, sender: Pid, request: Request, leases: [Lease; 2]) {
        self.messages += 1;
        if self
            .replace_every
            .is_some_and(|every| self.messages.is_multiple_of(every))
        {
            let bytes = proto::handover::save(&self.ipc).unwrap();
            self.ipc = proto::handover::restore(&bytes).unwrap();
        }
        let incoming = self.ports.callers.send(caller, sender, request, leases);
        let mut outcome = self.ipc.handle(incoming, &mut self.ports);
        (self.spoil)(&request, &mut outcome);
        self.ports.callers.settle(incoming.token, outcome);
    }

    /// Says something as `proc`, which tells of noted processes only.
    fn tell(&mut self, about: u32, request: Request) {
        if !self.ports.rest.noted.contains(&about) {
            return;
        }
        self.send_as(PROC, server_id::PROC, request, Default::default());
        let answer = self.ports.callers.take_answer(PROC);
        assert_eq!(answer.map(|answer| answer.result), Some(Ok(Reply::Done)));
    }
}

impl conform::World<Protocol> for World {
    fn caller(&mut self, who: User) -> Caller {
        self.next += 1;
        let entry = user(self.next, who.0);
        self.ports.rest.processes.insert(self.next, entry);
        Caller(self.next)
    }

    fn fork(&mut self, parent: Caller) -> Caller {
        let uid = self.ports.rest.processes[&parent.0].uid[0];
        let child = self.caller(User(uid));
        let mappings = &mut self.ports.rest.mappings;
        let inherited: Vec<Mapping> = (mappings.iter())
            .filter(|mapping| mapping.space == Pid(parent.0))
            .map(|mapping| Mapping {
                space: Pid(child.0),
                ..*mapping
            })
            .collect();
        mappings.extend(inherited);
        let request = Request::Fork {
            parent: Pid(parent.0),
            child: Pid(child.0),
        };
        self.tell(parent.0, request);
        child
    }

    fn exit(&mut self, caller: Caller) {
        self.ports.callers.change(caller, TokenState::Gone);
        self.ipc.cancelled(&mut self.ports);
        let space = Pid(caller.0);
        self.ports
            .rest
            .mappings
            .retain(|mapping| mapping.space != space);
        let request = Request::Exit {
            process: space,
            exec: false,
        };
        self.tell(caller.0, request);
        self.ports.rest.processes.remove(&caller.0);
    }

    fn pid(&self, caller: Caller) -> u32 {
        caller.0
    }

    fn send(&mut self, caller: Caller, request: Request, leases: [Lease; 2]) {
        self.send_as(caller, Pid(caller.0), request, leases);
    }

    fn answer(&mut self, caller: Caller) -> Option<Answer<Reply>> {
        self.ports.callers.take_answer(caller)
    }

    fn interrupt(&mut self, caller: Caller) {
        self.ports.callers.change(caller, TokenState::Interrupted);
        self.ipc.cancelled(&mut self.ports);
    }

    fn pass(&mut self, ns: u64) {
        self.ports.rest.now_ns += ns;
        let now = self.ports.rest.now_ns;
        if self.ports.rest.timer_ns.is_some_and(|timer| timer <= now) {
            self.ipc.tick(&mut self.ports);
        }
    }
}

fn honest(_: &Request, _: &mut Outcome<Reply>) {}

#[test]
fn every_promise_is_kept() {
    let summary = must_keep(PROMISES, FULL, &mut |promise| {
        (promise.check)(&mut World::new(honest))
    });
    assert!(summary.kept > 30, "{summary}");
}

#[test]
fn every_promise_is_kept_by_a_chain_of_successors() {
    for replace_every in [1, 3] {
        must_keep(PROMISES, FULL, &mut |promise| {
            let mut world = World::new(honest);
            world.replace_every = Some(replace_every);
            (promise.check)(&mut world)
        });
    }
}

#[test]
#[should_panic(expected = "operations_are_done_as_a_whole")]
fn a_server_that_says_done_when_it_is_not_breaks_promises() {
    must_keep(PROMISES, &["semaphores"], &mut |promise| {
        (promise.check)(&mut World::new(|_, outcome| {
            if *outcome == Outcome::Reply(Err(Errno::EAGAIN.into())) {
                *outcome = Outcome::Reply(Ok(Reply::Done));
            }
        }))
    });
}
