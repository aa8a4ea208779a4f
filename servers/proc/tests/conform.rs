//! The process server keeps what is promised of every process server.

mod support;

use abi::Token;
use conform::host::must_keep;
use conform::proc::{FULL, PROMISES};
use conform::{Answer, Caller, Lease, User};
use proto::Pid;
use proto::handover::{restore, save};
use proto::port::{LeaseInfo, Outcome};
use proto::proc::{Delivery, Proc as Protocol, Reply, Request};
use std::collections::BTreeMap;
use support::{INIT, System};

/// What `interrupt` sends.
const SIGUSR1: u32 = 10;
const SIGKILL: u32 = 9;

struct World {
    system: System,
    latest: BTreeMap<Caller, Token>,
    /// Alters what is answered, as a broken server would.
    spoil: fn(&Request, &mut Outcome<Reply>),
}

impl World {
    fn new(spoil: fn(&Request, &mut Outcome<Reply>)) -> Self {
        World {
            system: System::new(),
            latest: BTreeMap::new(),
            spoil,
        }
    }
}

impl conform::World<Protocol> for World {
    fn caller(&mut self, User(id): User) -> Caller {
        let pid = self.system.fork(INIT);
        self.system.catch(pid, SIGUSR1);
        let ids = |how| (how, id, id, id);
        let (how, real, effective, saved) = ids(2);
        for request in [
            Request::SetGroups {
                how,
                real,
                effective,
                saved,
            },
            Request::SetUsers {
                how,
                real,
                effective,
                saved,
            },
        ] {
            self.system.call(pid, request).unwrap();
        }
        Caller(pid)
    }

    fn fork(&mut self, parent: Caller) -> Caller {
        Caller(self.system.fork(parent.0))
    }

    fn exit(&mut self, caller: Caller) {
        self.system.kill(INIT, caller.0 as i32, SIGKILL).unwrap();
    }

    fn pid(&self, caller: Caller) -> u32 {
        caller.0
    }

    fn send(&mut self, caller: Caller, request: Request, leases: [Lease; 2]) {
        // Each message is answered by a successor that knows only the state's bytes.
        self.system.proc = restore(&save(&self.system.proc).unwrap()).unwrap();
        let token = self.system.world.token();
        let [lease, _] = leases;
        let info = LeaseInfo {
            bytes: lease.bytes.len(),
            readable: !lease.bytes.is_empty(),
            writable: !lease.bytes.is_empty(),
        };
        self.system.world.leases.insert(token, lease.bytes);
        self.latest.insert(caller, token);
        let (_, mut outcome) = self.system.ask_with(Pid(caller.0), token, request, info);
        (self.spoil)(&request, &mut outcome);
        if let Outcome::Reply(reply) = outcome {
            self.system.world.replies.insert(token, reply);
        }
    }

    fn answer(&mut self, caller: Caller) -> Option<Answer<Reply>> {
        let token = self.latest.get(&caller)?;
        let result = self.system.world.replies.remove(token)?;
        let lease = self.system.world.leases.remove(token).unwrap_or_default();
        self.latest.remove(&caller);
        Some(Answer {
            result,
            leases: [lease, Vec::new()],
        })
    }

    fn interrupt(&mut self, caller: Caller) {
        self.system.kill(INIT, caller.0 as i32, SIGUSR1).unwrap();
        // The program takes the signal, runs its handler, and returns from it.
        let taken = self.system.call(caller.0, Request::Take);
        if let Some((Delivery { restore, .. }, _)) = taken.ok().and_then(Reply::delivery) {
            let done = Request::Return { mask: restore };
            self.system.call(caller.0, done).unwrap();
        }
    }

    fn pass(&mut self, ns: u64) {
        self.system.pass(ns);
    }
}

#[test]
fn every_promise_is_kept() {
    let summary = must_keep(PROMISES, FULL, &mut |promise| {
        (promise.check)(&mut World::new(|_, _| {}))
    });
    assert!(summary.kept > 30, "{summary}");
}

#[test]
#[should_panic(expected = "a_user_signals_only_its_own")]
fn a_server_that_lets_everybody_signal_breaks_promises() {
    must_keep(PROMISES, FULL, &mut |promise| {
        (promise.check)(&mut World::new(|request, outcome| {
            if let Request::Kill { .. } = request
                && *outcome == Outcome::Reply(Err(abi::Errno::EPERM.into()))
            {
                *outcome = Outcome::Reply(Ok(Reply::Done));
            }
        }))
    });
}
