//! Pipes and FIFOs: who waits, who is told the end, what is atomic.

mod common;

use abi::Errno;
use abi::message::notify;
use common::*;
use proto::Pid;
use proto::port::{Refusal, TokenState};
use proto::vfs::{AT_FDCWD, PIPE_BUF, Reply, Request};
use vfs::linux::*;

/// A machine with a pipe that process 1 and its child 2 share.
fn pair() -> (Machine, Pid, i32, i32) {
    let mut machine = Machine::new();
    let (read, write) = machine.pipe(INIT, 0);
    let child = machine.child(2, 0, 0);
    (machine, child, read, write)
}

#[test]
fn a_reader_waits_for_a_writer_and_its_end() {
    let (mut machine, child, read, write) = pair();
    let waiting = machine.wait(child, Request::Read { fd: read }, [&[0; 8], b""]);
    assert_eq!(machine.write(INIT, write, b"hello"), Ok(5));
    let (answer, bytes) = machine.answer(waiting).unwrap();
    assert_eq!(
        (answer, &bytes[..5]),
        (Ok(Reply::Count(5)), b"hello".as_slice())
    );
    let waiting = machine.wait(INIT, Request::Read { fd: read }, [&[0; 8], b""]);
    machine.close(INIT, write).unwrap();
    assert!(
        machine.answer(waiting).is_none(),
        "the child still has the writing end"
    );
    machine.proc(Request::Exit { process: child }).unwrap();
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(0)));
}

#[test]
fn a_writer_without_readers_gets_epipe() {
    let (mut machine, child, read, write) = pair();
    machine.close(INIT, read).unwrap();
    machine.close(child, read).unwrap();
    assert_eq!(machine.write(INIT, write, b"x"), Err(Errno::EPIPE));
}

/// What a pipe holds unless it is told otherwise.
const CAPACITY: u64 = vfs::pipe::CAPACITY as u64;

fn resize(machine: &mut Machine, fd: i32, bytes: u64) -> Result<Reply, Errno> {
    let command = F_SETPIPE_SZ;
    let wish = Request::Control {
        fd,
        command,
        argument: bytes,
    };
    machine.ask(INIT, wish, [b"", b""]).0
}

#[test]
fn a_pipes_size_can_be_set_but_not_below_what_is_in_it() {
    let (mut machine, child, read, write) = pair();
    for (wish, size) in [(1, 4096), (5000, 8192), (200_000, 262_144), (0, 4096)] {
        assert_eq!(resize(&mut machine, read, wish), Ok(Reply::Count(size)));
    }
    let waiting = machine.wait(child, Request::Write { fd: write }, [&[1; 6000], b""]);
    assert!(machine.answer(waiting).is_none(), "a page is full");
    assert_eq!(resize(&mut machine, write, 8192), Ok(Reply::Count(8192)));
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(6000)));
    let busy = Err(Errno::EBUSY);
    assert_eq!(resize(&mut machine, write, 4096), busy);
    assert_eq!(machine.read(INIT, read, 9000).unwrap(), vec![1; 6000]);
}

#[test]
fn large_pipes_count_as_several() {
    let (mut machine, _, read, _) = pair();
    let denied = Err(Errno::EPERM);
    assert_eq!(resize(&mut machine, read, (1 << 20) + 1), denied);
    assert_eq!(resize(&mut machine, read, 1 << 32), Err(Errno::EINVAL));
    let mut large = Vec::new();
    let refused = loop {
        let (read, write) = machine.pipe(INIT, 0);
        match resize(&mut machine, read, 4 * CAPACITY) {
            Ok(_) => large.push((read, write)),
            refused => break refused,
        }
        assert!(large.len() < 10_000, "there is an end");
    };
    assert_eq!(refused, denied);
    // A large one that goes leaves its room to another.
    let (gone_read, gone_write) = large.pop().unwrap();
    machine.close(INIT, gone_read).unwrap();
    machine.close(INIT, gone_write).unwrap();
    let size = 4 * CAPACITY;
    assert_eq!(resize(&mut machine, read, size), Ok(Reply::Count(size)));
}

#[test]
fn small_writes_wait_until_they_fit_whole() {
    let (mut machine, child, read, write) = pair();
    assert_eq!(machine.write(INIT, write, &vec![1; 65536 - 100]), Ok(65436));
    let waiting = machine.wait(child, Request::Write { fd: write }, [&[2; 200], b""]);
    assert_eq!(machine.read(INIT, read, 50).unwrap().len(), 50);
    assert!(
        machine.answer(waiting).is_none(),
        "150 bytes fit, 200 do not"
    );
    assert_eq!(machine.read(INIT, read, 50).unwrap().len(), 50);
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(200)));
}

