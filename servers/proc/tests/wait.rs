//! Exit and wait: every end is told once, to the right parent.

mod support;

use abi::Errno;
use proto::port::{LeaseInfo, Outcome, Refusal};
use proto::proc::{Reply, Request, WAIT_BY_KIND};
use proto::{Pid, server_id};
use support::{INIT, System, waited};

const WNOHANG: u32 = 1;
const WUNTRACED: u32 = 2;
const WEXITED: u32 = 4;
const WCONTINUED: u32 = 8;
const WNOWAIT: u32 = 0x0100_0000;

#[test]
fn a_zombie_keeps_its_entry_until_it_is_waited_for() {
    let mut system = System::new();
    let child = system.fork(1);
    system.exit(child, 0x1_07);
    assert_eq!(system.entry(child).state, b'Z');
    assert!(
        !system.world.visible.spaces.contains(&child)
            && !system.world.visible.files.contains(&child)
    );
    assert_eq!(
        system.wait(1, -1, 0),
        Ok((child, 7 << 8)),
        "the low 8 bits reach the parent"
    );
    assert!(
        !system
            .world
            .visible
            .published
            .contains_key(&(child as usize))
    );
    assert_eq!(system.wait(1, -1, 0), Err(Errno::ECHILD));
}

#[test]
fn a_parked_wait_is_answered_at_the_exit() {
    let mut system = System::new();
    let child = system.fork(1);
    let token = system.park(
        1,
        Request::Wait {
            pid: -1,
            options: 0,
        },
    );
    system.exit(child, 3);
    assert_eq!(
        system.answer(token).unwrap().map(waited),
        Ok((child, 3 << 8))
    );
    assert_eq!(system.proc.table().len(), 1);
}

#[test]
fn wait_chooses_by_pid_and_group() {
    let mut system = System::new();
    let (a, b) = (system.fork(1), system.fork(1));
    system
        .call(
            1,
            Request::SetGroup {
                pid: b as i32,
                pgid: 0,
            },
        )
        .unwrap();
    system.exit(a, 1);
    system.exit(b, 2);
    let nobody = system.fork(1);
    assert_eq!(system.wait(1, nobody as i32, WNOHANG), Ok((0, 0)));
    assert_eq!(system.wait(1, 99, 0), Err(Errno::ECHILD));
    assert_eq!(system.wait(1, -99, 0), Err(Errno::ECHILD));
    assert_eq!(system.wait(1, -(b as i32), 0), Ok((b, 2 << 8)));
    assert_eq!(system.wait(1, 0, 0), Ok((a, 1 << 8)));
    assert_eq!(
        system.wait(a, -1, 0),
        Err(Errno::ESRCH),
        "the dead do not ask"
    );
    assert_eq!(system.wait(1, i32::MIN, 0), Err(Errno::EINVAL));
    assert_eq!(system.wait(1, -1, 0x4000), Err(Errno::EINVAL));
}

#[test]
fn who_does_not_want_to_take_leaves_the_child_waitable() {
    let mut system = System::new();
    let child = system.fork(1);
    system.exit(child, 0);
    assert_eq!(
        system.wait(1, -1, WNOWAIT | WEXITED | WAIT_BY_KIND),
        Ok((child, 0))
    );
    assert_eq!(
        system.wait(1, -1, WNOHANG | WUNTRACED | WAIT_BY_KIND),
        Err(Errno::ECHILD),
        "it asked for stops only, and the child will not stop any more"
    );
    assert_eq!(system.wait(1, -1, 0), Ok((child, 0)));
}

#[test]
fn stops_and_continues_are_reported_once() {
    let mut system = System::new();
    let child = system.fork(1);
    system.kill(1, child as i32, 19).unwrap();
    assert!(system.thread(child).suspended);
    assert_eq!(system.entry(child).state, b'T');
    assert_eq!(
        system.wait(1, -1, WNOHANG),
        Ok((0, 0)),
        "nobody asked for stops"
    );
    assert_eq!(system.wait(1, -1, WUNTRACED), Ok((child, 19 << 8 | 0x7f)));
    assert_eq!(system.wait(1, -1, WUNTRACED | WNOHANG), Ok((0, 0)));
    let token = system.park(
        1,
        Request::Wait {
            pid: -1,
            options: WCONTINUED,
        },
    );
    system.kill(1, child as i32, 18).unwrap();
    assert_eq!(
        system.answer(token).unwrap().map(waited),
        Ok((child, 0xffff))
    );
    assert!(!system.thread(child).suspended);
    assert_eq!(system.entry(child).state, b'R');
}

