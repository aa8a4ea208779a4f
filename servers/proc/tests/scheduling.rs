//! Nice values, scheduling policies, and what processes ask for with `prctl`.

mod support;

use abi::Errno;
use proto::Pid;
use proto::proc::{Attribute, Reply, Request, Whose};
use support::{INIT, System};

const USER: u32 = 1000;

fn become_user(system: &mut System, pid: u32, uid: u32) {
    let wish = Request::SetUsers {
        how: 2,
        real: uid,
        effective: uid,
        saved: uid,
    };
    system.call(pid, wish).expect("another user");
}

fn schedule(system: &mut System, pid: u32, tid: i32, policy: u32) -> Result<Reply, Errno> {
    let wish = Request::SetScheduling {
        tid,
        policy,
        priority: 0,
        reset_on_fork: false,
        change_nice: false,
        nice: 0,
    };
    system.call(pid, wish)
}

fn nice(system: &mut System, pid: u32, whose: Whose, who: u32, nice: i32) -> Result<Reply, Errno> {
    let who = who as i32;
    system.call(pid, Request::SetNice { whose, who, nice })
}

fn asked(system: &mut System, pid: u32, what: Attribute) -> u64 {
    match system.call(pid, Request::Attribute { what }) {
        Ok(Reply::Count(value)) => value,
        other => panic!("{other:?}"),
    }
}

fn ask(system: &mut System, pid: u32, what: Attribute, value: u64) -> Result<Reply, Errno> {
    system.call(pid, Request::SetAttribute { what, value })
}

#[test]
fn an_idle_thread_is_below_the_nicest_process_and_its_children_too() {
    let mut system = System::new();
    let child = system.fork(INIT);
    let nicest = system.fork(INIT);
    nice(&mut system, INIT, Whose::Process, nicest, 19).unwrap();
    assert_eq!(schedule(&mut system, child, 0, 5), Ok(Reply::Done));
    let grandchild = system.fork(child);
    let least = system.thread(nicest).priority;
    assert!(system.thread(child).priority < least);
    assert!(system.thread(grandchild).priority < least);
    let thread = system.spawn(grandchild);
    assert!(system.task(grandchild, thread).priority < least);
    nice(&mut system, INIT, Whose::Process, child, -20).unwrap();
    assert!(system.thread(child).priority < least, "still idle");
    assert_eq!(
        schedule(&mut system, INIT, child as i32, 0),
        Ok(Reply::Done)
    );
    assert!(system.thread(child).priority > least);
}

#[test]
fn policies_are_refused_as_on_a_linux_that_lets_nobody() {
    let mut system = System::new();
    let child = system.fork(INIT);
    become_user(&mut system, child, USER);
    for (pid, policy, priority, errno) in [
        (INIT, 1, 5, Errno::EPERM),
        (child, 2, 99, Errno::EPERM),
        (INIT, 1, 0, Errno::EINVAL),
        (INIT, 2, 100, Errno::EINVAL),
        (INIT, 0, 1, Errno::EINVAL),
        (INIT, 4, 0, Errno::EINVAL),
        (INIT, 6, 0, Errno::EINVAL),
    ] {
        let wish = Request::SetScheduling {
            tid: 0,
            policy,
            priority,
            reset_on_fork: false,
            change_nice: false,
            nice: 0,
        };
        assert_eq!(system.call(pid, wish), Err(errno), "{policy} {priority}");
    }
    assert_eq!(
        schedule(&mut system, child, INIT as i32, 0),
        Err(Errno::EPERM)
    );
    assert_eq!(schedule(&mut system, child, 999, 0), Err(Errno::ESRCH));
    schedule(&mut system, child, 0, 5).unwrap();
    assert_eq!(schedule(&mut system, child, 0, 0), Err(Errno::EPERM));
}

#[test]
fn nice_values_of_groups_and_users_change_together() {
    let mut system = System::new();
    let (one, two, other) = (system.fork(INIT), system.fork(INIT), system.fork(INIT));
    for (pid, uid) in [(one, USER), (two, USER), (other, USER + 1)] {
        become_user(&mut system, pid, uid);
    }
    assert_eq!(
        nice(&mut system, one, Whose::User, 0, 5),
        Ok(Reply::Count(15))
    );
    assert_eq!((system.entry(two).nice, system.entry(other).nice), (5, 0));
    assert_eq!(
        nice(&mut system, one, Whose::User, 0, 4),
        Err(Errno::EACCES)
    );
    assert_eq!(
        nice(&mut system, one, Whose::Process, other, 9),
        Err(Errno::EPERM)
    );
    assert_eq!(
        nice(&mut system, one, Whose::Group, 0, 9),
        Err(Errno::EPERM),
        "pid 1 is in the group, and all others are changed"
    );
    assert_eq!((system.entry(one).nice, system.entry(two).nice), (9, 9));
    let best = |whose, who| Request::NiceOf { whose, who };
    assert_eq!(
        system.call(INIT, best(Whose::Group, 0)),
        Ok(Reply::Count(20))
    );
    assert_eq!(
        system.call(INIT, best(Whose::User, USER as i32)),
        Ok(Reply::Count(11))
    );
    for (whose, who) in [
        (Whose::Process, 999),
        (Whose::Group, 999),
        (Whose::User, 999),
        (Whose::Process, -1),
    ] {
        assert_eq!(system.call(INIT, best(whose, who)), Err(Errno::ESRCH));
    }
}

