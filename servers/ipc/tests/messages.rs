//! Message queues as programs see them.

mod common;

use abi::{Errno, Token};
use common::*;
use proto::{
    ipc::{Reply, Request},
    port::{Refusal, TokenState},
};

const NOERROR: u32 = 0o10000;
const EXCEPT: u32 = 0o20000;
const COPY: u32 = 0o40000;

fn queue(system: &mut System) -> i32 {
    system
        .number(
            1,
            Request::MessageGet {
                key: 7,
                flags: CREAT | 0o600,
            },
        )
        .unwrap()
}

fn send(system: &mut System, id: i32, kind: i64, text: &[u8]) -> Token {
    system.send(
        1,
        Request::MessageSend { id, kind, flags: 0 },
        text.to_vec(),
    )
}

fn receive(system: &mut System, id: i32, kind: i64, flags: u32) -> Token {
    system.send(2, Request::MessageReceive { id, kind, flags }, vec![0; 100])
}

/// What a receive without waiting gives.
fn take(system: &mut System, id: i32, kind: i64, flags: u32) -> Result<(i64, Vec<u8>)> {
    let token = receive(system, id, kind, flags | NOWAIT);
    system.received(token).unwrap()
}

#[test]
fn types_select_messages() {
    let mut system = System::new();
    let id = queue(&mut system);
    for (kind, text) in [(3, b"a"), (5, b"b"), (2, b"c"), (3, b"d"), (2, b"e")] {
        send(&mut system, id, kind, text);
    }
    assert_eq!(take(&mut system, id, 9, 0), errno(Errno::ENOMSG));
    assert_eq!(
        take(&mut system, id, 3, 0),
        Ok((3, b"a".to_vec())),
        "the first of the type"
    );
    assert_eq!(
        take(&mut system, id, -4, 0),
        Ok((2, b"c".to_vec())),
        "the lowest type, first of it"
    );
    assert_eq!(
        take(&mut system, id, 5, EXCEPT),
        Ok((3, b"d".to_vec())),
        "any other type"
    );
    assert_eq!(
        take(&mut system, id, 0, 0),
        Ok((5, b"b".to_vec())),
        "the first"
    );
    assert_eq!(take(&mut system, id, -1, 0), errno(Errno::ENOMSG));
    assert_eq!(take(&mut system, id, i64::MIN, 0), Ok((2, b"e".to_vec())));
}

#[test]
fn a_long_message_is_refused_or_cut() {
    let mut system = System::new();
    let id = queue(&mut system);
    send(&mut system, id, 1, &[7; 150]);
    assert_eq!(take(&mut system, id, 0, 0), errno(Errno::E2BIG));
    assert_eq!(take(&mut system, id, 0, NOERROR), Ok((1, vec![7; 100])));
    assert_eq!(
        take(&mut system, id, 0, 0),
        errno(Errno::ENOMSG),
        "the rest is lost"
    );
}

#[test]
fn bad_arguments_are_refused() {
    let mut system = System::new();
    let id = queue(&mut system);
    let send = |id, kind| Request::MessageSend { id, kind, flags: 0 };
    assert_eq!(system.ask(1, send(id, 0), vec![]), errno(Errno::EINVAL));
    assert_eq!(
        system.ask(1, send(id, 1), vec![0; 8193]),
        errno(Errno::EINVAL)
    );
    assert_eq!(system.ask(1, send(-1, 1), vec![]), errno(Errno::EINVAL));
    assert_eq!(system.ask(1, send(id + 1, 1), vec![]), errno(Errno::EINVAL));
    assert_eq!(system.ask(999, send(id, 1), vec![]), errno(Errno::ESRCH));
    let copy = |flags| Request::MessageReceive { id, kind: 0, flags };
    assert_eq!(
        system.ask(1, copy(COPY | NOWAIT), vec![]),
        errno(Errno::ENOSYS)
    );
    assert_eq!(system.ask(1, copy(COPY), vec![]), errno(Errno::EINVAL));
    let control = Request::MessageControl { id, command: 99 };
    assert_eq!(system.ask(1, control, vec![]), errno(Errno::EINVAL));
}

#[test]
fn keys_find_queues() {
    let mut system = System::new();
    let get = |key, flags| Request::MessageGet { key, flags };
    assert_eq!(system.number(1, get(7, 0)), errno(Errno::ENOENT));
    let id = queue(&mut system);
    assert_eq!(system.number(1, get(7, 0)), Ok(id));
    assert_eq!(system.number(1, get(7, CREAT)), Ok(id));
    assert_eq!(system.number(1, get(7, CREAT | EXCL)), errno(Errno::EEXIST));
    let private = system.number(1, get(0, 0)).unwrap();
    assert_ne!(
        system.number(1, get(0, 0)),
        Ok(private),
        "each private queue is a new one"
    );
    for _ in 0..1024 - 3 {
        system.number(1, get(0, 0)).unwrap();
    }
    assert_eq!(system.number(1, get(0, 0)), errno(Errno::ENOSPC));
}

