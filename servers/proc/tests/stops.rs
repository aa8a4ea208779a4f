//! Whom `kill` reaches, what cannot be caught, stop and continue.

mod support;

use abi::Errno;
use proto::proc::{Reply, Request};
use support::System;

const SIGUSR1: u32 = 10;
const SIGTERM: u32 = 15;
const SIGCHLD: u32 = 17;
const SIGCONT: u32 = 18;
const SIGSTOP: u32 = 19;
const SIGTSTP: u32 = 20;
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
