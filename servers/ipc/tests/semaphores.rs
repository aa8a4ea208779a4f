//! Semaphores as programs see them.

mod common;

use abi::{Errno, Token};
use common::*;
use proto::{
    ipc::{Reply, Request},
    port::TokenState,
};

const UNDO: u16 = 0x1000;
const NW: u16 = 0o4000;
const GETPID: u32 = 11;
const GETVAL: u32 = 12;
const GETALL: u32 = 13;
const GETNCNT: u32 = 14;
const GETZCNT: u32 = 15;
const SETVAL: u32 = 16;
const SETALL: u32 = 17;

fn set(system: &mut System, count: u32) -> i32 {
    system
        .number(
            1,
            Request::SemaphoreGet {
                key: 7,
                count,
                flags: CREAT | 0o600,
            },
        )
        .unwrap()
}

fn operate(system: &mut System, pid: u32, id: i32, operations: &[Sembuf]) -> Token {
    let request = Request::SemaphoreOperate {
        id,
        timeout_ns: NO_TIMEOUT,
    };
    system.send(pid, request, buffer(operations))
}

fn control(system: &mut System, id: i32, index: u32, command: u32, value: i32) -> Result<i32> {
    system.number(
        1,
        Request::SemaphoreControl {
            id,
            index,
            command,
            value,
        },
    )
}

fn value(system: &mut System, id: i32, index: u32) -> i32 {
    control(system, id, index, GETVAL, 0).unwrap()
}

const DONE: Option<Result<Reply>> = Some(Ok(Reply::Done));

#[test]
fn a_semaphore_lets_in_as_many_as_its_value() {
    let mut system = System::new();
    let id = set(&mut system, 1);
    control(&mut system, id, 0, SETVAL, 1).unwrap();
    let first = operate(&mut system, 1, id, &[(0, -1, 0)]);
    let second = operate(&mut system, 2, id, &[(0, -1, 0)]);
    assert_eq!((system.answer(first), system.answer(second)), (DONE, None));
    assert_eq!(control(&mut system, id, 0, GETNCNT, 0), Ok(1));
    operate(&mut system, 1, id, &[(0, 1, 0)]);
    assert_eq!(system.answer(second), DONE);
    assert_eq!(control(&mut system, id, 0, GETNCNT, 0), Ok(0));
    assert_eq!(control(&mut system, id, 0, GETPID, 0), Ok(2));
}

#[test]
fn all_operations_happen_or_none() {
    let mut system = System::new();
    let id = set(&mut system, 2);
    let both = operate(&mut system, 1, id, &[(0, 5, UNDO), (1, -1, 0)]);
    assert_eq!(system.answer(both), None);
    assert_eq!(value(&mut system, id, 0), 0);
    let refused = operate(&mut system, 2, id, &[(0, 5, 0), (1, -1, NW)]);
    assert_eq!(system.answer(refused), Some(errno(Errno::EAGAIN)));
    assert_eq!(value(&mut system, id, 0), 0);
    operate(&mut system, 3, id, &[(1, 1, 0)]);
    assert_eq!(system.answer(both), DONE);
    assert_eq!(
        (value(&mut system, id, 0), value(&mut system, id, 1)),
        (5, 0)
    );
    system.exit(1, false);
    assert_eq!(
        value(&mut system, id, 0),
        0,
        "undone once, not for the attempts before"
    );
}

#[test]
fn one_can_wait_for_zero() {
    let mut system = System::new();
    let id = set(&mut system, 1);
    control(&mut system, id, 0, SETVAL, 2).unwrap();
    let taker = operate(&mut system, 3, id, &[(0, -3, 0)]);
    let zero = operate(&mut system, 2, id, &[(0, 0, 0)]);
    assert_eq!(control(&mut system, id, 0, GETZCNT, 0), Ok(1));
    operate(&mut system, 1, id, &[(0, -1, 0)]);
    assert_eq!(system.answer(zero), None);
    operate(&mut system, 1, id, &[(0, -1, 0)]);
    assert_eq!((system.answer(zero), system.answer(taker)), (DONE, None));
}

#[test]
fn waiters_for_zero_come_before_those_that_change_the_value() {
    let mut system = System::new();
    let id = set(&mut system, 1);
    control(&mut system, id, 0, SETVAL, 1).unwrap();
    let adder = operate(&mut system, 3, id, &[(0, 0, 0), (0, 1, 0)]);
    let zero = operate(&mut system, 2, id, &[(0, 0, 0)]);
    control(&mut system, id, 0, SETVAL, 0).unwrap();
    assert_eq!((system.answer(zero), system.answer(adder)), (DONE, DONE));
}