#[test]
fn a_removed_queues_id_stays_invalid() {
    let mut system = System::new();
    let old = queue(&mut system);
    assert_eq!(
        system.number(
            1,
            Request::MessageControl {
                id: old,
                command: 0
            }
        ),
        Ok(0)
    );
    let new = queue(&mut system);
    assert_ne!(old, new);
    assert_eq!(take(&mut system, old, 0, 0), errno(Errno::EINVAL));
}

#[test]
fn permissions_are_checked() {
    let mut system = System::new();
    let id = system
        .number(
            1,
            Request::MessageGet {
                key: 7,
                flags: CREAT | 0o640,
            },
        )
        .unwrap();
    let get = |flags| Request::MessageGet { key: 7, flags };
    let send = Request::MessageSend {
        id,
        kind: 1,
        flags: 0,
    };
    let receive = Request::MessageReceive {
        id,
        kind: 0,
        flags: NOWAIT,
    };
    let remove = Request::MessageControl { id, command: 0 };
    assert_eq!(system.ask(100, send, vec![]), errno(Errno::EACCES));
    assert_eq!(system.ask(100, receive, vec![]), errno(Errno::EACCES));
    assert_eq!(
        system.ask(
            100,
            Request::MessageControl { id, command: 2 },
            vec![0; 120]
        ),
        errno(Errno::EACCES)
    );
    assert_eq!(system.ask(100, remove, vec![]), errno(Errno::EPERM));
    assert_eq!(system.number(100, get(0o400)), errno(Errno::EACCES));
    assert_eq!(
        system.number(100, get(0)),
        Ok(id),
        "without wishes it is found"
    );
    system.world.processes.get_mut(&100).unwrap().groups[0] = 1000;
    system.world.processes.get_mut(&100).unwrap().group_count = 1;
    assert_eq!(
        system.ask(100, receive, vec![]),
        errno(Errno::ENOMSG),
        "its group may read"
    );
    assert_eq!(system.ask(100, send, vec![]), errno(Errno::EACCES));
    assert_eq!(system.ask(200, send, vec![]), Ok(Reply::Done), "root may");
    assert_eq!(system.ask(200, remove, vec![]), Ok(Reply::Value(0)));
}

#[test]
fn a_receiver_waits_for_its_type() {
    let mut system = System::new();
    let id = queue(&mut system);
    let two = receive(&mut system, id, 2, 0);
    let any = receive(&mut system, id, 0, 0);
    send(&mut system, id, 1, b"x");
    assert_eq!(system.received(two), None);
    assert_eq!(system.received(any), Some(Ok((1, b"x".to_vec()))));
    send(&mut system, id, 2, b"y");
    assert_eq!(system.received(two), Some(Ok((2, b"y".to_vec()))));
}

#[test]
fn a_full_queue_holds_senders_in_order() {
    let mut system = System::new();
    let id = queue(&mut system);
    for _ in 0..2 {
        send(&mut system, id, 1, &[0; 8192]);
    }
    let nowait = Request::MessageSend {
        id,
        kind: 1,
        flags: NOWAIT,
    };
    assert_eq!(system.ask(1, nowait, vec![1]), errno(Errno::EAGAIN));
    let first = send(&mut system, id, 2, &[1; 50]);
    let second = send(&mut system, id, 3, &[2; 50]);
    assert_eq!((system.answer(first), system.answer(second)), (None, None));
    assert!(take(&mut system, id, 0, NOERROR).is_ok());
    assert_eq!(system.answer(first), Some(Ok(Reply::Done)));
    assert_eq!(system.answer(second), Some(Ok(Reply::Done)));
    assert!(take(&mut system, id, 1, NOERROR).is_ok());
    assert_eq!(take(&mut system, id, 0, 0).unwrap().0, 2);
    assert_eq!(take(&mut system, id, 0, 0).unwrap().0, 3);
}

#[test]
fn removal_wakes_all_who_wait() {
    let mut system = System::new();
    let id = queue(&mut system);
    let receiver = receive(&mut system, id, 9, 0);
    send(&mut system, id, 1, &[0; 8192]);
    send(&mut system, id, 1, &[0; 8192]);
    let sender = send(&mut system, id, 1, b"x");
    system
        .number(1, Request::MessageControl { id, command: 0 })
        .unwrap();
    assert_eq!(system.answer(sender), Some(errno(Errno::EIDRM)));
    assert_eq!(system.answer(receiver), Some(errno(Errno::EIDRM)));
}

#[test]
fn an_interrupted_or_dead_waiter_changes_nothing() {
    let mut system = System::new();
    let id = queue(&mut system);
    let interrupted = receive(&mut system, id, 0, 0);
    let dead = receive(&mut system, id, 0, 0);
    system.cancel(interrupted, TokenState::Interrupted);
    system.cancel(dead, TokenState::Gone);
    assert_eq!(system.answer(interrupted), Some(errno(Errno::EINTR)));
    send(&mut system, id, 4, b"kept");
    assert_eq!(take(&mut system, id, 0, 0), Ok((4, b"kept".to_vec())));
}

