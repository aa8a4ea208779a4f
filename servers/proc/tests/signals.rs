//! Signals: defaults, handlers, masks, queues, waiting.

mod support;

use abi::Errno;
use proto::port::Outcome;
use proto::proc::{Delivery, Reply, Request};
use support::{System, delivered, waited};

const SIGHUP: u32 = 1;
const SIGUSR1: u32 = 10;
const SIGUSR2: u32 = 12;
const SIGTERM: u32 = 15;
const SIGCHLD: u32 = 17;
const RESETHAND: u32 = 0x8000_0000;
const NODEFER: u32 = 0x4000_0000;

fn set(signals: &[u32]) -> u64 {
    signals.iter().map(|signal| 1u64 << (signal - 1)).sum()
}

/// Pid 1 and one child.
fn pair() -> (System, u32) {
    let mut system = System::new();
    let child = system.fork(1);
    (system, child)
}

#[test]
fn the_default_action_ends_the_process_and_tells_the_parent() {
    let (mut system, child) = pair();
    system.catch(1, SIGCHLD);
    system.kill(1, child as i32, SIGTERM).unwrap();
    let taken = delivered(system.call(1, Request::Take));
    assert_eq!(
        (taken.signal, taken.code, taken.sender, taken.value),
        (SIGCHLD, 2, u64::from(child), u64::from(SIGTERM))
    );
    assert_eq!(system.wait(1, -1, 0), Ok((child, SIGTERM)));
}

#[test]
fn a_process_may_kill_itself() {
    let (mut system, child) = pair();
    assert_eq!(
        system
            .ask(
                child,
                Request::Kill {
                    pid: child as i32,
                    signal: 9
                }
            )
            .1,
        Outcome::Reply(Ok(Reply::Done))
    );
    assert!(!system.alive(child));
}

#[test]
fn a_handler_is_kicked_and_takes_the_signal_with_its_mask() {
    let (mut system, child) = pair();
    let action = Request::Action {
        signal: SIGUSR1,
        change: true,
        handler: 0x77,
        flags: 4,
        mask: set(&[SIGUSR2]),
        restorer: 0x99,
    };
    system.call(child, action).unwrap();
    system.mask(child, 2, set(&[SIGHUP]));
    system.kill(1, child as i32, SIGUSR1).unwrap();
    assert_eq!(system.thread(child).kicks, 1);
    let expected = Reply::DeliverLast(Delivery {
        signal: SIGUSR1,
        code: 0,
        sender: 1,
        value: 0,
        handler: 0x77,
        flags: 4,
        restore: set(&[SIGHUP]),
        restorer: 0x99,
    });
    assert_eq!(system.call(child, Request::Take), Ok(expected));
    let in_force = set(&[SIGHUP, SIGUSR1, SIGUSR2]);
    assert_eq!(
        system.call(child, Request::Mask { how: 3, set: 0 }),
        Ok(Reply::Set {
            set: in_force,
            deliverable: false
        })
    );
    system.kill(1, child as i32, SIGUSR1).unwrap();
    assert_eq!(
        system.take(child),
        None,
        "it is blocked while its handler runs"
    );
    let reply = system.call(
        child,
        Request::Return {
            mask: set(&[SIGHUP]),
        },
    );
    assert_eq!(
        reply,
        Ok(Reply::Set {
            set: in_force,
            deliverable: true
        })
    );
    assert_eq!(system.take(child), Some(SIGUSR1));
}

#[test]
fn flags_of_handlers_are_obeyed() {
    let (mut system, child) = pair();
    system.action(child, SIGUSR1, 0x77, RESETHAND | NODEFER);
    system.kill(1, child as i32, SIGUSR1).unwrap();
    assert_eq!(system.take(child), Some(SIGUSR1));
    assert_eq!(
        system.call(child, Request::Mask { how: 3, set: 0 }),
        Ok(Reply::Set {
            set: 0,
            deliverable: false
        })
    );
    system.kill(1, child as i32, SIGUSR1).unwrap();
    assert_eq!(
        system.wait(1, -1, 0),
        Ok((child, SIGUSR1)),
        "the second one found the default action"
    );
}

