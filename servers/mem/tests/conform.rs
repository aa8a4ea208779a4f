//! Every memory server keeps what is promised of all, whatever its fork policy.

mod common;

use abi::message::TokenState;
use conform::host::{HostCallers, must_keep};
use conform::mem::{Access, FULL, Memory, PROMISES};
use conform::{Answer, Caller, Lease, User};
use mem::Mem;
use mem::policy::{CopyOnWrite, Eager, ForkPolicy};
use proto::Pid;
use proto::handover::State;
use proto::mem::{Mem as Protocol, Reply, Request};
use proto::port::Outcome;

/// A machine, and the suite's callers on it.
struct World<P> {
    machine: common::World<P>,
    callers: HostCallers<Reply>,
    last_pid: u32,
    /// Alters what is answered, as a broken server would.
    spoil: fn(&Request, &mut Outcome<Reply>),
}

impl<P: ForkPolicy> World<P> {
    fn new(policy: P, spoil: fn(&Request, &mut Outcome<Reply>)) -> Self {
        World {
            machine: common::World::new(policy, 3000),
            callers: HostCallers::default(),
            last_pid: 0,
            spoil,
        }
    }
}

impl<P: ForkPolicy> conform::World<Protocol> for World<P>
where
    Mem<P>: State,
{
    fn caller(&mut self, _: User) -> Caller {
        self.last_pid += 1;
        self.machine.create(self.last_pid).unwrap();
        self.machine.exec(self.last_pid, &common::image()).unwrap();
        Caller(self.last_pid)
    }

    fn fork(&mut self, parent: Caller) -> Caller {
        self.last_pid += 1;
        self.machine.fork(parent.0, self.last_pid).unwrap();
        Caller(self.last_pid)
    }

    fn exit(&mut self, caller: Caller) {
        self.machine.destroy(caller.0).unwrap();
    }

    fn pid(&self, caller: Caller) -> u32 {
        caller.0
    }

    fn send(&mut self, caller: Caller, request: Request, leases: [Lease; 2]) {
        // Each message is answered by a successor that knows only the state's bytes.
        self.machine.replace();
        let incoming = self.callers.send(caller, Pid(caller.0), request, leases);
        let answer =
            (self.machine.mem).handle(&mut self.machine.fake, &mut self.callers, &incoming);
        let mut outcome = answer.outcome;
        (self.spoil)(&request, &mut outcome);
        self.callers.settle(incoming.token, outcome);
    }

    fn answer(&mut self, caller: Caller) -> Option<Answer<Reply>> {
        self.callers.take_answer(caller)
    }

    fn interrupt(&mut self, caller: Caller) {
        self.callers.change(caller, TokenState::Interrupted);
    }

    fn pass(&mut self, _: u64) {}
}

impl<P: ForkPolicy> Memory for World<P>
where
    Mem<P>: State,
{
    fn load(&mut self, caller: Caller, address: u64) -> Option<u8> {
        self.machine.read(caller.0, address).ok()
    }

    fn store(&mut self, caller: Caller, address: u64, byte: u8) -> Option<()> {
        self.machine.write(caller.0, address, byte).ok()
    }

    fn faults(&mut self, caller: Caller, address: u64, access: Access) -> bool {
        let byte = self.machine.read(caller.0, address);
        match (access, byte) {
            (_, Err(_)) => true,
            (Access::Load, Ok(_)) => false,
            (Access::Store, Ok(byte)) => self.machine.write(caller.0, address, byte).is_err(),
        }
    }

    fn server(&mut self) -> Caller {
        Caller(common::VFS.0)
    }
}

fn honest(_: &Request, _: &mut Outcome<Reply>) {}

fn keeps_all<P: ForkPolicy + 'static>(policy: impl Fn() -> P)
where
    Mem<P>: State,
{
    let summary = must_keep(PROMISES, FULL, &mut |promise| {
        (promise.check)(&mut World::new(policy(), honest))
    });
    assert!(summary.kept > 20, "{summary}");
}

#[test]
fn every_promise_is_kept_under_cow() {
    keeps_all(|| CopyOnWrite);
}

#[test]
fn every_promise_is_kept_under_eager() {
    keeps_all(|| Eager);
}

#[test]
#[should_panic(expected = "the_heap_grows_and_shrinks")]
fn a_server_with_a_wrong_heap_breaks_promises() {
    must_keep(PROMISES, FULL, &mut |promise| {
        (promise.check)(&mut World::new(CopyOnWrite, |request, outcome| {
            if let (Request::Brk { .. }, Outcome::Reply(Ok(Reply::Address(end)))) =
                (request, outcome)
            {
                *end += 4096;
            }
        }))
    });
}
