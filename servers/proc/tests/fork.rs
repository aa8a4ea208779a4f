//! `fork` and the start of pid 1: what they give, and that a failed one leaves no trace.

mod support;

use abi::Errno;
use proto::Pid;
use proto::port::Outcome;
use proto::proc::{Reply, Request};
use support::{System, program};

#[test]
fn fork_returns_twice() {
    let mut system = System::new();
    let child = system.fork(1);
    assert_eq!(child, 2);
    assert_eq!(
        system.answer(system.world.inherited[&2]),
        Some(Ok(Reply::Pid(0)))
    );
    assert_eq!(
        system.call(child, Request::Identity),
        Ok(Reply::Identity { pid: 2, ppid: 1 })
    );
    assert_eq!(system.entry(2).pgid, 1);
}

#[test]
fn a_child_inherits_what_it_should_and_nothing_else() {
    let mut system = System::new();
    let users = Request::SetUsers {
        how: 2,
        real: 5,
        effective: 0,
        saved: 7,
    };
    system.call(1, users).unwrap();
    system.action(1, 10, 0x5000, 4);
    system.mask(1, 2, 1 << 11 | 1 << 9);
    system.kill(1, 1, 10).unwrap();
    system
        .call(
            1,
            Request::SetTimer {
                which: 0,
                value_ns: 50,
                interval_ns: 0,
            },
        )
        .unwrap();
    let child = system.fork(1);

    assert_eq!(
        system.call(child, Request::GetUsers),
        Ok(Reply::Ids {
            real: 5,
            effective: 0,
            saved: 7
        })
    );
    let ask = Request::Action {
        signal: 10,
        change: false,
        handler: 0,
        flags: 0,
        mask: 0,
        restorer: 0,
    };
    assert_eq!(
        system.call(child, ask),
        Ok(Reply::Action {
            handler: 0x5000,
            flags: 4,
            mask: 0,
            restorer: 0
        })
    );
    assert_eq!(
        system.call(child, Request::Mask { how: 3, set: 0 }),
        Ok(Reply::Set {
            set: 1 << 11 | 1 << 9,
            deliverable: false
        })
    );
    assert_eq!(
        system.take(child),
        None,
        "pending signals are not inherited"
    );
    assert_eq!(
        system.call(child, Request::GetTimer { which: 0 }),
        Ok(Reply::Timer {
            value_ns: 0,
            interval_ns: 0
        })
    );
}

#[test]
fn a_failed_fork_leaves_everything_as_before() {
    for patience in 0.. {
        let mut system = System::new();
        system.world.visible.ipc.insert(1);
        let before = system.world.visible.clone();
        system.world.patience = Some(patience);
        match system.call(1, Request::Fork) {
            Err(errno) => assert_eq!(errno, Errno::ENOMEM),
            Ok(_) => {
                assert_eq!(patience, 4, "four calls can fail");
                return;
            }
        }
        assert_eq!(system.world.visible, before, "after {patience} calls");
        assert_eq!(system.proc.table().len(), 1);
        system.world.patience = None;
        assert_eq!(system.fork(1), 2, "the pid was not lost");
    }
}

#[test]
fn the_process_limit_is_eagain_but_not_for_root() {
    let mut system = System::new();
    let user = system.fork(1);
    system
        .call(
            user,
            Request::Limit {
                pid: 0,
                resource: 6,
                change: true,
                soft: 2,
                hard: 2,
            },
        )
        .unwrap();
    let root = system.fork(user);
    system
        .call(
            user,
            Request::SetUsers {
                how: 0,
                real: 0,
                effective: 5,
                saved: 0,
            },
        )
        .unwrap();
    let first = system.fork(user);
    assert_eq!(system.call(user, Request::Fork), Err(Errno::EAGAIN));
    system.exit(first, 0);
    assert_eq!(
        system.call(user, Request::Fork),
        Err(Errno::EAGAIN),
        "a zombie counts"
    );
    system.wait(user, -1, 0).unwrap();
    assert!(system.call(user, Request::Fork).is_ok());
    for _ in 0..5 {
        system.fork(root);
    }
}

#[test]
fn a_full_table_is_eagain_and_recovers() {
    let mut system = System::new();
    let user = system.fork(1);
    system
        .call(
            user,
            Request::SetUsers {
                how: 0,
                real: 0,
                effective: 5,
                saved: 0,
            },
        )
        .unwrap();
    let mut children = Vec::new();
    while let Ok(Reply::Pid(child)) = system.call(user, Request::Fork) {
        children.push(child);
    }
    assert_eq!(children.len(), 1024 - 2 - 16, "some slots are root's");
    let rescue = system.fork(1);
    system.exit(rescue, 0);
    assert_eq!(system.wait(1, rescue as i32, 0), Ok((rescue, 0)));
    for child in &children {
        system.exit(*child, 0);
        assert_eq!(system.wait(user, *child as i32, 0), Ok((*child, 0)));
    }
    assert!(
        !children.contains(&system.fork(user)),
        "pids are not reused soon"
    );
}

#[test]
fn a_failed_start_leaves_nothing_and_can_be_repeated() {
    for patience in 0.. {
        let mut system = System::empty();
        system.world.patience = Some(patience);
        if system.start("/init").is_ok() {
            // One of these is the look for the personality, whose absence is no failure.
            assert_eq!(patience, 6);
            break;
        }
        assert_eq!(system.world.visible, support::Visible::default());
        assert!(system.proc.table().is_empty());
        system.world.patience = None;
        assert_eq!(system.start("/none"), Err(Errno::ENOENT));
        assert_eq!(system.start("/init"), Ok(Reply::Pid(1)));
    }
    let mut system = System::new();
    assert_eq!(system.start("/init"), Err(Errno::EBUSY));
    let refused = system
        .ask_as(Pid(1), Request::Start, Some(program("/init", &[])))
        .1;
    assert_eq!(refused, Outcome::Reply(Err(Errno::EPERM.into())));
}
