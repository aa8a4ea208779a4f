//! Counters, timers and watches: who waits, what is told once and what again.

mod common;

use abi::Errno;
use abi::message::notify;
use common::*;
use proto::Pid;
use proto::port::Refusal;
use proto::vfs::{Fd, Reply, Request};
use vfs::linux::*;

fn descriptor(machine: &mut Machine, request: Request) -> Fd {
    match machine.ask(INIT, request, [b"", b""]).0 {
        Ok(Reply::Descriptor(fd)) => fd,
        other => panic!("{other:?}"),
    }
}

fn counter(machine: &mut Machine, initial: u32, flags: u32) -> Fd {
    descriptor(machine, Request::EventFile { initial, flags })
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

fn add(machine: &mut Machine, watch: Fd, fd: Fd, events: u32) -> Result1 {
    change(machine, watch, EPOLL_CTL_ADD, fd, events)
}

fn change(machine: &mut Machine, watch: Fd, operation: u32, fd: Fd, events: u32) -> Result1 {
    let request = Request::ChangeWatch {
        watch,
        operation,
        fd,
        events,
        data: fd as u64,
    };
    machine.ask(INIT, request, [b"", b""]).0
}

/// The server's timer, which is set for one time, runs out.
fn expire(machine: &mut Machine, now: u64) {
    machine.ports.system.now = now;
    machine.ports.system.wake = None;
    machine.notify(notify::TIMER);
}

/// What a watch tells at once: events and descriptors.
fn told(machine: &mut Machine, watch: Fd) -> Vec<(u32, u64)> {
    let request = Request::AwaitWatch {
        watch,
        timeout_ns: 0,
    };
    let (answer, [bytes, _]) = machine.ask(INIT, request, [&[0; 64], b""]);
    events(&bytes, count(answer.unwrap()))
}

fn events(bytes: &[u8], count: u64) -> Vec<(u32, u64)> {
    let event = |bytes: &[u8]| {
        let events = u32::from_le_bytes(bytes[..4].try_into().unwrap());
        (events, number(&bytes[8..]))
    };
    bytes.chunks(16).map(event).take(count as usize).collect()
}

const IN: u32 = POLLIN as u32;

#[test]
fn a_reader_waits_for_a_counter_and_gets_all_or_one() {
    let mut machine = Machine::new();
    let fd = counter(&mut machine, 0, 0);
    let waiting = machine.wait(INIT, Request::Read { fd }, [&[0; 8], b""]);
    machine.write(INIT, fd, &3u64.to_le_bytes()).unwrap();
    let (answer, bytes) = machine.answer(waiting).unwrap();
    assert_eq!((answer, number(&bytes)), (Ok(Reply::Count(8)), 3));
    let fd = counter(&mut machine, 2, EFD_SEMAPHORE | O_NONBLOCK);
    assert_eq!(number(&machine.read(INIT, fd, 8).unwrap()), 1);
    assert_eq!(number(&machine.read(INIT, fd, 8).unwrap()), 1);
    assert_eq!(machine.read(INIT, fd, 8), Err(Errno::EAGAIN));
}

#[test]
fn a_writer_waits_for_room_in_a_counter() {
    let mut machine = Machine::new();
    let fd = counter(&mut machine, 1, 0);
    let most = (u64::MAX - 1).to_le_bytes();
    let waiting = machine.wait(INIT, Request::Write { fd }, [&most, b""]);
    assert_eq!(number(&machine.read(INIT, fd, 8).unwrap()), 1);
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(8)));
    assert_eq!(
        number(&machine.read(INIT, fd, 8).unwrap()),
        u64::MAX - 1,
        "the reader took the one, then the writer's came"
    );
}

#[test]
fn a_reader_whose_memory_is_absent_takes_nothing() {
    let mut machine = Machine::new();
    let fd = counter(&mut machine, 5, O_NONBLOCK);
    let caller = Caller {
        leases: [vec![0; 8], Vec::new()],
        absent: [Some(0), None],
        ..Caller::default()
    };
    let (answer, _) = machine.send(INIT, Request::Read { fd }, caller);
    assert!(matches!(answer, Some(Err(Refusal::Touch { .. }))));
    assert_eq!(number(&machine.read(INIT, fd, 8).unwrap()), 5);
}