#[test]
fn a_limit_lets_a_user_be_less_nice() {
    let mut system = System::new();
    let child = system.fork(INIT);
    let wish = Request::Limit {
        pid: child as i32,
        resource: 13,
        change: true,
        soft: 25,
        hard: 25,
    };
    system.call(INIT, wish).unwrap();
    become_user(&mut system, child, USER);
    assert_eq!(
        nice(&mut system, child, Whose::Process, 0, -6),
        Err(Errno::EACCES)
    );
    assert_eq!(
        nice(&mut system, child, Whose::Process, 0, -5),
        Ok(Reply::Count(25))
    );
}

#[test]
fn the_nearest_ancestor_that_wants_to_adopts_the_orphans() {
    let mut system = System::new();
    let adopter = system.fork(INIT);
    let between = system.fork(adopter);
    let parent = system.fork(between);
    let orphan = system.fork(parent);
    ask(&mut system, adopter, Attribute::Adopts, 1).unwrap();
    assert_eq!(
        asked(&mut system, between, Attribute::Adopts),
        0,
        "not inherited"
    );
    system.exit(parent, 0);
    assert_eq!(system.entry(orphan).ppid, adopter);
    system.exit(adopter, 0);
    assert_eq!(system.entry(orphan).ppid, INIT);
    assert_eq!(system.entry(between).ppid, INIT);
}

#[test]
fn a_child_that_asked_is_told_of_its_parents_end() {
    let mut system = System::new();
    let parent = system.fork(INIT);
    let child = system.fork(parent);
    assert_eq!(
        ask(&mut system, child, Attribute::DeathSignal, 65),
        Err(Errno::EINVAL)
    );
    ask(&mut system, child, Attribute::DeathSignal, 15).unwrap();
    let grandchild = system.fork(child);
    assert_eq!(asked(&mut system, grandchild, Attribute::DeathSignal), 0);
    system.exit(parent, 0);
    assert!(!system.alive(child));
    assert!(system.alive(grandchild));
}

#[test]
fn who_wants_no_new_rights_gets_none_from_a_program() {
    let mut system = System::new();
    let file = support::File {
        bytes: support::elf(),
        set_uid: Some(0),
        set_gid: Some(5),
    };
    system.world.programs.insert(b"/bin/su".to_vec(), file);
    for wish in [false, true] {
        let child = system.fork(INIT);
        become_user(&mut system, child, USER);
        ask(&mut system, child, Attribute::Dumpable, 1).unwrap();
        ask(&mut system, child, Attribute::DeathSignal, 10).unwrap();
        if wish {
            ask(&mut system, child, Attribute::NoNewPrivileges, 1).unwrap();
        }
        let grandchild = system.fork(child);
        system.exec(grandchild, "/bin/su", &["su"]);
        let entry = system.entry(grandchild);
        let expected = if wish { (USER, 0) } else { (0, 5) };
        assert_eq!((entry.uid[1], entry.gid[1]), expected);
        assert_eq!(
            asked(&mut system, grandchild, Attribute::Dumpable),
            u64::from(wish)
        );
    }
}

#[test]
fn files_can_be_used_as_another_user() {
    let mut system = System::new();
    let child = system.fork(INIT);
    let set = |system: &mut System, what, value| ask(system, child, what, value);
    assert_eq!(
        set(&mut system, Attribute::FileUser, 7),
        Ok(Reply::Count(0))
    );
    assert_eq!(
        set(&mut system, Attribute::FileGroup, 8),
        Ok(Reply::Count(0))
    );
    assert_eq!(system.entry(child).file_ids, [7, 8]);
    assert_eq!(system.entry(child).uid[1], 0);
    become_user(&mut system, child, USER);
    assert_eq!(system.entry(child).file_ids, [USER, 8]);
    assert_eq!(
        set(&mut system, Attribute::FileUser, 0),
        Ok(Reply::Count(USER.into()))
    );
    assert_eq!(
        system.entry(child).file_ids,
        [USER, 8],
        "a user may not, and is not told so"
    );
    let privileged = |pid| Request::Privileged { pid };
    assert_eq!(system.call(child, privileged(0)), Ok(Reply::Count(0)));
    assert_eq!(
        system.call(child, privileged(INIT as i32)),
        Ok(Reply::Count(1))
    );
    assert_eq!(system.call(child, privileged(999)), Err(Errno::ESRCH));
    assert!(system.proc.table().get(Pid(child)).is_some());
}

#[test]
fn transfer_priorities_are_kept_and_checked() {
    let mut system = System::new();
    let child = system.fork(INIT);
    become_user(&mut system, child, USER);
    let mut set = |pid, priority| {
        let wish = Request::SetTransferPriority {
            whose: Whose::Process,
            who: 0,
            priority,
        };
        system.call(pid, wish)
    };
    assert_eq!(set(child, 2 << 13 | 3), Ok(Reply::Done));
    for (pid, priority, errno) in [
        (child, 1 << 13, Errno::EPERM),
        (INIT, 2 << 13 | 8, Errno::EINVAL),
        (INIT, 4 << 13, Errno::EINVAL),
        (INIT, 1, Errno::EINVAL),
    ] {
        assert_eq!(set(pid, priority), Err(errno));
    }
    let ask = Request::TransferPriority {
        whose: Whose::Process,
        who: 0,
    };
    assert_eq!(system.call(child, ask), Ok(Reply::Count(2 << 13 | 3)));
}