#[test]
fn standard_signals_merge_and_real_time_ones_queue_in_order() {
    let (mut system, child) = pair();
    for signal in [SIGUSR1, 40] {
        system.catch(child, signal);
    }
    system.mask(child, 2, set(&[SIGUSR1, 40]));
    for value in 1..=3 {
        for signal in [SIGUSR1, 40] {
            system
                .call(
                    1,
                    Request::Queue {
                        pid: child as i32,
                        signal,
                        code: -1,
                        value,
                    },
                )
                .unwrap();
        }
    }
    assert_eq!(
        system.call(child, Request::Pending),
        Ok(Reply::Set {
            set: set(&[SIGUSR1, 40]),
            deliverable: false
        })
    );
    system.mask(child, 2, 0);
    let mut seen = Vec::new();
    let mut more = true;
    while more {
        let taken = system.call(child, Request::Take).map(Reply::delivery);
        let (taken, another) = taken.unwrap().expect("a signal");
        seen.push((taken.signal, taken.value));
        let mask = taken.restore;
        let returned = system.call(child, Request::Return { mask }).unwrap();
        more = matches!(
            returned,
            Reply::Set {
                deliverable: true,
                ..
            }
        );
        assert!(more || !another);
    }
    assert_eq!(seen, [(SIGUSR1, 1), (40, 1), (40, 2), (40, 3)]);
}

#[test]
fn a_full_queue_is_eagain() {
    let (mut system, child) = pair();
    system.mask(child, 2, u64::MAX);
    system
        .call(
            1,
            Request::Limit {
                pid: child as i32,
                resource: 11,
                change: true,
                soft: 2,
                hard: 2,
            },
        )
        .unwrap();
    let queue = Request::Queue {
        pid: child as i32,
        signal: 50,
        code: -1,
        value: 0,
    };
    assert!(system.call(1, queue).is_ok() && system.call(1, queue).is_ok());
    assert_eq!(system.call(1, queue), Err(Errno::EAGAIN));
    system.kill(1, child as i32, 9).unwrap();
    assert!(!system.alive(child), "SIGKILL needs no room and no mask");
}

#[test]
fn waiting_requests_are_interrupted_by_handlers_only() {
    let (mut system, child) = pair();
    system.catch(child, SIGUSR1);
    let grandchild = system.fork(child);
    let requests = [
        Request::Sleep {
            deadline_ns: u64::MAX,
        },
        Request::Wait {
            pid: -1,
            options: 0,
        },
        Request::Suspend { mask: 0 },
        Request::WaitSignal {
            set: set(&[SIGUSR2]),
            timeout_ns: u64::MAX,
        },
    ];
    for request in requests {
        let token = system.park(child, request);
        system.kill(1, child as i32, SIGCHLD).unwrap();
        assert_eq!(system.answer(token), None, "{request:?}");
        system.kill(1, child as i32, SIGUSR1).unwrap();
        assert_eq!(system.answer(token), Some(Err(Errno::EINTR)), "{request:?}");
        assert_eq!(system.take(child), Some(SIGUSR1));
        system.call(child, Request::Return { mask: 0 }).unwrap();
    }
    assert!(system.alive(grandchild));
    system.kill(1, child as i32, SIGUSR1).unwrap();
    let late = system.call(
        child,
        Request::Sleep {
            deadline_ns: u64::MAX,
        },
    );
    assert_eq!(
        late,
        Err(Errno::EINTR),
        "who starts to wait with a signal at the door"
    );
}

#[test]
fn suspend_swaps_the_mask_until_a_handler_runs() {
    let (mut system, child) = pair();
    system.catch(child, SIGUSR1);
    system.mask(child, 2, set(&[SIGUSR1]));
    system.kill(1, child as i32, SIGUSR1).unwrap();
    assert_eq!(system.thread(child).kicks, 0);
    assert_eq!(
        system.call(child, Request::Suspend { mask: 0 }),
        Err(Errno::EINTR)
    );
    assert_eq!(system.thread(child).kicks, 1);
    let taken = delivered(system.call(child, Request::Take));
    assert_eq!(
        taken.restore,
        set(&[SIGUSR1]),
        "the mask from before sigsuspend"
    );
}

