//! The terminal: who waits, whose it is, what `ioctl` says.

mod common;

use abi::Errno;
use abi::message::notify;
use common::*;
use proto::Pid;
use proto::port::{Refusal, TokenState};
use proto::tty::VFS_READY_BIT;
use proto::vfs::{Reply, Request};
use vfs::linux::*;

const READY: u64 = 1 << VFS_READY_BIT;

/// Process 1 leads session 1 and has opened the console as 0.
fn console() -> Machine {
    let mut machine = Machine::new();
    assert_eq!(machine.open(INIT, "/dev/console", O_RDWR), Ok(0));
    machine
}

fn ioctl(machine: &mut Machine, pid: Pid, command: u32, argument: &[u8]) -> (Result1, Vec<u8>) {
    let request = Request::DeviceControl {
        fd: 0,
        command,
        argument: 0,
    };
    let (answer, [bytes, _]) = machine.ask(pid, request, [argument, b""]);
    (answer, bytes)
}

#[test]
fn a_session_leader_gets_the_console_as_its_terminal() {
    let mut machine = Machine::new();
    assert_eq!(machine.open(INIT, "/dev/tty", O_RDWR), Err(Errno::ENXIO));
    machine
        .open(INIT, "/dev/console", O_RDWR | O_NOCTTY)
        .unwrap();
    assert_eq!(machine.ports.terminal.session, 0);
    machine.open(INIT, "/dev/console", O_RDWR).unwrap();
    assert_eq!(machine.ports.terminal.session, 1);
    assert!(machine.open(INIT, "/dev/tty", O_RDWR).is_ok());
    machine.proc(Request::Exit { process: INIT }).unwrap();
    assert_eq!(
        machine.ports.terminal.session, 0,
        "its end gives the terminal up"
    );
}

#[test]
fn only_root_takes_a_terminal_from_another_session() {
    let mut machine = Machine::new();
    machine.open(INIT, "/dev/console", O_RDWR).unwrap();
    for (pid, user) in [(5, 1000), (6, 0)] {
        let mut leader = entry(pid, user, user);
        leader.sid = pid;
        machine.publish(leader);
        let console = true;
        let process = Pid(pid);
        machine.proc(Request::Start { process, console }).unwrap();
    }
    let mut steal = |pid, how: u64| {
        let request = Request::DeviceControl {
            fd: 0,
            command: TIOCSCTTY,
            argument: how,
        };
        let (answer, _) = machine.ask(Pid(pid), request, [b"", b""]);
        (answer.map(drop), machine.ports.terminal.session)
    };
    assert_eq!(steal(5, 1), (Err(Errno::EPERM), 1));
    assert_eq!(steal(6, 0), (Err(Errno::EPERM), 1));
    assert_eq!(steal(6, 1), (Ok(()), 6));
}

#[test]
fn a_first_process_has_the_console_as_0_1_and_2() {
    let mut machine = Machine::new();
    let mut leader = entry(5, 0, 0);
    leader.sid = 5;
    machine.publish(leader);
    machine
        .proc(Request::Start {
            process: Pid(5),
            console: true,
        })
        .unwrap();
    assert_eq!(machine.ports.terminal.session, 5);
    assert_eq!(machine.write(Pid(5), 2, b"hello"), Ok(5));
    assert_eq!(machine.ports.terminal.output, b"hello");
    assert_eq!(machine.open(Pid(5), "/dev/null", O_RDONLY), Ok(3));
}

#[test]
fn a_reader_waits_until_the_line_is_ready() {
    let mut machine = console();
    let waiting = machine.wait(INIT, Request::Read { fd: 0 }, [&[0; 8], b""]);
    machine.notify(READY);
    assert!(machine.answer(waiting).is_none());
    machine.ports.terminal.input = b"line\n".to_vec();
    machine.notify(READY);
    let (answer, bytes) = machine.answer(waiting).unwrap();
    assert_eq!(
        (answer, &bytes[..5]),
        (Ok(Reply::Count(5)), b"line\n".as_slice())
    );
    assert_eq!(
        machine
            .ask(
                INIT,
                Request::Control {
                    fd: 0,
                    command: F_SETFL,
                    argument: 0o4000
                },
                [b"", b""]
            )
            .0,
        Ok(Reply::Count(0))
    );
    assert_eq!(machine.read(INIT, 0, 8), Err(Errno::EAGAIN));
}

#[test]
fn a_writer_waits_while_the_line_is_full() {
    let mut machine = console();
    machine.ports.terminal.room = 700;
    let waiting = machine.wait(INIT, Request::Write { fd: 0 }, [&[b'x'; 1000], b""]);
    assert_eq!(machine.ports.terminal.output.len(), 700);
    machine.ports.terminal.room = 1000;
    machine.notify(READY);
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(1000)));
    assert_eq!(machine.ports.terminal.output.len(), 1000);
}

