//! The minimal server keeps what it claims, and what a console owes its readers.

use abi::message::TokenState;
use abi::{Errno, Token};
use conform::host::{HostCallers, must_keep};
use conform::vfs::{Files, PROMISES};
use conform::{Answer, Caller, Lease, ROOT, User, World, ask, finish, waits};
use proto::port::{Callers, Gone, LeaseError, Outcome, Refusal};
use proto::vfs::{AT_FDCWD, Reply, Request, Vfs as Protocol};
use proto::{Pid, server_id};
use vfs_minimal::Minimal;
use vfs_minimal::device::Console;

/// As in `init/boot/minimal-vfs.boot`.
const CLAIMS: &[&str] = &["base", "read-only", "devices"];

/// Callers, and a console whose input the test provides.
#[derive(Default)]
struct Outside {
    callers: HostCallers<Reply>,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Console for Outside {
    fn typed(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        if self.input.is_empty() {
            return Err(Errno::EAGAIN);
        }
        let count = into.len().min(self.input.len());
        into[..count].copy_from_slice(&self.input[..count]);
        self.input.drain(..count);
        Ok(count)
    }

    fn print(&mut self, from: &[u8]) -> Result<usize, Errno> {
        self.output.extend(from);
        Ok(from.len())
    }

    fn termios(&mut self) -> Result<[u8; 36], Errno> {
        Ok([7; 36])
    }

    fn set_termios(&mut self, _: u32, _: &[u8; 36]) -> Result<(), Errno> {
        Ok(())
    }

    fn window_size(&mut self) -> Result<[u16; 2], Errno> {
        Ok([24, 80])
    }
}

impl Callers<Reply> for Outside {
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

struct Machine {
    minimal: Minimal,
    archive: Vec<u8>,
    outside: Outside,
    next: u32,
}

/// Who tells of forks and ends.
const PROC: Caller = Caller(u32::MAX);
const INIT: Pid = Pid(1);

impl Machine {
    fn new() -> Self {
        let archive = archive();
        let mut machine = Machine {
            minimal: Minimal::new(&archive).expect("a good archive"),
            archive,
            outside: Outside::default(),
            next: INIT.0,
        };
        machine.tell(Request::Start {
            process: INIT,
            console: true,
        });
        machine
    }

    /// Says something as `proc`.
    fn tell(&mut self, request: Request) {
        self.send_as(PROC, server_id::PROC, request, Default::default());
        let answer = self.outside.callers.take_answer(PROC);
        assert_eq!(answer.map(|answer| answer.result), Some(Ok(Reply::Done)));
    }

    fn send_as(&mut self, caller: Caller, sender: Pid, request: Request, leases: [Lease; 2]) {
        // Each message is answered by a successor that knows only the state's bytes.
        let bytes = proto::handover::save(&self.minimal).unwrap();
        self.minimal = proto::handover::restore(&bytes).unwrap();
        let incoming = self.outside.callers.send(caller, sender, request, leases);
        let outcome: Outcome<Reply> =
            self.minimal
                .handle(incoming, &self.archive, &mut self.outside);
        self.outside.callers.settle(incoming.token, outcome);
    }

    fn typed(&mut self, bytes: &[u8]) {
        self.outside.input.extend(bytes);
        self.minimal.console_ready(&self.archive, &mut self.outside);
    }
}

impl World<Protocol> for Machine {
    fn caller(&mut self, _: User) -> Caller {
        self.fork(Caller(INIT.0))
    }

    fn fork(&mut self, parent: Caller) -> Caller {
        self.next += 1;
        let (parent, child) = (Pid(parent.0), Pid(self.next));
        self.tell(Request::Fork { parent, child });
        Caller(child.0)
    }

    fn exit(&mut self, caller: Caller) {
        self.outside.callers.change(caller, TokenState::Gone);
        self.minimal.cancelled(&mut self.outside);
        let process = Pid(caller.0);
        self.tell(Request::Exit { process });
    }

    fn pid(&self, caller: Caller) -> u32 {
        caller.0
    }

    fn send(&mut self, caller: Caller, request: Request, leases: [Lease; 2]) {
        self.send_as(caller, Pid(caller.0), request, leases);
    }

    fn answer(&mut self, caller: Caller) -> Option<Answer<Reply>> {
        self.outside.callers.take_answer(caller)
    }

    fn interrupt(&mut self, caller: Caller) {
        self.outside.callers.change(caller, TokenState::Interrupted);
        self.minimal.cancelled(&mut self.outside);
    }

