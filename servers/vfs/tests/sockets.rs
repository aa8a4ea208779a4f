//! Sockets: who waits for whom, what a message carries, and what is left when one side goes.

mod common;

use abi::Errno;
use abi::message::notify;
use common::*;
use proto::Pid;
use proto::port::Refusal;
use proto::vfs::{Fd, Reply, Request};
use vfs::linux::*;
use vfs::socket::CAPACITY;

fn pair(machine: &mut Machine, kind: u32) -> (Fd, Fd) {
    let request = Request::SocketPair {
        domain: AF_UNIX,
        kind,
        protocol: 0,
    };
    match machine.ask(INIT, request, [b"", b""]).0 {
        Ok(Reply::Descriptors { read, write }) => (read, write),
        other => panic!("{other:?}"),
    }
}

fn socket(machine: &mut Machine, kind: u32) -> Fd {
    let request = Request::Socket {
        domain: AF_UNIX,
        kind,
        protocol: 0,
    };
    match machine.ask(INIT, request, [b"", b""]).0 {
        Ok(Reply::Descriptor(fd)) => fd,
        other => panic!("{other:?}"),
    }
}

fn address(name: &[u8]) -> Vec<u8> {
    [&[1, 0], name].concat()
}

fn send_rights(machine: &mut Machine, fd: Fd, bytes: &[u8], rights: &[Fd]) -> Result1 {
    let mut control = (16 + 4 * rights.len() as u64).to_le_bytes().to_vec();
    control.extend(SOL_SOCKET.to_le_bytes());
    control.extend(SCM_RIGHTS.to_le_bytes());
    control.extend(rights.iter().flat_map(|fd| fd.to_le_bytes()));
    let request = Request::Send {
        fd,
        flags: 0,
        name_bytes: 0,
    };
    machine.ask(INIT, request, [bytes, &control]).0
}

/// What came: bytes, descriptors, flags.
fn receive(machine: &mut Machine, pid: Pid, fd: Fd) -> (Vec<u8>, Vec<Fd>, u32) {
    let request = Request::Receive {
        fd,
        flags: MSG_DONTWAIT,
        name_bytes: 0,
    };
    let (answer, [mut bytes, control]) = machine.ask(pid, request, [&[0; 64], &[0; 64]]);
    let Ok(Reply::Received {
        bytes: count,
        control_bytes,
        flags,
        ..
    }) = answer
    else {
        panic!("{answer:?}");
    };
    bytes.truncate(count as usize);
    let numbers = control[..control_bytes as usize].chunks(4).skip(4);
    let fds = numbers.map(|four| Fd::from_le_bytes(four.try_into().unwrap()));
    (bytes, fds.filter(|&fd| fd > 0).collect(), flags)
}

#[test]
fn a_writer_of_a_stream_waits_for_the_reader_and_loses_nothing() {
    let mut machine = Machine::new();
    let (one, other) = pair(&mut machine, SOCK_STREAM);
    let content: Vec<u8> = (0..CAPACITY * 2).map(|byte| (byte % 251) as u8).collect();
    let writer = machine.wait(INIT, Request::Write { fd: one }, [&content, b""]);
    let mut got = Vec::new();
    while got.len() < content.len() {
        got.extend(machine.read(INIT, other, 70_000).unwrap());
    }
    assert_eq!(got, content);
    let all = Ok(Reply::Count(content.len() as u64));
    assert_eq!(machine.answer(writer).unwrap().0, all);
}

#[test]
fn messages_keep_their_ends_and_a_stream_does_not() {
    let mut machine = Machine::new();
    for (kind, first) in [
        (SOCK_STREAM, "onetwo"),
        (SOCK_DGRAM, "one"),
        (SOCK_SEQPACKET, "one"),
    ] {
        let (one, other) = pair(&mut machine, kind);
        machine.write(INIT, one, b"one").unwrap();
        machine.write(INIT, one, b"two").unwrap();
        assert_eq!(machine.read(INIT, other, 100).unwrap(), first.as_bytes());
    }
}

#[test]
fn descriptors_travel_and_those_nobody_receives_are_closed() {
    let mut machine = Machine::new();
    let (one, other) = pair(&mut machine, SOCK_STREAM);
    let (read, write) = machine.pipe(INIT, O_NONBLOCK);
    send_rights(&mut machine, one, b"x", &[read, read]).unwrap();
    machine.close(INIT, read).unwrap();
    let (bytes, fds, flags) = receive(&mut machine, INIT, other);
    assert_eq!(
        (bytes.as_slice(), fds.len(), flags),
        (b"x".as_slice(), 2, 0)
    );
    machine.write(INIT, write, b"through").unwrap();
    assert_eq!(machine.read(INIT, fds[0], 10).unwrap(), b"through");
    send_rights(&mut machine, one, b"y", &[fds[0]]).unwrap();
    machine.close(INIT, fds[0]).unwrap();
    machine.close(INIT, fds[1]).unwrap();
    assert_eq!(machine.write(INIT, write, b"z"), Ok(1), "it is on its way");
    machine.close(INIT, other).unwrap();
    assert_eq!(machine.write(INIT, write, b"z"), Err(Errno::EPIPE));
}