#[test]
fn unblocking_delivers_before_the_call_returns() {
    let (mut system, child) = pair();
    system.catch(child, SIGUSR1);
    system.mask(child, 0, set(&[SIGUSR1, SIGUSR2]));
    system.kill(1, child as i32, SIGUSR1).unwrap();
    let reply = system.call(
        child,
        Request::Mask {
            how: 1,
            set: set(&[SIGUSR1]),
        },
    );
    assert_eq!(
        reply,
        Ok(Reply::Set {
            set: set(&[SIGUSR1, SIGUSR2]),
            deliverable: true
        })
    );
    assert_eq!(system.thread(child).kicks, 1);
    system.kill(1, child as i32, SIGUSR2).unwrap();
    system.ask(child, Request::Mask { how: 2, set: 0 });
    assert!(!system.alive(child), "the other one had no handler");
    assert_eq!(
        system.call(1, Request::Mask { how: 4, set: 0 }),
        Err(Errno::EINVAL)
    );
}

#[test]
fn signals_can_be_waited_for() {
    let (mut system, child) = pair();
    system.mask(child, 2, set(&[SIGUSR1, 40]));
    let wait = Request::WaitSignal {
        set: set(&[SIGUSR1, 40]),
        timeout_ns: 1000,
    };
    let token = system.park(child, wait);
    system
        .call(
            1,
            Request::Queue {
                pid: child as i32,
                signal: 40,
                code: -1,
                value: 7,
            },
        )
        .unwrap();
    assert_eq!(
        system.answer(token),
        Some(Ok(Reply::Received {
            signal: 40,
            code: -1,
            sender: 1,
            value: 7
        }))
    );
    system.kill(1, child as i32, SIGUSR1).unwrap();
    assert!(matches!(
        system.call(child, wait),
        Ok(Reply::Received {
            signal: SIGUSR1,
            ..
        })
    ));
    let token = system.park(child, wait);
    system.pass(1000);
    assert_eq!(system.answer(token), Some(Err(Errno::EAGAIN)));
    let poll = Request::WaitSignal {
        set: u64::MAX,
        timeout_ns: 0,
    };
    assert_eq!(system.call(child, poll), Err(Errno::EAGAIN));
}

#[test]
fn ignoring_a_pending_signal_discards_it() {
    let (mut system, child) = pair();
    system.mask(child, 2, set(&[SIGUSR1]));
    system.kill(1, child as i32, SIGUSR1).unwrap();
    system.action(child, SIGUSR1, 1, 0);
    system.action(child, SIGUSR1, 0, 0);
    system.mask(child, 2, 0);
    assert!(system.alive(child));
}

#[test]
fn a_handler_of_sigchld_does_not_cost_the_waiting_parent_its_answer() {
    let (mut system, child) = pair();
    system.catch(1, SIGCHLD);
    let token = system.park(
        1,
        Request::Wait {
            pid: -1,
            options: 0,
        },
    );
    system.exit(child, 2);
    assert_eq!(
        system.answer(token).unwrap().map(waited),
        Ok((child, 2 << 8))
    );
    assert_eq!(system.take(1), Some(SIGCHLD));
}

#[test]
fn the_file_server_is_told_of_pending_signals_only_if_asked_to() {
    let (mut system, child) = pair();
    let mask = Request::Mask {
        how: 2,
        set: set(&[SIGUSR1, SIGUSR2]),
    };
    system.call(child, mask).unwrap();
    system.kill(1, child as i32, SIGUSR1).unwrap();
    assert_eq!(system.world.told, []);
    system.call(child, Request::WatchSignals).unwrap();
    let child = proto::Pid(child);
    assert_eq!(system.world.told, [(child, set(&[SIGUSR1]))]);
    let take = Request::WaitSignal {
        set: set(&[SIGUSR1]),
        timeout_ns: 0,
    };
    system.call(child.0, take).unwrap();
    assert_eq!(system.world.told[1..], [(child, 0)]);
    let grandchild = system.fork(child.0);
    system.kill(1, grandchild as i32, SIGUSR2).unwrap();
    let last = system.world.told.last();
    assert_eq!(last, Some(&(proto::Pid(grandchild), set(&[SIGUSR2]))));
}