    fn pass(&mut self, _: u64) {}
}

impl Files for Machine {
    fn place(&mut self) -> Vec<u8> {
        panic!("only who writes needs a place")
    }
}

/// A small root file system.
fn archive() -> Vec<u8> {
    let mut archive = Vec::new();
    let mut put = |name: &str, mode: u32, content: &[u8]| {
        let fields = [1, mode, 0, 0, 1, 5, content.len() as u32, 0, 0, 0, 0];
        archive.extend(b"070701");
        for field in fields.into_iter().chain([name.len() as u32 + 1, 0]) {
            archive.extend(format!("{field:08x}").bytes());
        }
        archive.extend(name.bytes().chain([0]));
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend(content);
        archive.resize(archive.len().next_multiple_of(4), 0);
    };
    put("bin/sh", 0o100755, &[b's'; 10_000]);
    put("bin", 0o40755, b"");
    put("usr/bin", 0o120777, b"../bin");
    put("etc/motd", 0o100644, b"welcome to this system\n");
    put("tmp", 0o41777, b"");
    put("TRAILER!!!", 0, b"");
    archive
}

#[test]
fn every_claimed_promise_is_kept() {
    let summary = must_keep(PROMISES, CLAIMS, &mut |promise| {
        (promise.check)(&mut Machine::new())
    });
    assert!(summary.kept > 45 && summary.not_claimed > 30, "{summary}");
}

fn read(fd: i32) -> Request {
    Request::Read { fd }
}

#[test]
fn a_reader_of_the_console_waits_until_something_is_typed() {
    let mut machine = Machine::new();
    let who = machine.caller(ROOT);
    waits::<Protocol, _>(&mut machine, who, read(0), [Lease::room(9), Lease::none()]).unwrap();
    machine.typed(b"ls\n");
    let answer = finish::<Protocol, _>(&mut machine, who).unwrap();
    assert_eq!(answer.result, Ok(Reply::Count(3)));
    assert_eq!(&answer.leases[0][..3], b"ls\n");
}

#[test]
fn what_is_typed_for_an_interrupted_or_dead_reader_goes_to_the_next() {
    let mut machine = Machine::new();
    let (one, two) = (machine.caller(ROOT), machine.caller(ROOT));
    for who in [one, two] {
        waits::<Protocol, _>(&mut machine, who, read(0), [Lease::room(9), Lease::none()]).unwrap();
    }
    machine.interrupt(one);
    let answer = finish::<Protocol, _>(&mut machine, one).unwrap();
    assert_eq!(answer.plain(), Err(Errno::EINTR));
    machine.exit(two);
    machine.typed(b"kept\n");
    let room = [Lease::room(9), Lease::none()];
    let answer = ask::<Protocol, _>(&mut machine, one, read(0), room).unwrap();
    assert_eq!(answer.result, Ok(Reply::Count(5)));
}

#[test]
fn what_is_typed_is_not_lost_on_an_absent_page() {
    let mut machine = Machine::new();
    machine.typed(b"kept\n");
    let who = machine.caller(ROOT);
    let absent = [Lease::room(9).absent_from(0), Lease::none()];
    let answer = ask::<Protocol, _>(&mut machine, who, read(0), absent).unwrap();
    assert!(matches!(answer.result, Err(Refusal::Touch { done: 0, .. })));
    let room = [Lease::room(9), Lease::none()];
    let answer = ask::<Protocol, _>(&mut machine, who, read(0), room).unwrap();
    assert_eq!(answer.result, Ok(Reply::Count(5)));
}

#[test]
fn a_program_is_a_piece_of_the_archive() {
    let mut machine = Machine::new();
    let request = Request::OpenProgram { process: INIT };
    let leases = [Lease::of(b"/usr/bin/sh"), Lease::room(64)];
    machine.send_as(PROC, server_id::PROC, request, leases);
    let answer = machine.outside.callers.take_answer(PROC).unwrap();
    let Ok(Reply::Program {
        offset,
        bytes,
        header_bytes,
        ..
    }) = answer.result
    else {
        panic!("{answer:?}");
    };
    assert_eq!((bytes, header_bytes), (10_000, 64));
    assert_eq!(machine.archive[offset as usize], b's');
    machine.send_as(
        PROC,
        server_id::PROC,
        request,
        [Lease::of(b"/etc/motd"), Lease::room(64)],
    );
    let answer = machine.outside.callers.take_answer(PROC).unwrap();
    assert_eq!(answer.plain(), Err(Errno::EACCES));
}

#[test]
fn what_is_left_out_is_refused_honestly() {
    let mut machine = Machine::new();
    let who = machine.caller(ROOT);
    for request in [Request::Pipe { flags: 0 }, Request::ChangeRoot] {
        let answer = ask::<Protocol, _>(&mut machine, who, request, Default::default()).unwrap();
        assert_eq!(answer.plain(), Err(Errno::ENOSYS), "{request:?}");
    }
    let directory = AT_FDCWD;
    let open = Request::Open {
        directory,
        flags: 0,
        mode: 0,
    };
    let lease = || [Lease::of(b"/etc/motd"), Lease::none()];
    for expected in 3..256 {
        let answer = ask::<Protocol, _>(&mut machine, who, open, lease()).unwrap();
        assert_eq!(answer.result, Ok(Reply::Descriptor(expected)));
    }
    let answer = ask::<Protocol, _>(&mut machine, who, open, lease()).unwrap();
    assert_eq!(answer.plain(), Err(Errno::EMFILE));
}

#[test]
fn a_malformed_archive_is_refused() {
    let archive = archive();
    assert!(Minimal::new(&archive[..archive.len() - 150]).is_none());
    assert!(Minimal::new(&[b'x'; 200]).is_none());
}
