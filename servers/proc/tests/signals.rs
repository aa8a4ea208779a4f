//! Signals: sending, masks, handlers, stops, exceptions, timers.

mod support;

use abi::Errno;
use abi::message::decline;
use proc::signal::exception::Exception;
use proto::Pid;
use proto::port::Outcome;
use proto::proc::{Reply, Request};
use support::{System, waited};

const SIGHUP: u32 = 1;
const SIGUSR1: u32 = 10;
const SIGUSR2: u32 = 12;
const SIGTERM: u32 = 15;
const SIGCHLD: u32 = 17;
const SIGCONT: u32 = 18;
const SIGSTOP: u32 = 19;
const SIGTSTP: u32 = 20;
const RESETHAND: u32 = 0x8000_0000;
const NODEFER: u32 = 0x4000_0000;
const NOCLDSTOP: u32 = 1;

fn set(signals: &[u32]) -> u64 {
    signals.iter().map(|signal| 1u64 << (signal - 1)).sum()
}

/// Pid 1 and one child.
fn pair() -> (System, u32) {
    let mut system = System::new();
    let child = system.fork(1);
    (system, child)
}

/// Pid 1, and two processes of user 5.
fn users() -> (System, u32, u32) {
    let mut system = System::new();
    let a = system.fork(1);
    system
        .call(
            a,
            Request::SetUsers {
                how: 0,
                real: 0,
                effective: 5,
                saved: 0,
            },
        )
        .unwrap();
    let b = system.fork(a);
    (system, a, b)
}