#[test]
fn a_timer_wakes_who_reads_and_who_polls_once_per_time() {
    let mut machine = Machine::new();
    let flags = 0;
    let clock = CLOCK_MONOTONIC;
    let fd = descriptor(&mut machine, Request::TimerFile { clock, flags });
    let set = Request::SetTimer {
        fd,
        flags,
        value_ns: 100,
        interval_ns: 50,
    };
    machine.ask(INIT, set, [b"", b""]).0.unwrap();
    assert_eq!(machine.ports.system.wake, Some(100));
    let reading = machine.wait(INIT, Request::Read { fd }, [&[0; 8], b""]);
    expire(&mut machine, 100);
    assert_eq!(number(&machine.answer(reading).unwrap().1), 1);
    assert_eq!(machine.ports.system.wake, Some(150), "read, so armed again");
    expire(&mut machine, 260);
    assert_eq!(
        machine.ports.system.wake, None,
        "what nobody reads costs no more time"
    );
    assert_eq!(number(&machine.read(INIT, fd, 8).unwrap()), 3);
    let left = machine.ask(INIT, Request::GetTimer { fd }, [b"", b""]).0;
    let (left_ns, interval_ns) = (40, 50);
    assert_eq!(
        left,
        Ok(Reply::Timer {
            left_ns,
            interval_ns
        })
    );
    machine.close(INIT, fd).unwrap();
    expire(&mut machine, 400);
    assert_eq!(machine.ports.system.wake, None, "a closed timer is gone");
}

#[test]
fn a_time_of_day_is_counted_from_boot() {
    let mut machine = Machine::new();
    let clock = CLOCK_REALTIME;
    let fd = descriptor(&mut machine, Request::TimerFile { clock, flags: 0 });
    let set = Request::SetTimer {
        fd,
        flags: TFD_TIMER_ABSTIME,
        value_ns: 1_000_000_000_000_000_070,
        interval_ns: 0,
    };
    machine.ask(INIT, set, [b"", b""]).0.unwrap();
    assert_eq!(machine.ports.system.wake, Some(70));
}

#[test]
fn levels_are_told_again_and_edges_once() {
    let mut machine = Machine::new();
    let (read, write) = machine.pipe(INIT, O_NONBLOCK);
    let watch = descriptor(&mut machine, Request::WatchFile { flags: 0 });
    add(&mut machine, watch, read, IN).unwrap();
    assert_eq!(told(&mut machine, watch), []);
    machine.write(INIT, write, b"ab").unwrap();
    for _ in 0..2 {
        assert_eq!(told(&mut machine, watch), [(IN, read as u64)]);
    }
    change(&mut machine, watch, EPOLL_CTL_MOD, read, IN | EPOLLET).unwrap();
    assert_eq!(told(&mut machine, watch), [(IN, read as u64)]);
    machine.read(INIT, read, 1).unwrap();
    assert_eq!(told(&mut machine, watch), []);
    machine.write(INIT, write, b"c").unwrap();
    assert_eq!(told(&mut machine, watch), [(IN, read as u64)]);
    machine.close(INIT, write).unwrap();
    let hung = IN | POLLHUP as u32;
    assert_eq!(told(&mut machine, watch), [(hung, read as u64)]);
}

#[test]
fn a_wait_ends_with_the_event_with_time_or_with_a_nested_watch() {
    let mut machine = Machine::new();
    let fd = counter(&mut machine, 0, O_NONBLOCK);
    let inner = descriptor(&mut machine, Request::WatchFile { flags: 0 });
    let outer = descriptor(&mut machine, Request::WatchFile { flags: 0 });
    add(&mut machine, inner, fd, IN).unwrap();
    add(&mut machine, outer, inner, IN).unwrap();
    assert_eq!(add(&mut machine, inner, outer, IN), Err(Errno::ELOOP));
    let request = Request::AwaitWatch {
        watch: outer,
        timeout_ns: 500,
    };
    let waiting = machine.wait(INIT, request, [&[0; 32], b""]);
    machine.write(INIT, fd, &1u64.to_le_bytes()).unwrap();
    let (answer, bytes) = machine.answer(waiting).unwrap();
    assert_eq!(answer, Ok(Reply::Count(1)));
    assert_eq!(events(&bytes, 1), [(IN, inner as u64)]);
    machine.read(INIT, fd, 8).unwrap();
    let waiting = machine.wait(INIT, request, [&[0; 32], b""]);
    expire(&mut machine, 500);
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(0)));
}

#[test]
fn a_closed_file_or_watch_leaves_nothing_behind() {
    let mut machine = Machine::new();
    let before = postcard::to_allocvec(&machine.vfs).unwrap();
    let watch = descriptor(&mut machine, Request::WatchFile { flags: 0 });
    let fd = counter(&mut machine, 1, 0);
    add(&mut machine, watch, fd, IN).unwrap();
    let copy = match machine.ask(INIT, Request::Duplicate { fd }, [b"", b""]).0 {
        Ok(Reply::Descriptor(copy)) => copy,
        other => panic!("{other:?}"),
    };
    machine.close(INIT, fd).unwrap();
    assert_eq!(told(&mut machine, watch), [(IN, fd as u64)], "still open");
    machine.close(INIT, copy).unwrap();
    assert_eq!(told(&mut machine, watch), []);
    let fd = counter(&mut machine, 1, 0);
    add(&mut machine, watch, fd, IN).unwrap();
    machine.close(INIT, watch).unwrap();
    machine.close(INIT, fd).unwrap();
    let after = postcard::to_allocvec(&machine.vfs).unwrap();
    assert!(before.len().abs_diff(after.len()) < 64, "only free slots");
}

