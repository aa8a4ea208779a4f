//! Credentials, limits, nice values, names.

mod support;

use abi::Errno;
use proto::Pid;
use proto::port::{LeaseInfo, Outcome};
use proto::proc::{Reply, Request};
use support::System;

#[test]
fn credentials_change_and_are_published() {
    let mut system = System::new();
    let user = system.fork(1);
    let token = system.world.token();
    system
        .world
        .leases
        .insert(token, [3u32.to_le_bytes(), 4u32.to_le_bytes()].concat());
    let lease = LeaseInfo {
        bytes: 8,
        readable: true,
        writable: false,
    };
    assert_eq!(
        system
            .ask_with(Pid(user), token, Request::SetSupplementary, lease)
            .1,
        Outcome::Reply(Ok(Reply::Done))
    );
    system
        .call(
            user,
            Request::SetGroups {
                how: 2,
                real: 7,
                effective: 8,
                saved: 9,
            },
        )
        .unwrap();
    system
        .call(
            user,
            Request::SetUsers {
                how: 2,
                real: 5,
                effective: 5,
                saved: 6,
            },
        )
        .unwrap();
    let entry = system.entry(user);
    assert_eq!(
        (entry.uid, entry.gid, entry.group_count),
        ([5, 5, 6], [7, 8, 9], 2)
    );
    let may = entry.credentials();
    assert!(may.in_group(4) && may.in_group(8) && !may.in_group(7));
    assert_eq!(
        system.call(user, Request::GetGroups),
        Ok(Reply::Ids {
            real: 7,
            effective: 8,
            saved: 9
        })
    );
    assert_eq!(
        system.call(user, Request::Supplementary),
        Ok(Reply::Count(2))
    );
    let to = LeaseInfo {
        bytes: 8,
        readable: false,
        writable: true,
    };
    system.world.leases.insert(token, vec![0; 8]);
    assert_eq!(
        system
            .ask_with(Pid(user), token, Request::Supplementary, to)
            .1,
        Outcome::Reply(Ok(Reply::Count(2)))
    );
    assert_eq!(system.world.leases[&token], [3, 0, 0, 0, 4, 0, 0, 0]);
    let short = LeaseInfo { bytes: 4, ..to };
    assert_eq!(
        system
            .ask_with(Pid(user), token, Request::Supplementary, short)
            .1,
        Outcome::Reply(Err(Errno::EINVAL.into()))
    );
    assert_eq!(
        system.call(user, Request::SetSupplementary),
        Err(Errno::EPERM)
    );
    assert_eq!(
        system.call(
            user,
            Request::SetUsers {
                how: 2,
                real: 0,
                effective: 0,
                saved: 0
            }
        ),
        Err(Errno::EPERM)
    );
    assert_eq!(
        system.call(
            user,
            Request::SetUsers {
                how: 3,
                real: 0,
                effective: 0,
                saved: 0
            }
        ),
        Err(Errno::EINVAL)
    );
    assert_eq!(system.entry(user), entry);
}

#[test]
fn limits_are_kept_published_and_passed_on() {
    let mut system = System::new();
    let limit = |resource, change, soft, hard| Request::Limit {
        pid: 0,
        resource,
        change,
        soft,
        hard,
    };
    assert_eq!(
        system.call(1, limit(3, false, 0, 0)),
        Ok(Reply::Limit {
            soft: 8 << 20,
            hard: u64::MAX
        })
    );
    system.call(1, limit(7, true, 50, 60)).unwrap();
    system.call(1, limit(1, true, 4096, 8192)).unwrap();
    system.call(1, limit(9, true, 1 << 30, 1 << 30)).unwrap();
    let child = system.fork(1);
    assert_eq!(
        (
            system.entry(child).limit_files,
            system.entry(child).limit_file_bytes
        ),
        (50, 4096)
    );
    assert_eq!(
        system.world.limits.map(|limits| limits.memory),
        Some(1 << 30)
    );
    assert_eq!(system.call(1, limit(16, false, 0, 0)), Err(Errno::EINVAL));
    assert_eq!(system.call(1, limit(7, true, 9, 8)), Err(Errno::EINVAL));
    system
        .call(
            child,
            Request::SetUsers {
                how: 0,
                real: 0,
                effective: 5,
                saved: 0,
            },
        )
        .unwrap();
    assert_eq!(
        system.call(child, limit(7, true, 60, 61)),
        Err(Errno::EPERM)
    );
    let other = Request::Limit {
        pid: 1,
        resource: 7,
        change: false,
        soft: 0,
        hard: 0,
    };
    assert_eq!(system.call(child, other), Err(Errno::EPERM));
    let nobody = Request::Limit {
        pid: 99,
        resource: 7,
        change: false,
        soft: 0,
        hard: 0,
    };
    assert_eq!(system.call(child, nobody), Err(Errno::ESRCH));
}