#[test]
fn a_receiver_whose_memory_is_absent_gets_message_and_descriptors_later() {
    let mut machine = Machine::new();
    let (one, other) = pair(&mut machine, SOCK_DGRAM);
    let (read, _) = machine.pipe(INIT, 0);
    send_rights(&mut machine, one, b"message", &[read]).unwrap();
    for absent in [[Some(3), None], [None, Some(8)]] {
        let caller = Caller {
            leases: [vec![0; 64], vec![0; 64]],
            absent,
            ..Caller::default()
        };
        let request = Request::Receive {
            fd: other,
            flags: 0,
            name_bytes: 0,
        };
        let (answer, _) = machine.send(INIT, request, caller);
        assert!(matches!(answer, Some(Err(Refusal::Touch { .. }))));
    }
    let (bytes, fds, _) = receive(&mut machine, INIT, other);
    assert_eq!(bytes, b"message");
    assert_eq!(fds, [other.max(read) + 2], "no number was lost");
}

#[test]
fn a_client_waits_for_a_server_that_waits_for_clients() {
    let mut machine = Machine::new();
    let server = socket(&mut machine, SOCK_STREAM);
    let name = address(b"/tmp.socket");
    let ask =
        |machine: &mut Machine, request, bytes: &[u8]| machine.ask(INIT, request, [bytes, b""]).0;
    ask(&mut machine, Request::Bind { fd: server }, &name).unwrap();
    let client = socket(&mut machine, SOCK_STREAM);
    let connect = Request::Connect { fd: client };
    assert_eq!(ask(&mut machine, connect, &name), Err(Errno::ECONNREFUSED));
    let listen = Request::Listen {
        fd: server,
        backlog: 0,
    };
    ask(&mut machine, listen, b"").unwrap();
    ask(&mut machine, connect, &name).unwrap();
    let second = socket(&mut machine, SOCK_STREAM);
    let connecting = machine.wait(INIT, Request::Connect { fd: second }, [&name, b""]);
    let accept = Request::Accept {
        fd: server,
        flags: 0,
    };
    let Ok(Reply::Accepted { fd, .. }) = ask(&mut machine, accept, &[0; 16]) else {
        panic!("one waits");
    };
    assert_eq!(machine.answer(connecting).unwrap().0, Ok(Reply::Done));
    machine.write(INIT, client, b"hello").unwrap();
    assert_eq!(machine.read(INIT, fd, 9).unwrap(), b"hello");
    machine.close(INIT, server).unwrap();
    assert_eq!(
        machine.read(INIT, second, 9),
        Ok(Vec::new()),
        "who was not accepted is at the end"
    );
    let unlink = Request::Unlink {
        directory: proto::vfs::AT_FDCWD,
        flags: 0,
    };
    machine.path(INIT, unlink, "/tmp.socket").unwrap();
    let third = socket(&mut machine, SOCK_STREAM);
    assert_eq!(
        ask(&mut machine, Request::Connect { fd: third }, &name),
        Err(Errno::ENOENT)
    );
}

#[test]
fn a_closed_socket_ends_the_wait_of_the_other() {
    let mut machine = Machine::new();
    let (one, other) = pair(&mut machine, SOCK_STREAM);
    let reader = machine.wait(INIT, Request::Read { fd: other }, [&[0; 8], b""]);
    machine.close(INIT, one).unwrap();
    assert_eq!(machine.answer(reader).unwrap().0, Ok(Reply::Count(0)));
    assert_eq!(machine.write(INIT, other, b"x"), Err(Errno::EPIPE));
}

#[test]
fn patience_can_be_limited() {
    let mut machine = Machine::new();
    let (one, other) = pair(&mut machine, SOCK_STREAM);
    let limit = [0u64.to_le_bytes(), 5000u64.to_le_bytes()].concat();
    let option = Request::SetOption {
        fd: other,
        level: SOL_SOCKET,
        option: SO_RCVTIMEO,
    };
    machine.ask(INIT, option, [&limit, b""]).0.unwrap();
    let reader = machine.wait(INIT, Request::Read { fd: other }, [&[0; 8], b""]);
    assert_eq!(machine.ports.system.wake, Some(5_000_000));
    machine.ports.system.now = 5_000_000;
    machine.notify(notify::TIMER);
    let late = Err(Refusal::Errno(Errno::EAGAIN));
    assert_eq!(machine.answer(reader).unwrap().0, late);
    machine.close(INIT, one).unwrap();
}

#[test]
fn a_chain_of_sockets_inside_each_other_ends_with_the_first() {
    let mut machine = Machine::new();
    let mut last = pair(&mut machine, SOCK_STREAM);
    for _ in 0..20 {
        let next = pair(&mut machine, SOCK_STREAM);
        let (inner, outer) = (last, next);
        send_rights(&mut machine, outer.0, b"x", &[inner.0, inner.1]).unwrap();
        machine.close(INIT, inner.0).unwrap();
        machine.close(INIT, inner.1).unwrap();
        last = next;
    }
    let open = |machine: &mut Machine| {
        let text = machine.content(INIT, "/proc/tessera").unwrap();
        String::from_utf8(text).unwrap()
    };
    assert!(
        open(&mut machine).contains("open 43"),
        "and the file itself"
    );
    machine.close(INIT, last.0).unwrap();
    machine.close(INIT, last.1).unwrap();
    assert!(open(&mut machine).contains("open 1\n"));
}