#[test]
fn a_message_whose_receiver_is_gone_stays_in_its_place() {
    let mut system = System::new();
    let id = queue(&mut system);
    let dead = receive(&mut system, id, 0, 0);
    system.world.callers.get_mut(&dead).unwrap().state = TokenState::Gone;
    let alive = receive(&mut system, id, 0, 0);
    send(&mut system, id, 4, b"once");
    assert_eq!(
        system.received(alive),
        Some(Ok((4, b"once".to_vec()))),
        "the next one gets it"
    );
    send(&mut system, id, 5, b"");
    assert_eq!(take(&mut system, id, 0, 0), Ok((5, vec![])));
}

#[test]
fn a_receiver_that_is_gone_when_it_is_answered_changes_nothing() {
    let mut system = System::new();
    let id = queue(&mut system);
    send(&mut system, id, 1, b"first");
    send(&mut system, id, 2, b"");
    send(&mut system, id, 3, b"last");
    let before = system.ipc.clone();
    system.world.deaf = true;
    for kind in [0, 2, 3] {
        let dead = receive(&mut system, id, kind, 0);
        assert_eq!(system.answer(dead), None);
        assert_eq!(system.ipc, before);
    }
    system.world.deaf = false;
    assert_eq!(take(&mut system, id, 0, 0), Ok((1, b"first".to_vec())));
    assert_eq!(take(&mut system, id, 0, 0), Ok((2, vec![])));
    assert_eq!(take(&mut system, id, 0, 0), Ok((3, b"last".to_vec())));
}

#[test]
fn an_absent_page_changes_nothing() {
    let mut system = System::new();
    let id = queue(&mut system);
    let receiver = receive(&mut system, id, 0, 0);
    system.world.callers.get_mut(&receiver).unwrap().absent = Some(3);
    send(&mut system, id, 4, b"text");
    let touch = Refusal::Touch {
        lease: 0,
        offset: 3,
        done: 0,
    };
    assert_eq!(system.answer(receiver), Some(Err(touch)));
    assert_eq!(take(&mut system, id, 0, 0), Ok((4, b"text".to_vec())));
}

#[test]
fn a_short_receiver_is_refused_and_the_next_one_served() {
    let mut system = System::new();
    let id = queue(&mut system);
    let short = system.send(
        3,
        Request::MessageReceive {
            id,
            kind: 0,
            flags: 0,
        },
        vec![0; 2],
    );
    let long = receive(&mut system, id, 0, 0);
    send(&mut system, id, 1, b"long");
    assert_eq!(system.answer(short), Some(errno(Errno::E2BIG)));
    assert_eq!(system.received(long), Some(Ok((1, b"long".to_vec()))));
}

#[test]
fn a_changed_limit_lets_senders_go_on() {
    let mut system = System::new();
    let id = queue(&mut system);
    let set = |system: &mut System, pid, limit: u64, mode: u32| {
        let mut bytes = vec![0; 120];
        bytes[4..8].copy_from_slice(&1000u32.to_le_bytes());
        bytes[8..12].copy_from_slice(&1000u32.to_le_bytes());
        bytes[20..24].copy_from_slice(&mode.to_le_bytes());
        bytes[88..96].copy_from_slice(&limit.to_le_bytes());
        system.ask(pid, Request::MessageControl { id, command: 1 }, bytes)
    };
    assert_eq!(set(&mut system, 1, 10, 0o600), Ok(Reply::Value(0)));
    send(&mut system, id, 1, b"12345678");
    let waiting = send(&mut system, id, 1, b"123");
    assert_eq!(system.answer(waiting), None);
    assert_eq!(set(&mut system, 1, 16385, 0o600), errno(Errno::EPERM));
    assert_eq!(set(&mut system, 100, 20, 0o600), errno(Errno::EPERM));
    assert_eq!(set(&mut system, 200, 20000, 0o644), Ok(Reply::Value(0)));
    assert_eq!(system.answer(waiting), Some(Ok(Reply::Done)));
    assert_eq!(
        system.number(
            100,
            Request::MessageGet {
                key: 7,
                flags: 0o400
            }
        ),
        Ok(id)
    );
}

#[test]
fn who_waits_goes_on_waiting_across_a_restart() {
    let mut system = System::new();
    let id = queue(&mut system);
    let receiver = receive(&mut system, id, 2, 0);
    send(&mut system, id, 1, &[0; 8192]);
    send(&mut system, id, 1, &[0; 8192]);
    let sender = send(&mut system, id, 2, b"late");
    system.restart();
    assert!(take(&mut system, id, 1, NOERROR).is_ok());
    assert_eq!(system.answer(sender), Some(Ok(Reply::Done)));
    assert_eq!(system.received(receiver), Some(Ok((2, b"late".to_vec()))));
}