#[test]
fn nice_values_become_priorities() {
    let mut system = System::new();
    let child = system.fork(1);
    let nice = |pid: u32, change, nice| Request::Nice {
        pid: pid as i32,
        change,
        nice,
    };
    assert_eq!(system.call(1, nice(child, true, 19)), Ok(Reply::Count(1)));
    let low = system.thread(child).priority;
    let heir = system.fork(child);
    assert_eq!(system.thread(heir).priority, low, "it is inherited");
    assert_eq!(system.call(1, nice(child, true, -99)), Ok(Reply::Count(40)));
    assert!(low < proc::USER_PRIORITY && system.thread(child).priority > proc::USER_PRIORITY);
    system
        .call(
            child,
            Request::SetUsers {
                how: 0,
                real: 0,
                effective: 5,
                saved: 0,
            },
        )
        .unwrap();
    assert_eq!(
        system.call(child, nice(0, true, -20)),
        Ok(Reply::Count(40)),
        "no change"
    );
    assert_eq!(system.call(child, nice(0, true, 3)), Ok(Reply::Count(17)));
    assert_eq!(system.call(child, nice(0, true, 2)), Err(Errno::EACCES));
    assert_eq!(system.call(child, nice(1, true, 2)), Err(Errno::EPERM));
    assert_eq!(system.call(child, nice(1, false, 0)), Ok(Reply::Count(20)));
}

#[test]
fn names_and_the_date_can_be_set() {
    let mut system = System::new();
    let token = system.world.token();
    system
        .world
        .leases
        .insert(token, b"a very long command name".to_vec());
    let from = LeaseInfo {
        bytes: 24,
        readable: true,
        writable: false,
    };
    assert_eq!(
        system.ask_with(Pid(1), token, Request::Name, from).1,
        Outcome::Reply(Ok(Reply::Count(15)))
    );
    assert_eq!(system.entry(1).name(), b"a very long com");
    let to = LeaseInfo {
        bytes: 24,
        readable: false,
        writable: true,
    };
    assert_eq!(
        system.ask_with(Pid(1), token, Request::Name, to).1,
        Outcome::Reply(Ok(Reply::Count(15)))
    );

    assert_eq!(
        system.call(1, Request::SetEpoch { epoch_ns: 77 }),
        Ok(Reply::Done)
    );
    assert_eq!(system.call(1, Request::Epoch), Ok(Reply::Count(77)));
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
        system.call(user, Request::SetEpoch { epoch_ns: 1 }),
        Err(Errno::EPERM)
    );
    assert_eq!(
        system.call(user, Request::Times { who: 7 }),
        Err(Errno::EINVAL)
    );
}

#[test]
fn memory_is_shown_to_its_owner_and_to_root() {
    let mut system = System::new();
    let (user, other) = (system.fork(1), system.fork(1));
    for pid in [user, other] {
        let users = Request::SetUsers {
            how: 0,
            real: 0,
            effective: pid,
            saved: 0,
        };
        system.call(pid, users).unwrap();
    }
    system.world.memories.insert(Pid(user), b"secret".to_vec());
    let lease = |bytes, writable: bool| LeaseInfo {
        bytes,
        readable: !writable,
        writable,
    };
    let read = Request::ReadMemory {
        pid: user as i32,
        address: 2,
    };
    let token = system.world.token();
    system.world.leases.insert(token, vec![0; 9]);
    let answer = system.ask_with(Pid(1), token, read, lease(9, true)).1;
    assert_eq!(answer, Outcome::Reply(Ok(Reply::Count(4))));
    assert_eq!(system.world.leases[&token][..4], *b"cret");
    let token = system.world.token();
    system.world.leases.insert(token, vec![0; 9]);
    let answer = system.ask_with(Pid(other), token, read, lease(9, true)).1;
    assert_eq!(answer, Outcome::Reply(Err(Errno::EPERM.into())));
    let write = Request::WriteMemory {
        pid: user as i32,
        address: 1,
    };
    let token = system.world.token();
    system.world.leases.insert(token, b"XY".to_vec());
    let answer = system.ask_with(Pid(user), token, write, lease(2, false)).1;
    assert_eq!(answer, Outcome::Reply(Ok(Reply::Count(2))));
    assert_eq!(system.world.memories[&Pid(user)], b"sXYret");
    let nobody = Request::ReadMemory {
        pid: 77,
        address: 0,
    };
    assert_eq!(system.call(1, nobody), Err(Errno::ESRCH));
}

#[test]
fn who_is_not_root_locks_as_much_memory_as_the_limit_says() {
    let mut system = System::new();
    let user = system.fork(1);
    let limit = |change, soft| Request::Limit {
        pid: 0,
        resource: 8,
        change,
        soft,
        hard: 8 << 20,
    };
    system.call(user, limit(true, 4096)).unwrap();
    assert_eq!(system.world.locks[&Pid(user)], u64::MAX, "root");
    let users = Request::SetUsers {
        how: 0,
        real: 0,
        effective: 5,
        saved: 0,
    };
    system.call(user, users).unwrap();
    assert_eq!(system.world.locks[&Pid(user)], 4096);
    system.call(user, limit(true, 0)).unwrap();
    assert_eq!(system.world.locks[&Pid(user)], 0);
}