#[test]
fn input_that_cannot_be_delivered_is_kept() {
    let mut machine = console();
    machine.ports.terminal.input = b"secret".to_vec();
    let caller = Caller {
        leases: [vec![0; 8], vec![]],
        absent: [Some(3), None],
        ..Caller::default()
    };
    let (answer, _) = machine.send(INIT, Request::Read { fd: 0 }, caller);
    assert_eq!(
        answer,
        Some(Err(Refusal::Touch {
            lease: 0,
            offset: 3,
            done: 0
        }))
    );
    assert_eq!(machine.read(INIT, 0, 4), Ok(b"secr".to_vec()));
    assert_eq!(machine.read(INIT, 0, 4), Ok(b"et".to_vec()));
}

#[test]
fn a_background_reader_waits_for_its_turn() {
    let mut machine = console();
    let job = machine.child(2, 0, 0);
    machine.ports.terminal.input = b"x".to_vec();
    let waiting = machine.wait(job, Request::Read { fd: 0 }, [&[0; 8], b""]);
    machine.notify(READY);
    assert!(
        machine.answer(waiting).is_none(),
        "the line being ready does not help it"
    );
    assert_eq!(
        ioctl(&mut machine, INIT, TIOCSPGRP, &2u32.to_le_bytes()).0,
        Ok(Reply::Count(0))
    );
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(1)));
}

#[test]
fn an_orphaned_background_reader_fails() {
    let mut machine = console();
    let job = machine.child(2, 0, 0);
    let waiting = machine.wait(job, Request::Read { fd: 0 }, [&[0; 8], b""]);
    machine
        .proc(Request::FailTerminalReads { pgid: 3 })
        .unwrap();
    assert!(machine.answer(waiting).is_none());
    machine
        .proc(Request::FailTerminalReads { pgid: 2 })
        .unwrap();
    assert_eq!(
        machine.answer(waiting).unwrap().0,
        Err(Refusal::Errno(Errno::EIO))
    );
}

#[test]
fn an_interrupted_reader_is_told() {
    let mut machine = console();
    let waiting = machine.wait(INIT, Request::Read { fd: 0 }, [&[0; 8], b""]);
    machine.ports.callers.all.get_mut(&waiting.0).unwrap().state = Some(TokenState::Interrupted);
    machine.notify(notify::CANCELLED);
    assert_eq!(
        machine.answer(waiting).unwrap().0,
        Err(Refusal::Errno(Errno::EINTR))
    );
}

#[test]
fn ioctl_knows_the_terminal_and_only_it() {
    let mut machine = console();
    assert_eq!(
        ioctl(&mut machine, INIT, TCGETS, &[0; 36]),
        (Ok(Reply::Count(0)), vec![7; 36])
    );
    assert_eq!(
        ioctl(&mut machine, INIT, TCSETSF, &[0; 36]).0,
        Ok(Reply::Count(0))
    );
    assert_eq!(
        ioctl(&mut machine, INIT, TIOCGWINSZ, &[0; 8]).1,
        [24, 0, 80, 0, 0, 0, 0, 0]
    );
    assert_eq!(
        ioctl(&mut machine, INIT, TIOCGPGRP, &[0; 4]).1,
        [1, 0, 0, 0]
    );
    assert_eq!(
        ioctl(&mut machine, INIT, TIOCSPGRP, &99u32.to_le_bytes()).0,
        Err(Errno::ESRCH)
    );
    assert_eq!(ioctl(&mut machine, INIT, TIOCGSID, &[0; 4]).1, [1, 0, 0, 0]);
    assert_eq!(ioctl(&mut machine, INIT, 0x1234, &[]).0, Err(Errno::ENOTTY));
    assert_eq!(
        ioctl(&mut machine, INIT, TCGETS, &[0; 20]).0,
        Err(Errno::EFAULT)
    );
    let other = machine.child(2, 0, 0);
    let mut elsewhere = entry(2, 0, 0);
    elsewhere.sid = 2;
    machine.publish(elsewhere);
    assert_eq!(
        ioctl(&mut machine, other, TIOCGPGRP, &[0; 4]).0,
        Err(Errno::ENOTTY)
    );
    assert_eq!(
        ioctl(&mut machine, INIT, TIOCSPGRP, &2u32.to_le_bytes()).0,
        Err(Errno::EPERM)
    );
    machine.close(INIT, 0).unwrap();
    machine.open(INIT, "/dev/null", O_RDWR).unwrap();
    assert_eq!(
        ioctl(&mut machine, INIT, TCGETS, &[0; 36]).0,
        Err(Errno::ENOTTY)
    );
}
