//! The file server keeps what is promised of every file server.

mod common;

use abi::message::{TokenState, notify};
use common::{FakeMemory, FakeSystem, FakeTerminal, INIT, archive_entry, entry};
use conform::host::{HostCallers, must_keep};
use conform::vfs::{FULL, Files, PROMISES};
use conform::{Answer, Caller, Lease, User, World};
use proto::mem::ObjectId;
use proto::port::Outcome;
use proto::vfs::{Reply, Request, Vfs as Protocol};
use proto::{Pid, server_id};
use vfs::Vfs;
use vfs::policy::{Designs, PathDesign, PipeDesign};
use vfs::ports::{Platform, Ports, Window};

struct Fake;

impl Platform for Fake {
    type Callers = HostCallers<Reply>;
    type Memory = FakeMemory;
    type Terminal = FakeTerminal;
    type System = FakeSystem;
}

/// The server, and what it may be made to do wrong.
struct Machine {
    vfs: Vfs,
    ports: Ports<Fake>,
    next: u32,
    /// Every so many messages the server is replaced by one that gets its state as bytes.
    replace_every: Option<u32>,
    messages: u32,
    /// Alters what is answered, as a broken server would.
    spoil: fn(&Request, &mut Outcome<Reply>),
}

/// Who tells of forks and ends.
const PROC: Caller = Caller(u32::MAX);

impl Machine {
    fn new(spoil: fn(&Request, &mut Outcome<Reply>)) -> Self {
        Machine::with(Designs::default(), spoil)
    }

    fn with(designs: Designs, spoil: fn(&Request, &mut Outcome<Reply>)) -> Self {
        let mut archive = Vec::new();
        archive_entry(&mut archive, "bin/sh", 0o100755, &[b's'; 10_000]);
        archive_entry(&mut archive, "usr/bin", 0o120777, b"../bin");
        archive_entry(
            &mut archive,
            "etc/motd",
            0o100644,
            b"welcome to this system\n",
        );
        archive_entry(&mut archive, "tmp", 0o41777, b"");
        archive_entry(&mut archive, "TRAILER!!!", 0, b"");
        let mut memory = FakeMemory {
            limit: 64 << 20,
            next: 1,
            ..FakeMemory::default()
        };
        let window = Window {
            object: ObjectId(1),
            address: 0x1000,
            bytes: archive.len() as u64,
        };
        memory.objects.insert(1, archive);
        let mut ports = Ports::<Fake> {
            callers: HostCallers::default(),
            memory,
            terminal: FakeTerminal::default(),
            system: FakeSystem::default(),
        };
        let vfs = Vfs::boot(&mut ports, window, designs).expect("a good archive");
        let mut machine = Machine {
            vfs,
            ports,
            next: 1,
            replace_every: None,
            messages: 0,
            spoil,
        };
        machine.publish(1, User(0));
        machine.tell(Request::Start {
            process: INIT,
            console: false,
        });
        machine
    }

    fn publish(&mut self, pid: u32, user: User) {
        let entry = entry(pid, user.0, user.0);
        self.ports.system.table.insert(Pid(pid), entry);
    }

    /// Says something as `proc`.
    fn tell(&mut self, request: Request) {
        self.send_as(PROC, server_id::PROC, request, Default::default());
        let answer = self.ports.callers.take_answer(PROC);
        assert_eq!(answer.map(|answer| answer.result), Some(Ok(Reply::Done)));
    }

    fn send_as(&mut self, caller: Caller, sender: Pid, request: Request, leases: [Lease; 2]) {
        self.messages += 1;
        if self
            .replace_every
            .is_some_and(|every| self.messages.is_multiple_of(every))
        {
            let bytes = proto::handover::save(&self.vfs).unwrap();
            self.vfs = proto::handover::restore(&bytes).unwrap();
        }
        let incoming = self.ports.callers.send(caller, sender, request, leases);
        let mut outcome = self.vfs.handle(incoming, &mut self.ports);
        (self.spoil)(&request, &mut outcome);
        self.ports.callers.settle(incoming.token, outcome);
    }

    fn start(&mut self, parent: Pid, user: User) -> Caller {
        self.next += 1;
        let child = Pid(self.next);
        self.publish(child.0, user);
        self.tell(Request::Fork { parent, child });
        Caller(child.0)
    }
}

impl World<Protocol> for Machine {
    fn caller(&mut self, user: User) -> Caller {
        self.start(INIT, user)
    }