#[test]
fn orphans_are_adopted_by_pid_1_which_reaps_them() {
    let mut system = System::new();
    let parent = system.fork(1);
    let (living, dead) = (system.fork(parent), system.fork(parent));
    system.exit(dead, 5);
    system.exit(parent, 0);
    assert_eq!(
        system.call(living, Request::Identity),
        Ok(Reply::Identity {
            pid: living,
            ppid: 1
        })
    );
    assert_eq!(system.entry(living).ppid, 1);
    let mut seen = vec![
        system.wait(1, -1, 0).unwrap(),
        system.wait(1, -1, 0).unwrap(),
    ];
    seen.sort_unstable();
    assert_eq!(seen, [(parent, 0), (dead, 5 << 8)]);
    let token = system.park(
        1,
        Request::Wait {
            pid: -1,
            options: 0,
        },
    );
    system.exit(living, 6);
    assert_eq!(
        system.answer(token).unwrap().map(waited),
        Ok((living, 6 << 8))
    );
}

#[test]
fn who_remembers_its_parent_is_kicked_once_when_it_has_another() {
    let mut system = System::new();
    let parent = system.fork(1);
    let (knows, asks) = (system.fork(parent), system.fork(parent));
    assert_eq!(system.call(knows, Request::Parent), Ok(Reply::Pid(parent)));
    system.exit(parent, 0);
    assert_eq!(
        (system.thread(knows).kicks, system.thread(asks).kicks),
        (1, 0)
    );
    assert_eq!(system.call(knows, Request::Parent), Ok(Reply::Pid(1)));
}

#[test]
fn who_ignores_sigchld_gets_no_zombies() {
    for (handler, flags) in [(1, 0), (0, 2), (0x5000, 2)] {
        let mut system = System::new();
        let parent = system.fork(1);
        system.action(parent, 17, handler, flags);
        let (a, b) = (system.fork(parent), system.fork(parent));
        let token = system.park(
            parent,
            Request::Wait {
                pid: -1,
                options: 0,
            },
        );
        if handler != 0x5000 {
            system.exit(a, 0);
            assert_eq!(system.answer(token), None, "one is still there");
        }
        system.exit(b, 0);
        if handler == 0x5000 {
            assert_eq!(
                system.answer(token),
                Some(Err(Errno::EINTR)),
                "the signal is still caught"
            );
            system.exit(a, 0);
        } else {
            assert_eq!(system.answer(token), Some(Err(Errno::ECHILD)));
        }
        assert_eq!(system.proc.table().len(), 2);
        assert_eq!(system.world.visible.published.len(), 2);
    }
}

#[test]
fn usage_is_written_before_the_zombie_goes() {
    let mut system = System::new();
    let child = system.fork(1);
    system.exit(child, 0);
    let token = system.world.token();
    system.world.leases.insert(token, vec![0xaa; 144]);
    let lease = LeaseInfo {
        bytes: 144,
        readable: false,
        writable: true,
    };
    let request = Request::Wait {
        pid: -1,
        options: 0,
    };
    system.world.absent = true;
    let touch = Refusal::Touch {
        lease: 0,
        offset: 0,
        done: 0,
    };
    assert_eq!(
        system.ask_with(Pid(1), token, request, lease).1,
        Outcome::Reply(Err(touch))
    );
    system.world.absent = false;
    let (_, outcome) = system.ask_with(Pid(1), token, request, lease);
    assert_eq!(support::reply(outcome).map(waited), Ok((child, 0)));
    assert_eq!(system.world.leases[&token], [0; 144]);
    let short = LeaseInfo {
        bytes: 100,
        ..lease
    };
    assert_eq!(
        system.ask_with(Pid(1), token, request, short).1,
        Outcome::Reply(Err(Errno::EINVAL.into()))
    );
}