#[test]
fn undo_is_done_at_exit_and_not_at_exec_or_fork() {
    let mut system = System::new();
    let id = set(&mut system, 1);
    control(&mut system, id, 0, SETVAL, 1).unwrap();
    operate(&mut system, 5, id, &[(0, -1, UNDO)]);
    assert!(system.ipc.has_state(proto::Pid(5)));
    let waiting = operate(&mut system, 6, id, &[(0, -1, 0)]);
    system.fork(5, 7);
    system.exit(7, false);
    system.exit(5, true);
    assert_eq!(system.answer(waiting), None);
    system.exit(5, false);
    assert_eq!(system.answer(waiting), DONE);
    assert_eq!(value(&mut system, id, 0), 0);
    assert!(!system.ipc.has_state(proto::Pid(5)));
}

#[test]
fn undo_never_leaves_the_range() {
    let mut system = System::new();
    let id = set(&mut system, 1);
    operate(&mut system, 5, id, &[(0, 3, UNDO)]);
    operate(&mut system, 1, id, &[(0, -2, 0)]);
    system.exit(5, false);
    assert_eq!(value(&mut system, id, 0), 0);
}

#[test]
fn setting_a_value_forgets_what_was_to_be_undone() {
    let mut system = System::new();
    let id = set(&mut system, 2);
    operate(&mut system, 5, id, &[(0, 3, UNDO), (1, 4, UNDO)]);
    control(&mut system, id, 0, SETVAL, 9).unwrap();
    system.exit(5, false);
    assert_eq!(
        (value(&mut system, id, 0), value(&mut system, id, 1)),
        (9, 0)
    );
}

#[test]
fn a_wait_ends_with_its_time() {
    let mut system = System::new();
    let id = set(&mut system, 1);
    system.world.now_ns = 100;
    let timed = |timeout_ns| Request::SemaphoreOperate { id, timeout_ns };
    let waiting = system.send(1, timed(50), buffer(&[(0, -1, 0)]));
    assert_eq!(
        system.ask(1, timed(0), buffer(&[(0, -1, 0)])),
        errno(Errno::EAGAIN)
    );
    assert_eq!(system.world.timer_ns, Some(150));
    system.world.now_ns = 149;
    system.ipc.tick(&mut system.world);
    assert_eq!(system.answer(waiting), None);
    system.world.now_ns = 150;
    system.ipc.tick(&mut system.world);
    assert_eq!(system.answer(waiting), Some(errno(Errno::EAGAIN)));
    assert_eq!(system.world.timer_ns, None);
    assert_eq!(control(&mut system, id, 0, GETNCNT, 0), Ok(0));
}

#[test]
fn removal_and_interruption_end_waits() {
    let mut system = System::new();
    let id = set(&mut system, 1);
    let interrupted = operate(&mut system, 1, id, &[(0, -1, 0)]);
    let removed = operate(&mut system, 2, id, &[(0, -1, 0)]);
    system.cancel(interrupted, TokenState::Interrupted);
    assert_eq!(system.answer(interrupted), Some(errno(Errno::EINTR)));
    assert_eq!(control(&mut system, id, 0, 0, 0), Ok(0));
    assert_eq!(system.answer(removed), Some(errno(Errno::EIDRM)));
    assert_eq!(control(&mut system, id, 0, GETVAL, 0), errno(Errno::EINVAL));
}

#[test]
fn a_dead_waiter_takes_nothing() {
    let mut system = System::new();
    let id = set(&mut system, 1);
    let dead = operate(&mut system, 1, id, &[(0, -1, UNDO)]);
    system.world.callers.get_mut(&dead).unwrap().state = TokenState::Gone;
    operate(&mut system, 2, id, &[(0, 1, 0)]);
    assert_eq!(value(&mut system, id, 0), 1);
    system.exit(1, false);
    assert_eq!(value(&mut system, id, 0), 1);
}