    fn fork(&mut self, parent: Caller) -> Caller {
        let uid = self.ports.system.table[&Pid(parent.0)].uid[0];
        self.start(Pid(parent.0), User(uid))
    }

    fn exit(&mut self, caller: Caller) {
        self.ports.callers.change(caller, TokenState::Gone);
        self.vfs.notified(notify::CANCELLED, &mut self.ports);
        self.tell(Request::Exit {
            process: Pid(caller.0),
        });
        self.ports.system.table.remove(&Pid(caller.0));
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
        self.vfs.notified(notify::CANCELLED, &mut self.ports);
    }

    fn pass(&mut self, ns: u64) {
        self.ports.system.now += ns;
        let now = self.ports.system.now;
        if self.ports.system.wake.is_some_and(|wake| wake <= now) {
            self.vfs.notified(notify::TIMER, &mut self.ports);
        }
    }
}

impl Files for Machine {
    fn place(&mut self) -> Vec<u8> {
        self.next += 1;
        let path = format!("/tmp/{}", self.next).into_bytes();
        let init = Caller(INIT.0);
        for request in [
            Request::Umask { mask: 0 },
            Request::MakeDirectory {
                directory: proto::vfs::AT_FDCWD,
                mode: 0o777,
            },
        ] {
            self.send(init, request, [Lease::of(&path), Lease::none()]);
            let answer = self.answer(init).expect("answered at once");
            assert!(answer.result.is_ok(), "{request:?}: {answer:?}");
        }
        path
    }
}

fn honest(_: &Request, _: &mut Outcome<Reply>) {}

#[test]
fn every_promise_is_kept() {
    let summary = must_keep(PROMISES, FULL, &mut |promise| {
        (promise.check)(&mut Machine::new(honest))
    });
    assert!(summary.kept > 80, "{summary}");
    assert!(
        summary.not_claimed > 0,
        "read-only is not claimed: {summary}"
    );
}

#[test]
fn every_promise_is_kept_by_every_design() {
    for pipe in [PipeDesign::Ring, PipeDesign::List] {
        let designs = Designs {
            pipe,
            path: PathDesign::Cache,
        };
        must_keep(PROMISES, FULL, &mut |promise| {
            (promise.check)(&mut Machine::with(designs, honest))
        });
    }
}

#[test]
fn every_promise_is_kept_by_a_chain_of_successors() {
    must_keep(PROMISES, FULL, &mut |promise| {
        let mut machine = Machine::new(honest);
        machine.replace_every = Some(1);
        (promise.check)(&mut machine)
    });
}

/// Runs all promises against a broken server; the names of those that it breaks.
fn broken_by(spoil: fn(&Request, &mut Outcome<Reply>)) -> Vec<&'static str> {
    let mut broken = Vec::new();
    conform::run(
        PROMISES,
        FULL,
        conform::Side::Host,
        &mut |promise| (promise.check)(&mut Machine::new(spoil)),
        &mut |promise, verdict| {
            if matches!(verdict, conform::Verdict::Broken(_)) {
                broken.push(promise.name);
            }
        },
    );
    broken
}

#[test]
fn a_server_that_lies_about_errors_breaks_promises() {
    let broken = broken_by(|_, outcome| {
        let enoent = Outcome::Reply(Err(abi::Errno::ENOENT.into()));
        if *outcome == enoent {
            *outcome = Outcome::Reply(Err(abi::Errno::EIO.into()));
        }
    });
    assert!(broken.contains(&"what_is_not_there_is_not_found"));
}

#[test]
fn a_server_that_never_lets_anybody_wait_breaks_promises() {
    let broken = broken_by(|request, outcome| {
        if *outcome == Outcome::Parked && !matches!(request, Request::Lock { .. }) {
            *outcome = Outcome::Reply(Ok(Reply::Count(0)));
        }
    });
    assert!(broken.contains(&"a_reader_waits_for_bytes"));
    assert!(broken.contains(&"polling_waits_until_something_can_be_done"));
    assert!(!broken.contains(&"a_lock_keeps_others_out"));
}

#[test]
fn a_server_that_counts_wrongly_breaks_promises() {
    let broken = broken_by(|request, outcome| {
        if let (Request::Read { .. }, Outcome::Reply(Ok(Reply::Count(count)))) = (request, outcome)
        {
            *count = count.saturating_sub(1);
        }
    });
    assert!(broken.contains(&"reading_moves_the_offset_and_ends_with_nothing"));
}