#[test]
fn two_waiters_of_one_shot_get_one_event() {
    let mut machine = Machine::new();
    let child = {
        machine.publish(entry(2, 0, 0));
        Pid(2)
    };
    let fd = counter(&mut machine, 0, O_NONBLOCK);
    let watch = descriptor(&mut machine, Request::WatchFile { flags: 0 });
    add(&mut machine, watch, fd, IN | EPOLLONESHOT).unwrap();
    let fork = Request::Fork {
        parent: INIT,
        child,
    };
    machine.proc(fork).unwrap();
    let timeout_ns = u64::MAX;
    let request = Request::AwaitWatch { watch, timeout_ns };
    let one = machine.wait(INIT, request, [&[0; 16], b""]);
    let two = machine.wait(child, request, [&[0; 16], b""]);
    machine.write(INIT, fd, &1u64.to_le_bytes()).unwrap();
    assert_eq!(machine.answer(one).unwrap().0, Ok(Reply::Count(1)));
    assert!(machine.answer(two).is_none());
}

#[test]
fn a_descriptor_of_signals_is_ready_when_proc_says_so() {
    let mut machine = Machine::new();
    let set = 1 << 9;
    let flags = 0;
    let fd = descriptor(&mut machine, Request::SignalFile { fd: -1, set, flags });
    let watch = descriptor(&mut machine, Request::WatchFile { flags });
    add(&mut machine, watch, fd, IN).unwrap();
    let request = Request::AwaitWatch {
        watch,
        timeout_ns: u64::MAX,
    };
    let waiting = machine.wait(INIT, request, [&[0; 16], b""]);
    let pending = |set| Request::SignalsPending { process: INIT, set };
    machine.proc(pending(1 << 3)).unwrap();
    assert!(machine.answer(waiting).is_none(), "another signal");
    machine.proc(pending(set)).unwrap();
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(1)));
    let (answer, _) = machine.ask(INIT, Request::Read { fd }, [&[0; 128], b""]);
    assert_eq!(answer, Ok(Reply::TakeSignal { set, waits: true }));
    machine.proc(pending(0)).unwrap();
    assert_eq!(told(&mut machine, watch), []);
    let forged = machine.ask(INIT, pending(set), [b"", b""]).0;
    assert_eq!(forged, Err(Errno::EPERM), "only proc may say so");
}

#[test]
fn a_descriptor_of_a_process_is_ready_when_that_has_ended() {
    let mut machine = Machine::new();
    let child = machine.child(7, 10, 20);
    let open = |pid, flags| Request::ProcessFile { pid, flags };
    for (pid, flags, errno) in [(Pid(99), 0, Errno::ESRCH), (child, 1, Errno::EINVAL)] {
        let refused = machine.ask(INIT, open(pid, flags), [b"", b""]).0;
        assert_eq!(refused, Err(errno));
    }
    let Ok(Reply::Descriptor(fd)) = machine.ask(INIT, open(child, 0), [b"", b""]).0 else {
        panic!("no descriptor");
    };
    let mut list = fd.to_le_bytes().to_vec();
    list.extend([POLLIN as u8, 0, 0, 0]);
    let timeout_ns = u64::MAX;
    let waiting = machine.wait(INIT, Request::Poll { timeout_ns }, [&list, b""]);
    assert_eq!(machine.answer(waiting), None);
    let of = Request::ProcessOf { fd };
    assert_eq!(
        machine.ask(INIT, of, [b"", b""]).0,
        Ok(Reply::Count(child.0.into()))
    );
    machine.proc(Request::Exit { process: child }).unwrap();
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(1)));
    assert!(
        machine.ask(INIT, of, [b"", b""]).0.is_ok(),
        "it was not waited for yet"
    );
    let mut another = entry(7, 10, 20);
    another.start_ns = 5;
    machine.publish(another);
    assert_eq!(machine.ask(INIT, of, [b"", b""]).0, Err(Errno::ESRCH));
    machine.close(INIT, fd).unwrap();
    let (pipe, _) = machine.pipe(INIT, 0);
    let of = Request::ProcessOf { fd: pipe };
    assert_eq!(machine.ask(INIT, of, [b"", b""]).0, Err(Errno::EBADF));
}