#[test]
fn large_writes_go_on_piece_by_piece() {
    let (mut machine, child, read, write) = pair();
    let content: Vec<u8> = (0..200_000u32).map(|number| (number / 7) as u8).collect();
    let waiting = machine.wait(child, Request::Write { fd: write }, [&content, b""]);
    let mut got = Vec::new();
    while got.len() < content.len() {
        got.extend(machine.read(INIT, read, 10_000).unwrap());
    }
    assert!(got == content);
    assert_eq!(
        machine.answer(waiting).unwrap().0,
        Ok(Reply::Count(200_000))
    );
}

#[test]
fn an_interrupted_writer_is_told_how_much_went() {
    let (mut machine, child, read, write) = pair();
    let writer = machine.wait(child, Request::Write { fd: write }, [&vec![1; 70_000], b""]);
    machine.ports.callers.all.get_mut(&writer.0).unwrap().state = Some(TokenState::Interrupted);
    machine.notify(notify::CANCELLED);
    assert_eq!(machine.answer(writer).unwrap().0, Ok(Reply::Count(65536)));
    while machine.read(INIT, read, 65536).unwrap().len() < 65536 {}
    let reader = machine.wait(child, Request::Read { fd: read }, [&[0; 8], b""]);
    machine.notify(notify::CANCELLED);
    assert!(
        machine.answer(reader).is_none(),
        "nobody interrupted this one"
    );
    machine.ports.callers.all.get_mut(&reader.0).unwrap().state = Some(TokenState::Interrupted);
    machine.notify(notify::CANCELLED);
    assert_eq!(
        machine.answer(reader).unwrap().0,
        Err(Refusal::Errno(Errno::EINTR))
    );
    assert_eq!(machine.vfs.parked_count(), 0);
}

#[test]
fn nothing_waits_without_blocking() {
    let mut machine = Machine::new();
    let (read, write) = machine.pipe(INIT, O_NONBLOCK);
    assert_eq!(machine.read(INIT, read, 8), Err(Errno::EAGAIN));
    assert_eq!(machine.write(INIT, write, &vec![1; 70_000]), Ok(65536));
    assert_eq!(machine.write(INIT, write, b"x"), Err(Errno::EAGAIN));
    machine.read(INIT, read, 10).unwrap();
    assert_eq!(
        machine.write(INIT, write, &[1; 11]),
        Err(Errno::EAGAIN),
        "small writes are atomic"
    );
    assert_eq!(machine.write(INIT, write, &[1; PIPE_BUF + 1]), Ok(10));
}

#[test]
fn a_reader_whose_memory_is_absent_loses_nothing() {
    let (mut machine, _, read, write) = pair();
    machine.write(INIT, write, b"hello").unwrap();
    let caller = Caller {
        leases: [vec![0; 8], vec![]],
        absent: [Some(2), None],
        ..Caller::default()
    };
    let (answer, _) = machine.send(INIT, Request::Read { fd: read }, caller);
    assert_eq!(
        answer,
        Some(Err(Refusal::Touch {
            lease: 0,
            offset: 2,
            done: 0
        }))
    );
    assert_eq!(machine.read(INIT, read, 8), Ok(b"hello".to_vec()));
}

#[test]
fn a_writer_whose_memory_is_absent_writes_nothing_twice() {
    let (mut machine, child, read, write) = pair();
    let caller = Caller {
        leases: [vec![4; 70_000], vec![]],
        absent: [Some(66_000), None],
        ..Caller::default()
    };
    let (answer, token) = machine.send(child, Request::Write { fd: write }, caller);
    assert_eq!(answer, None);
    assert_eq!(machine.read(INIT, read, 65536).unwrap().len(), 65536);
    let expected = Refusal::Touch {
        lease: 0,
        offset: 66_000,
        done: 65536,
    };
    assert_eq!(machine.answer(token).unwrap().0, Err(expected));
    machine.close(child, write).unwrap();
    machine.close(INIT, write).unwrap();
    assert_eq!(machine.read(INIT, read, 8), Ok(vec![]));
}