#[test]
fn times_of_waited_children_add_up() {
    let mut system = System::new();
    let child = system.fork(1);
    let grandchild = system.fork(child);
    for (pid, cpu_ns) in [(child, 1_000), (grandchild, 20_000)] {
        let handle = system
            .proc
            .table()
            .get(Pid(pid))
            .unwrap()
            .tasks
            .first()
            .thread
            .handle
            .0;
        system
            .world
            .visible
            .threads
            .get_mut(&handle)
            .unwrap()
            .cpu_ns = cpu_ns;
    }
    system.exit(grandchild, 0);
    system.wait(child, -1, 0).unwrap();
    system.exit(child, 0);
    assert_eq!(
        system.call(
            1,
            Request::Wait {
                pid: -1,
                options: 0
            }
        ),
        Ok(Reply::Waited {
            pid: child,
            status: 0,
            uid: 0,
            user_ns: 21_000,
            system_ns: 0
        })
    );
    assert_eq!(
        system.call(1, Request::Times { who: -1 }),
        Ok(Reply::Times {
            user_ns: 21_000,
            system_ns: 0,
            faults: 0,
            max_bytes: 0
        })
    );
}

#[test]
fn a_parent_that_is_gone_does_not_swallow_the_zombie() {
    let mut system = System::new();
    let parent = system.fork(1);
    let child = system.fork(parent);
    let token = system.park(
        parent,
        Request::Wait {
            pid: -1,
            options: 0,
        },
    );
    system.world.gone.insert(token);
    system.exit(child, 4);
    assert_eq!(system.wait(parent, -1, 0), Ok((child, 4 << 8)));
}

#[test]
fn the_end_of_pid_1_ends_everything() {
    let mut system = System::new();
    let (_, outcome) = system.ask_as(server_id::ROOT, Request::WaitInit, None);
    assert_eq!(outcome, Outcome::Parked);
    let waiter = *system.world.leases.keys().last().unwrap();
    let token = abi::Token(waiter.0 + 1);
    let child = system.fork(1);
    system.fork(child);
    system.exit(1, 9);
    assert_eq!(system.answer(token).unwrap().map(waited), Ok((1, 9 << 8)));
    assert!(system.proc.table().is_empty());
    assert_eq!(system.world.visible, support::Visible::default());
    assert_eq!(
        system.start("/init"),
        Ok(Reply::Pid(1)),
        "the root task may try again"
    );
}

#[test]
fn power_waits_for_the_terminal_and_needs_root() {
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
    assert_eq!(
        system.call(user, Request::Power { how: 0 }),
        Err(Errno::EPERM)
    );
    assert_eq!(
        system.call(1, Request::Power { how: 9 }),
        Err(Errno::EINVAL)
    );
    system.world.unsent = 10;
    assert_eq!(system.ask(1, Request::Power { how: 1 }).1, Outcome::Parked);
    assert!(
        system.world.visible.spaces.is_empty(),
        "all programs are ended"
    );
    system.pass(5_000_000);
    assert_eq!(system.world.powered, None);
    system.world.unsent = 0;
    system.pass(5_000_000);
    assert_eq!(system.world.powered, Some(proc::ports::Power::Restart));
}

#[test]
fn power_does_not_wait_forever() {
    let mut system = System::new();
    system.world.unsent = 10;
    assert_eq!(system.ask(1, Request::Power { how: 0 }).1, Outcome::Parked);
    (0..700).for_each(|_| system.pass(5_000_000));
    assert_eq!(system.world.powered, Some(proc::ports::Power::Off));
}

#[test]
fn who_has_ended_will_not_stop() {
    let mut system = System::new();
    let child = system.fork(INIT);
    system.exit(child, 3);
    let stops = WAIT_BY_KIND | WNOHANG | WUNTRACED;
    assert_eq!(system.wait(INIT, -1, stops), Err(Errno::ECHILD));
    assert_eq!(system.wait(INIT, child as i32, stops), Err(Errno::ECHILD));
    let other = system.fork(INIT);
    assert_eq!(system.wait(INIT, -1, stops), Ok((0, 0)));
    assert_eq!(system.wait(INIT, other as i32, stops), Ok((0, 0)));
}