#[test]
fn bad_arguments_are_refused() {
    let mut system = System::new();
    let get = |key, count, flags| Request::SemaphoreGet { key, count, flags };
    assert_eq!(system.number(1, get(7, 0, CREAT)), errno(Errno::EINVAL));
    assert_eq!(system.number(1, get(7, 32001, CREAT)), errno(Errno::EINVAL));
    let id = set(&mut system, 2);
    assert_eq!(system.number(1, get(7, 3, 0)), errno(Errno::EINVAL));
    assert_eq!(system.number(1, get(7, 0, 0)), Ok(id));
    let operate = Request::SemaphoreOperate {
        id,
        timeout_ns: NO_TIMEOUT,
    };
    let mut ask = |operations: &[Sembuf]| system.ask(1, operate, buffer(operations));
    assert_eq!(ask(&[]), errno(Errno::EINVAL));
    assert_eq!(ask(&[(0, 0, 0); 501]), errno(Errno::E2BIG));
    assert_eq!(ask(&[(2, 1, 0)]), errno(Errno::EFBIG));
    assert_eq!(ask(&[(0, 32767, 0), (0, 1, 0)]), errno(Errno::ERANGE));
    assert_eq!(ask(&[(0, -32768, NW)]), errno(Errno::EAGAIN));
    assert_eq!(
        system.ask(100, operate, buffer(&[(0, 1, 0)])),
        errno(Errno::EACCES)
    );
    assert_eq!(value(&mut system, id, 0), 0);
    assert_eq!(
        control(&mut system, id, 0, SETVAL, 32768),
        errno(Errno::ERANGE)
    );
    assert_eq!(
        control(&mut system, id, 0, SETVAL, -1),
        errno(Errno::ERANGE)
    );
    assert_eq!(control(&mut system, id, 2, SETVAL, 0), errno(Errno::EINVAL));
    assert_eq!(control(&mut system, id, 2, GETVAL, 0), errno(Errno::EINVAL));
    assert_eq!(control(&mut system, id, 0, 99, 0), errno(Errno::EINVAL));
}

#[test]
fn a_short_array_changes_nothing() {
    let mut system = System::new();
    let id = set(&mut system, 1);
    let short = Request::SemaphoreControl {
        id,
        index: 0,
        command: SETALL,
        value: 0,
    };
    assert_eq!(system.ask(1, short, vec![1]), errno(Errno::EFAULT));
    assert_eq!(value(&mut system, id, 0), 0);
}

#[test]
fn all_values_are_set_and_got_at_once() {
    let mut system = System::new();
    let id = set(&mut system, 3);
    let all = |command| Request::SemaphoreControl {
        id,
        index: 0,
        command,
        value: 0,
    };
    let waiting = operate(&mut system, 2, id, &[(2, -3, 0)]);
    assert_eq!(
        system.ask(1, all(SETALL), vec![1, 0, 2, 0, 3, 0]),
        Ok(Reply::Value(0))
    );
    assert_eq!(system.answer(waiting), DONE);
    let (_, values) = system.ask_for(1, all(GETALL), 6).unwrap();
    assert_eq!(values, [1, 0, 2, 0, 0, 0]);
    assert_eq!(
        system.ask(1, all(SETALL), vec![1, 0, 2, 0, 0, 0x80]),
        errno(Errno::ERANGE)
    );
    assert_eq!(value(&mut system, id, 0), 1);
}

#[test]
fn status_has_linuxs_layout() {
    let mut system = System::new();
    let id = set(&mut system, 3);
    system.world.now_ns = 9_000_000_000;
    operate(&mut system, 1, id, &[(0, 1, 0)]);
    let stat = Request::SemaphoreControl {
        id,
        index: 0,
        command: 2,
        value: 0,
    };
    let (_, bytes) = system.ask_for(1, stat, 88).unwrap();
    let mut expected = Vec::new();
    for word in [7u32, 1000, 1000, 1000, 1000, 0o600, 0, 0, 0, 0, 0, 0] {
        expected.extend(word.to_le_bytes());
    }
    for long in [1_000_009u64, 1_000_000, 3, 0, 0] {
        expected.extend(long.to_le_bytes());
    }
    assert_eq!(bytes, expected);
    let mut info = |command| {
        let request = Request::SemaphoreControl {
            id: 0,
            index: 0,
            command,
            value: 0,
        };
        let (_, bytes) = system.ask_for(1, request, 40).unwrap();
        bytes
            .chunks(4)
            .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        info(3),
        [
            128000, 1024, 128000, 128000, 32000, 500, 500, 20, 32767, 32767
        ]
    );
    assert_eq!(
        info(19),
        [128000, 1024, 128000, 128000, 32000, 500, 500, 1, 32767, 3]
    );
}