#[test]
fn fifos_wait_for_their_other_end() {
    let mut machine = Machine::new();
    let child = machine.child(2, 0, 0);
    let request = Request::MakeNode {
        directory: AT_FDCWD,
        mode: S_IFIFO | 0o600,
        device: 0,
    };
    machine.path(INIT, request, "/fifo").unwrap();
    assert_eq!(
        machine.open(INIT, "/fifo", O_WRONLY | O_NONBLOCK),
        Err(Errno::ENXIO)
    );
    let open = |flags| Request::Open {
        directory: AT_FDCWD,
        flags,
        mode: 0,
    };
    let reader = machine.wait(child, open(O_RDONLY), [b"/fifo", b""]);
    let writer = machine.open(INIT, "/fifo", O_WRONLY).unwrap();
    assert_eq!(machine.answer(reader).unwrap().0, Ok(Reply::Descriptor(0)));
    machine.write(INIT, writer, b"through").unwrap();
    assert_eq!(machine.read(child, 0, 20), Ok(b"through".to_vec()));
    machine.close(INIT, writer).unwrap();
    assert_eq!(machine.read(child, 0, 20), Ok(vec![]));
    machine.close(child, 0).unwrap();

    let waiting = machine.wait(child, open(O_WRONLY), [b"/fifo", b""]);
    machine.ports.callers.all.get_mut(&waiting.0).unwrap().state = Some(TokenState::Interrupted);
    machine.notify(notify::CANCELLED);
    assert_eq!(
        machine.answer(waiting).unwrap().0,
        Err(Refusal::Errno(Errno::EINTR))
    );
    assert_eq!(machine.open(INIT, "/fifo", O_RDONLY | O_NONBLOCK), Ok(0));
    assert_eq!(
        machine.read(INIT, 0, 5),
        Ok(vec![]),
        "the interrupted writer is gone"
    );
}

/// One `struct pollfd`.
fn pollfd(fd: i32, events: i16) -> Vec<u8> {
    [fd.to_le_bytes().as_slice(), &events.to_le_bytes(), &[0, 0]].concat()
}

#[test]
fn poll_tells_readiness_hang_up_and_time() {
    let (mut machine, child, read, write) = pair();
    let both = [
        pollfd(read, POLLIN),
        pollfd(write, POLLOUT),
        pollfd(60, POLLIN),
        pollfd(-1, POLLIN),
    ]
    .concat();
    let (answer, [bytes, _]) = machine.ask(INIT, Request::Poll { timeout_ns: 0 }, [&both, b""]);
    assert_eq!(answer, Ok(Reply::Count(2)));
    assert_eq!(
        [bytes[6], bytes[14], bytes[22], bytes[30]],
        [0, POLLOUT as u8, POLLNVAL as u8, 0]
    );

    let one = pollfd(read, POLLIN);
    let waiting = machine.wait(child, Request::Poll { timeout_ns: 1000 }, [&one, b""]);
    let forever = machine.wait(
        child,
        Request::Poll {
            timeout_ns: u64::MAX,
        },
        [&one, b""],
    );
    assert_eq!(machine.ports.system.wake, Some(1000));
    machine.ports.system.now = 1000;
    machine.notify(notify::TIMER);
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(0)));
    machine.write(INIT, write, b"x").unwrap();
    let (answer, bytes) = machine.answer(forever).unwrap();
    assert_eq!((answer, bytes[6]), (Ok(Reply::Count(1)), POLLIN as u8));

    machine.read(INIT, read, 1).unwrap();
    let hung = machine.wait(
        INIT,
        Request::Poll {
            timeout_ns: u64::MAX,
        },
        [&one, b""],
    );
    machine.close(child, write).unwrap();
    machine.close(INIT, write).unwrap();
    assert_eq!(machine.answer(hung).unwrap().1[6], POLLHUP as u8);
}

#[test]
fn exit_answers_nobody_and_forgets_what_waited() {
    let (mut machine, child, read, _) = pair();
    let waiting = machine.wait(child, Request::Read { fd: read }, [&[0; 8], b""]);
    machine.proc(Request::Exit { process: child }).unwrap();
    assert_eq!(machine.answer(waiting), None);
    assert_eq!(machine.vfs.parked_count(), 0);
    assert_eq!(
        machine.proc(Request::Exit { process: child }),
        Err(Errno::ESRCH)
    );
}

#[test]
fn a_pipe_without_a_name_is_opened_again_at_once() {
    let mut machine = Machine::new();
    let (read, write) = machine.pipe(INIT, 0);
    assert_eq!(machine.write(INIT, write, b"left"), Ok(4));
    machine.close(INIT, write).unwrap();
    let path = format!("/proc/self/fd/{read}");
    let again = machine.open(INIT, &path, O_RDONLY).unwrap();
    assert_eq!(machine.read(INIT, again, 8).unwrap(), b"left");
    assert_eq!(machine.read(INIT, again, 8).unwrap(), b"");
}