#[test]
fn the_default_action_ends_the_process_and_tells_the_parent() {
    let (mut system, child) = pair();
    system.catch(1, SIGCHLD);
    system.kill(1, child as i32, SIGTERM).unwrap();
    let Ok(Reply::Deliver {
        signal,
        code,
        sender,
        value,
        ..
    }) = system.call(1, Request::Take)
    else {
        panic!()
    };
    assert_eq!(
        (signal, code, sender, value),
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
    let expected = Reply::Deliver {
        signal: SIGUSR1,
        code: 0,
        sender: 1,
        value: 0,
        handler: 0x77,
        flags: 4,
        restore: set(&[SIGHUP]),
        restorer: 0x99,
    };
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
    while let Ok(Reply::Deliver {
        signal,
        value,
        restore,
        ..
    }) = system.call(child, Request::Take)
    {
        seen.push((signal, value));
        system
            .call(child, Request::Return { mask: restore })
            .unwrap();
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
fn kill_and_stop_cannot_be_blocked_caught_or_ignored() {
    let (mut system, child) = pair();
    system.mask(child, 2, u64::MAX);
    for signal in [9, SIGSTOP] {
        for handler in [0, 1, 0x77] {
            let action = Request::Action {
                signal,
                change: true,
                handler,
                flags: 0,
                mask: 0,
                restorer: 0,
            };
            assert_eq!(system.call(child, action), Err(Errno::EINVAL));
        }
    }
    system.kill(1, child as i32, SIGSTOP).unwrap();
    assert!(system.thread(child).suspended);
    system.kill(1, child as i32, 9).unwrap();
    assert!(!system.alive(child));
}

#[test]
fn pid_1_gets_only_signals_that_it_handles() {
    let (mut system, child) = pair();
    for signal in [9, SIGTERM, SIGSTOP, SIGTSTP, 40] {
        system.kill(child, 1, signal).unwrap();
    }
    assert!(system.alive(1) && !system.thread(1).suspended);
    system.catch(1, SIGTERM);
    system.kill(child, 1, SIGTERM).unwrap();
    assert_eq!(system.take(1), Some(SIGTERM));
}

#[test]
fn kill_finds_its_targets_and_checks_the_right() {
    let (mut system, a, b) = users();
    let other = system.fork(1);
    assert_eq!(system.kill(a, other as i32, SIGTERM), Err(Errno::EPERM));
    assert_eq!(system.kill(a, other as i32, 0), Err(Errno::EPERM));
    assert_eq!(system.kill(a, 999, 0), Err(Errno::ESRCH));
    assert_eq!(system.kill(a, i32::MIN, 0), Err(Errno::ESRCH));
    assert_eq!(system.kill(a, -999, 0), Err(Errno::ESRCH));
    assert_eq!(system.kill(a, b as i32, 65), Err(Errno::EINVAL));
    assert_eq!(system.kill(a, b as i32, 0), Ok(Reply::Done));
    assert_eq!(
        system.kill(a, other as i32, SIGCONT),
        Ok(Reply::Done),
        "same session"
    );
    system.exit(b, 0);
    assert_eq!(
        system.kill(a, b as i32, SIGTERM),
        Ok(Reply::Done),
        "a zombie is still there"
    );
}

#[test]
fn kill_reaches_groups_and_all_that_it_may() {
    let (mut system, a, b) = users();
    let other = system.fork(1);
    system.kill(a, 0, SIGUSR1).unwrap();
    assert!(
        !system.alive(a) && !system.alive(b),
        "own group, itself included"
    );
    assert!(
        system.alive(other) && system.alive(1),
        "same group, but no right"
    );

    let (mut system, a, b) = users();
    system
        .call(b, Request::SetGroup { pid: 0, pgid: 0 })
        .unwrap();
    system.kill(a, -(b as i32), SIGTERM).unwrap();
    assert!(system.alive(a) && !system.alive(b));

    let mut system = System::new();
    let (a, b) = (system.fork(1), system.fork(1));
    system.kill(a, -1, 9).unwrap();
    assert!(system.alive(1) && system.alive(a) && !system.alive(b));
    assert_eq!(
        system.kill(a, -1, 0),
        Ok(Reply::Done),
        "the zombie is still there"
    );
    system.wait(1, -1, 0).unwrap();
    assert_eq!(system.kill(a, -1, 0), Err(Errno::ESRCH));
}

#[test]
fn only_the_system_may_pretend_to_be_the_system() {
    let (mut system, child) = pair();
    let queue = |pid: u32, code| Request::Queue {
        pid: pid as i32,
        signal: 0,
        code,
        value: 0,
    };
    assert_eq!(system.call(1, queue(child, 0)), Err(Errno::EPERM));
    assert_eq!(system.call(1, queue(child, -6)), Err(Errno::EPERM));
    assert_eq!(system.call(1, queue(1, -6)), Ok(Reply::Done));
    assert_eq!(system.call(1, queue(99, -1)), Err(Errno::ESRCH));
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
    let Ok(Reply::Deliver { restore, .. }) = system.call(child, Request::Take) else {
        panic!()
    };
    assert_eq!(restore, set(&[SIGUSR1]), "the mask from before sigsuspend");
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
fn stopped_processes_keep_signals_until_they_go_on() {
    let (mut system, child) = pair();
    system.action(1, SIGCHLD, 0x77, NOCLDSTOP);
    system.kill(1, child as i32, SIGSTOP).unwrap();
    assert_eq!(
        system.take(1),
        None,
        "the parent does not want to hear of stops"
    );
    system.kill(1, child as i32, SIGTERM).unwrap();
    assert!(system.alive(child));
    system.kill(1, child as i32, SIGCONT).unwrap();
    assert!(!system.alive(child));
    assert_eq!(system.take(1), Some(SIGCHLD));
}

#[test]
fn stop_and_continue_cancel_each_other_while_pending() {
    let (mut system, child) = pair();
    system.mask(child, 2, set(&[SIGTSTP, SIGCONT]));
    system.kill(1, child as i32, SIGTSTP).unwrap();
    system.kill(1, child as i32, SIGCONT).unwrap();
    let pending = |system: &mut System| system.call(child, Request::Pending);
    assert_eq!(
        pending(&mut system),
        Ok(Reply::Set {
            set: set(&[SIGCONT]),
            deliverable: false
        })
    );
    system.kill(1, child as i32, SIGTSTP).unwrap();
    assert_eq!(
        pending(&mut system),
        Ok(Reply::Set {
            set: set(&[SIGTSTP]),
            deliverable: false
        })
    );
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

fn exception(decline: u64, esr: u64) -> Exception {
    Exception {
        esr,
        address: 0xdead,
        pc: 0x20_0000,
        decline,
    }
}

#[test]
fn an_exception_without_handler_ends_only_the_offender() {
    let cases = [
        (decline::NOT_MAPPED, 0x24 << 26, 11),
        (decline::NOT_ALLOWED, 0x20 << 26, 11),
        (decline::NO_OBJECT, 0x24 << 26, 7),
        (decline::NO_MEMORY, 0x24 << 26, 9),
        (0, 0x24 << 26 | 0x21, 7),
        (0, 0, 4),
        (0, 0x22 << 26, 7),
        (0, 0x26 << 26, 7),
        (0, 0x2c << 26, 8),
        (0, 0x3c << 26, 5),
        (0, 0x18 << 26, 4),
    ];
    for (decline, esr, signal) in cases {
        let (mut system, child) = pair();
        if signal != 9 {
            system.action(child, signal, 1, 0);
        }
        let token = system.world.token();
        system.proc.exception(
            Pid(child),
            token,
            exception(decline, esr),
            &mut system.world,
        );
        assert_eq!(
            system.wait(1, -1, 0),
            Ok((child, signal)),
            "{decline} {esr:x}"
        );
        assert_eq!(system.world.resumed, []);
    }
}

#[test]
fn an_exception_with_handler_runs_it_first() {
    let (mut system, child) = pair();
    system.catch(child, 11);
    let token = system.world.token();
    system.proc.exception(
        Pid(child),
        token,
        exception(decline::NOT_ALLOWED, 0x24 << 26),
        &mut system.world,
    );
    assert_eq!(
        (system.thread(child).kicks, &system.world.resumed[..]),
        (1, &[token][..])
    );
    let Ok(Reply::Deliver {
        signal,
        code,
        value,
        ..
    }) = system.call(child, Request::Take)
    else {
        panic!()
    };
    assert_eq!((signal, code, value), (11, 2, 0xdead));
    system.proc.exception(
        Pid(child),
        token,
        exception(decline::NOT_MAPPED, 0x24 << 26),
        &mut system.world,
    );
    assert!(!system.alive(child), "a fault in the handler of faults");
}

#[test]
fn sleeping_ends_in_time() {
    let (mut system, child) = pair();
    let (long, short) = (
        system.park(1, Request::Sleep { deadline_ns: 5000 }),
        system.park(child, Request::Sleep { deadline_ns: 3000 }),
    );
    assert_eq!(system.world.wake_ns, Some(3000));
    system.pass(2000);
    assert_eq!(
        (system.answer(short), system.answer(long)),
        (Some(Ok(Reply::Done)), None)
    );
    assert_eq!(system.world.wake_ns, Some(5000));
    system.pass(2000);
    assert_eq!(system.answer(long), Some(Ok(Reply::Done)));
    assert_eq!(system.world.wake_ns, None);
    assert_eq!(
        system.call(1, Request::Sleep { deadline_ns: 1 }),
        Ok(Reply::Done)
    );
}

#[test]
fn the_dead_do_not_wake() {
    let (mut system, child) = pair();
    let token = system.park(child, Request::Sleep { deadline_ns: 3000 });
    system.kill(1, child as i32, 9).unwrap();
    assert_eq!(system.world.wake_ns, None);
    system.pass(9000);
    assert_eq!(system.answer(token), None);
}

#[test]
fn alarms_repeat_and_interrupt() {
    let (mut system, child) = pair();
    system.catch(child, 14);
    let set = Request::SetTimer {
        which: 0,
        value_ns: 100,
        interval_ns: 30,
    };
    assert_eq!(
        system.call(child, set),
        Ok(Reply::Timer {
            value_ns: 0,
            interval_ns: 0
        })
    );
    let token = system.park(
        child,
        Request::Sleep {
            deadline_ns: u64::MAX,
        },
    );
    system.pass(100);
    assert_eq!(system.answer(token), Some(Err(Errno::EINTR)));
    assert_eq!(system.take(child), Some(14));
    assert_eq!(
        system.call(child, Request::GetTimer { which: 0 }),
        Ok(Reply::Timer {
            value_ns: 30,
            interval_ns: 30
        })
    );
    system.pass(95);
    assert_eq!(
        system.call(child, Request::GetTimer { which: 0 }),
        Ok(Reply::Timer {
            value_ns: 25,
            interval_ns: 30
        })
    );
    let stop = Request::SetTimer {
        which: 0,
        value_ns: 0,
        interval_ns: 0,
    };
    assert_eq!(
        system.call(child, stop),
        Ok(Reply::Timer {
            value_ns: 25,
            interval_ns: 30
        })
    );
    assert_eq!(system.world.wake_ns, None);
    assert_eq!(
        system.call(child, Request::GetTimer { which: 1 }),
        Err(Errno::ENOSYS)
    );
    assert_eq!(
        system.call(child, Request::GetTimer { which: 3 }),
        Err(Errno::EINVAL)
    );
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
