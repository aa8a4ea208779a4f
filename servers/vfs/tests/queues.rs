//! Message queues: names, order, who waits, and what is charged.

mod common;

use abi::Errno;
use abi::message::notify;
use common::*;
use proptest::prelude::*;
use proto::Pid;
use proto::port::Refusal;
use proto::vfs::{COOKIE_BYTES, Fd, QueueNotice, Reply, Request};
use vfs::linux::*;

const NEW: u32 = O_RDWR | O_CREAT | O_EXCL;
const FOREVER: u64 = u64::MAX;

fn attributes(flags: u64, messages: u64, bytes: u64) -> Vec<u8> {
    let words = [flags, messages, bytes, 0, 0, 0, 0, 0];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn open(machine: &mut Machine, pid: Pid, name: &[u8], flags: u32, size: &[u8]) -> Result1<Fd> {
    let mode = 0o640;
    let (answer, _) = machine.ask(pid, Request::OpenQueue { flags, mode }, [name, size]);
    answer.map(|reply| match reply {
        Reply::Descriptor(fd) => fd,
        other => panic!("{other:?}"),
    })
}

fn small(machine: &mut Machine, messages: u64) -> Fd {
    open(machine, INIT, b"q", NEW, &attributes(0, messages, 8)).unwrap()
}

fn unlink(machine: &mut Machine, pid: Pid, name: &[u8]) -> Result1 {
    machine.ask(pid, Request::UnlinkQueue, [name, b""]).0
}

fn sending(fd: Fd, priority: u32) -> Request {
    Request::SendToQueue {
        fd,
        priority,
        timeout_ns: FOREVER,
    }
}

fn receiving(fd: Fd, timeout_ns: u64) -> Request {
    Request::ReceiveFromQueue { fd, timeout_ns }
}

fn send(machine: &mut Machine, fd: Fd, priority: u32, bytes: &[u8]) -> Result1 {
    machine.ask(INIT, sending(fd, priority), [bytes, b""]).0
}

fn receive(machine: &mut Machine, fd: Fd) -> Result1<(u32, Vec<u8>)> {
    let (answer, [mut bytes, priority]) =
        machine.ask(INIT, receiving(fd, 0), [&[0; 8], &[0xee; 4]]);
    bytes.truncate(count(answer?) as usize);
    Ok((u32::from_le_bytes(priority.try_into().unwrap()), bytes))
}

#[test]
fn names_are_flat_and_refused_as_on_linux() {
    let mut machine = Machine::new();
    let long = [b'n'; NAME_MAX + 1];
    for (name, errno) in [
        (b"".as_slice(), Errno::ENOENT),
        (b"a/b", Errno::EACCES),
        (b".", Errno::EACCES),
        (b"..", Errno::EACCES),
        (&long, Errno::ENAMETOOLONG),
    ] {
        assert_eq!(open(&mut machine, INIT, name, NEW, b""), Err(errno));
        assert_eq!(unlink(&mut machine, INIT, name), Err(errno));
    }
    let longest = &long[1..];
    assert_eq!(
        open(&mut machine, INIT, b"q", O_RDWR, b""),
        Err(Errno::ENOENT)
    );
    assert!(open(&mut machine, INIT, longest, NEW, b"").is_ok());
    assert_eq!(
        open(&mut machine, INIT, longest, NEW, b""),
        Err(Errno::EEXIST)
    );
    assert!(open(&mut machine, INIT, longest, O_RDWR | O_CREAT, b"").is_ok());
    assert_eq!(
        open(&mut machine, INIT, longest, O_ACCMODE, b""),
        Err(Errno::EINVAL)
    );
}

#[test]
fn a_queue_lives_until_its_name_and_its_last_descriptor_are_gone() {
    let mut machine = Machine::new();
    let fd = small(&mut machine, 2);
    send(&mut machine, fd, 3, b"kept").unwrap();
    unlink(&mut machine, INIT, b"q").unwrap();
    let other = small(&mut machine, 2);
    assert_eq!(receive(&mut machine, other), Err(Errno::ETIMEDOUT));
    assert_eq!(receive(&mut machine, fd), Ok((3, b"kept".to_vec())));
    send(&mut machine, other, 1, b"stays").unwrap();
    machine.close(INIT, other).unwrap();
    let again = open(&mut machine, INIT, b"q", O_RDONLY, b"").unwrap();
    assert_eq!(receive(&mut machine, again), Ok((1, b"stays".to_vec())));
}

#[test]
fn the_mode_decides_who_opens_and_the_owner_removes() {
    let mut machine = Machine::new();
    small(&mut machine, 2);
    let user = machine.child(7, 10, 20);
    let of_group = machine.child(8, 11, 0);
    assert_eq!(
        open(&mut machine, user, b"q", O_RDONLY, b""),
        Err(Errno::EACCES)
    );
    assert!(open(&mut machine, of_group, b"q", O_RDONLY, b"").is_ok());
    assert_eq!(
        open(&mut machine, of_group, b"q", O_RDWR, b""),
        Err(Errno::EACCES)
    );
    assert_eq!(unlink(&mut machine, user, b"q"), Err(Errno::EPERM));
    assert!(open(&mut machine, user, b"own", NEW, b"").is_ok());
    assert_eq!(unlink(&mut machine, user, b"own"), Ok(Reply::Done));
    assert_eq!(unlink(&mut machine, INIT, b"q"), Ok(Reply::Done));
}

#[test]
fn what_a_user_may_hold_is_limited_and_given_back() {
    let mut machine = Machine::new();
    let user = machine.child(7, 10, 20);
    for (pid, messages, bytes, errno) in [
        (INIT, 0, 8, Errno::EINVAL),
        (INIT, 8, 0, Errno::EINVAL),
        (INIT, u64::MAX, 8, Errno::EINVAL),
        (INIT, 65537, 8, Errno::EINVAL),
        (INIT, 65536, 16 << 20, Errno::EMFILE),
        (user, 11, 8, Errno::EINVAL),
        (user, 10, 8193, Errno::EINVAL),
    ] {
        let size = attributes(0, messages, bytes);
        assert_eq!(open(&mut machine, pid, b"q", NEW, &size), Err(errno));
    }
    for _ in 0..3 {
        let mut names = (b'a'..).map(|letter| [letter]);
        let mut opened = Vec::new();
        let refused = loop {
            match open(&mut machine, user, &names.next().unwrap(), NEW, b"") {
                Ok(fd) => opened.push(fd),
                Err(errno) => break errno,
            }
        };
        assert_eq!((refused, opened.len()), (Errno::EMFILE, 9));
        for (fd, letter) in opened.into_iter().zip(b'a'..) {
            unlink(&mut machine, user, &[letter]).unwrap();
            machine.close(user, fd).unwrap();
        }
    }
}

#[test]
fn a_name_whose_descriptor_could_not_be_given_is_not_left() {
    let mut machine = Machine::new();
    let mut poor = entry(1, 0, 0);
    poor.limit_files = 0;
    machine.publish(poor);
    assert_eq!(open(&mut machine, INIT, b"q", NEW, b""), Err(Errno::EMFILE));
    machine.publish(entry(1, 0, 0));
    assert_eq!(
        open(&mut machine, INIT, b"q", O_RDWR, b""),
        Err(Errno::ENOENT)
    );
}

#[test]
fn access_modes_and_lengths_are_checked() {
    let mut machine = Machine::new();
    let fd = small(&mut machine, 2);
    let reader = open(&mut machine, INIT, b"q", O_RDONLY, b"").unwrap();
    let writer = open(&mut machine, INIT, b"q", O_WRONLY, b"").unwrap();
    let (pipe, _) = machine.pipe(INIT, 0);
    assert_eq!(send(&mut machine, reader, 0, b"x"), Err(Errno::EBADF));
    assert_eq!(receive(&mut machine, writer), Err(Errno::EBADF));
    assert_eq!(send(&mut machine, pipe, 0, b"x"), Err(Errno::EBADF));
    assert_eq!(send(&mut machine, fd, 32768, b"x"), Err(Errno::EINVAL));
    assert_eq!(send(&mut machine, fd, 0, &[0; 9]), Err(Errno(EMSGSIZE)));
    let short = machine.ask(INIT, receiving(fd, 0), [&[0; 7], b""]).0;
    assert_eq!(short, Err(Errno(EMSGSIZE)));
}

#[test]
fn a_receiver_waits_for_a_message_and_a_sender_for_room() {
    let mut machine = Machine::new();
    let fd = small(&mut machine, 1);
    let first = machine.wait(INIT, receiving(fd, FOREVER), [&[0; 8], b""]);
    let second = machine.wait(INIT, receiving(fd, FOREVER), [&[0; 8], b""]);
    send(&mut machine, fd, 0, b"one").unwrap();
    let (answer, bytes) = machine.answer(first).unwrap();
    assert_eq!(
        (answer, &bytes[..3]),
        (Ok(Reply::Count(3)), b"one".as_slice())
    );
    assert_eq!(
        machine.answer(second),
        None,
        "who came first is served first"
    );
    send(&mut machine, fd, 0, b"two").unwrap();
    assert_eq!(machine.answer(second).unwrap().0, Ok(Reply::Count(3)));
    send(&mut machine, fd, 0, b"three").unwrap();
    let sender = machine.wait(INIT, sending(fd, 9), [b"four", b""]);
    assert_eq!(receive(&mut machine, fd), Ok((0, b"three".to_vec())));
    assert_eq!(machine.answer(sender).unwrap().0, Ok(Reply::Done));
    assert_eq!(receive(&mut machine, fd), Ok((9, b"four".to_vec())));
}

#[test]
fn a_wait_ends_with_its_time_and_never_starts_without_blocking() {
    let mut machine = Machine::new();
    let fd = small(&mut machine, 1);
    let waiting = machine.wait(INIT, receiving(fd, 1000), [&[0; 8], b""]);
    assert_eq!(machine.ports.system.wake, Some(1000));
    machine.ports.system.now = 1000;
    machine.notify(notify::TIMER);
    let late = Err(Refusal::Errno(Errno::ETIMEDOUT));
    assert_eq!(machine.answer(waiting).unwrap().0, late);
    let change = Request::QueueAttributes { fd };
    let new = attributes(u64::from(O_NONBLOCK), 99, 99);
    let (answer, [_, old]) = machine.ask(INIT, change, [&new, &[0xee; 64]]);
    assert_eq!((answer, old), (Ok(Reply::Done), attributes(0, 1, 8)));
    let (answer, [_, old]) = machine.ask(INIT, change, [b"", &[0xee; 64]]);
    assert_eq!((answer, old[0..2].to_vec()), (Ok(Reply::Done), vec![0, 8]));
    let now = machine.ask(INIT, receiving(fd, FOREVER), [&[0; 8], b""]).0;
    assert_eq!(now, Err(Errno::EAGAIN));
    let (answer, _) = machine.ask(INIT, change, [&attributes(1, 0, 0), b""]);
    assert_eq!(answer, Err(Errno::EINVAL));
}

#[test]
fn poll_says_what_would_not_wait() {
    let mut machine = Machine::new();
    let fd = small(&mut machine, 1);
    let poll = |machine: &mut Machine| {
        let mut bytes = fd.to_le_bytes().to_vec();
        bytes.extend((POLLIN | POLLOUT).to_le_bytes());
        bytes.extend([0; 2]);
        let request = Request::Poll { timeout_ns: 0 };
        let (_, [bytes, _]) = machine.ask(INIT, request, [&bytes, b""]);
        i16::from_le_bytes([bytes[6], bytes[7]])
    };
    assert_eq!(poll(&mut machine), POLLOUT);
    send(&mut machine, fd, 0, b"").unwrap();
    assert_eq!(poll(&mut machine), POLLIN);
}

proptest! {
    #[test]
    fn messages_come_by_priority_and_then_by_age(priorities in prop::collection::vec(0u32..4, 0..40)) {
        let mut machine = Machine::new();
        let fd = small(&mut machine, 64);
        for (&priority, age) in priorities.iter().zip(0u8..) {
            send(&mut machine, fd, priority, &[age]).unwrap();
        }
        let mut sorted: Vec<(u32, Vec<u8>)> =
            priorities.iter().zip(0u8..).map(|(&priority, age)| (priority, vec![age])).collect();
        sorted.sort_by_key(|&(priority, _)| core::cmp::Reverse(priority));
        for message in sorted {
            prop_assert_eq!(receive(&mut machine, fd), Ok(message));
        }
        prop_assert_eq!(receive(&mut machine, fd), Err(Errno::ETIMEDOUT));
    }
}

fn register(machine: &mut Machine, pid: Pid, fd: Fd, wish: QueueNotice) -> Result1 {
    let request = Request::NotifyOfQueue { fd, wish };
    machine.ask(pid, request, [&[7; COOKIE_BYTES], b""]).0
}

const SIGNAL: QueueNotice = QueueNotice::Signal {
    signal: 10,
    value: 99,
};

/// The signal that the process service would fetch.
fn fetched(machine: &mut Machine) -> Result1 {
    machine.proc(Request::NextSignal)
}

#[test]
fn only_a_message_to_an_empty_queue_that_nobody_waits_at_is_told_and_once() {
    let mut machine = Machine::new();
    let fd = small(&mut machine, 3);
    assert_eq!(register(&mut machine, INIT, fd, SIGNAL), Ok(Reply::Done));
    assert_eq!(
        register(&mut machine, INIT, fd, QueueNotice::Nobody),
        Err(Errno::EBUSY)
    );
    let waiting = machine.wait(INIT, receiving(fd, FOREVER), [&[0; 8], b""]);
    send(&mut machine, fd, 0, b"waited").unwrap();
    assert!(machine.answer(waiting).is_some());
    assert_eq!(fetched(&mut machine), Err(Errno::EAGAIN));
    send(&mut machine, fd, 0, b"told").unwrap();
    assert_eq!(machine.ports.system.proc_woken, 1);
    let told = Reply::Signal {
        process: INIT,
        signal: 10,
        code: -3,
        sender: u64::from(INIT.0),
        value: 99,
    };
    assert_eq!(fetched(&mut machine), Ok(told));
    register(&mut machine, INIT, fd, SIGNAL).unwrap();
    send(&mut machine, fd, 0, b"second").unwrap();
    assert_eq!(
        fetched(&mut machine),
        Err(Errno::EAGAIN),
        "it was not empty"
    );
}

#[test]
fn a_registration_ends_by_wish_and_with_any_descriptor_of_its_process() {
    let mut machine = Machine::new();
    let fd = small(&mut machine, 3);
    let child = machine.child(7, 0, 0);
    let (childs, other) = (
        open(&mut machine, child, b"q", O_RDWR, b"").unwrap(),
        open(&mut machine, INIT, b"q", O_RDWR, b"").unwrap(),
    );
    register(&mut machine, INIT, fd, SIGNAL).unwrap();
    assert_eq!(
        register(&mut machine, child, childs, QueueNotice::Remove),
        Ok(Reply::Done)
    );
    machine.close(child, childs).unwrap();
    assert_eq!(
        register(&mut machine, INIT, fd, SIGNAL),
        Err(Errno::EBUSY),
        "another process changes nothing"
    );
    machine.close(INIT, other).unwrap();
    register(&mut machine, INIT, fd, SIGNAL).unwrap();
    register(&mut machine, INIT, fd, QueueNotice::Remove).unwrap();
    register(&mut machine, INIT, fd, QueueNotice::Nobody).unwrap();
    send(&mut machine, fd, 0, b"x").unwrap();
    assert_eq!(fetched(&mut machine), Err(Errno::EAGAIN));
    assert_eq!(register(&mut machine, INIT, fd, SIGNAL), Ok(Reply::Done));
}

#[test]
fn a_library_reads_its_cookie_from_a_socket() {
    let mut machine = Machine::new();
    let fd = small(&mut machine, 3);
    let (pipe, _) = machine.pipe(INIT, 0);
    let mut socket = |domain, kind, protocol| {
        let request = Request::Socket {
            domain,
            kind,
            protocol,
        };
        machine.ask(INIT, request, [b"", b""]).0
    };
    assert_eq!(
        socket(AF_NETLINK, SOCK_RAW, 99),
        Err(Errno(EPROTONOSUPPORT))
    );
    let Ok(Reply::Descriptor(raw)) = socket(AF_NETLINK, SOCK_RAW, 0) else {
        panic!("no socket");
    };
    let Ok(Reply::Descriptor(unix)) = socket(AF_UNIX, SOCK_DGRAM, 0) else {
        panic!("no socket");
    };
    for (fd_of_socket, errno) in [
        (99, Errno::EBADF),
        (pipe, Errno::ENOTSOCK),
        (unix, Errno::EINVAL),
    ] {
        let wish = QueueNotice::Socket { fd: fd_of_socket };
        assert_eq!(register(&mut machine, INIT, fd, wish), Err(errno));
    }
    let wish = QueueNotice::Socket { fd: raw };
    for why in [1, 2] {
        register(&mut machine, INIT, fd, wish).unwrap();
        match why {
            1 => send(&mut machine, fd, 0, b"x").unwrap(),
            _ => register(&mut machine, INIT, fd, QueueNotice::Remove).unwrap(),
        };
        let mut cookie = [7; COOKIE_BYTES];
        cookie[COOKIE_BYTES - 1] = why;
        assert_eq!(machine.read(INIT, raw, 64), Ok(cookie.to_vec()));
        receive(&mut machine, fd).ok();
    }
    register(&mut machine, INIT, fd, wish).unwrap();
    machine.close(INIT, raw).unwrap();
    assert_eq!(send(&mut machine, fd, 0, b"nobody"), Ok(Reply::Done));
}

#[test]
fn reading_a_queue_says_what_is_in_it_and_who_is_told() {
    let mut machine = Machine::new();
    let fd = small(&mut machine, 3);
    send(&mut machine, fd, 0, b"abc").unwrap();
    register(&mut machine, INIT, fd, SIGNAL).unwrap();
    let text = b"QSIZE:3          NOTIFY:0     SIGNO:10    NOTIFY_PID:1     \n";
    assert_eq!(machine.read(INIT, fd, 100), Ok(text.to_vec()));
    assert_eq!(machine.read(INIT, fd, 100), Ok(Vec::new()), "it is read");
}
