//! Groups, sessions, job control.

mod support;

use abi::Errno;
use proto::port::Outcome;
use proto::proc::{Reply, Request};
use proto::tty::PROC_SIGNAL_BIT;
use support::System;

const SIGINT: u32 = 2;
const SIGTSTP: u32 = 20;
const SIGTTIN: u32 = 21;

fn set_group(system: &mut System, sender: u32, pid: u32, pgid: u32) -> Result<Reply, Errno> {
    system.call(
        sender,
        Request::SetGroup {
            pid: pid as i32,
            pgid: pgid as i32,
        },
    )
}

/// A session with a shell (leader) and two jobs of one process each.
fn shell() -> (System, u32, u32, u32) {
    let mut system = System::new();
    let shell = system.fork(1);
    assert_eq!(
        system.call(shell, Request::NewSession),
        Ok(Reply::Pid(shell))
    );
    let (a, b) = (system.fork(shell), system.fork(shell));
    set_group(&mut system, shell, a, a).unwrap();
    set_group(&mut system, shell, b, b).unwrap();
    (system, shell, a, b)
}

fn key(system: &mut System, group: u32, signal: u32) {
    system.world.terminal.push_back((group, signal));
    system
        .proc
        .notified(1 << PROC_SIGNAL_BIT, &mut system.world);
}

#[test]
fn setpgid_keeps_its_rules() {
    let (mut system, shell, a, b) = shell();
    assert_eq!(set_group(&mut system, shell, b, a), Ok(Reply::Done));
    assert_eq!(
        system.call(b, Request::GetGroup { pid: 0 }),
        Ok(Reply::Pid(a))
    );
    assert_eq!(
        set_group(&mut system, shell, shell, a),
        Err(Errno::EPERM),
        "a session leader"
    );
    assert_eq!(
        set_group(&mut system, shell, a, 999),
        Err(Errno::EPERM),
        "no such group"
    );
    assert_eq!(
        set_group(&mut system, shell, a, 1),
        Err(Errno::EPERM),
        "a group of another session"
    );
    assert_eq!(
        set_group(&mut system, a, b, 0),
        Err(Errno::ESRCH),
        "not its child"
    );
    assert_eq!(
        set_group(&mut system, 1, shell, 0),
        Err(Errno::EPERM),
        "a child in another session"
    );
    assert_eq!(
        system.call(shell, Request::SetGroup { pid: 0, pgid: -1 }),
        Err(Errno::EINVAL)
    );
    assert_eq!(system.exec(b, "/bin/true", &["true"]), Outcome::Parked);
    assert_eq!(
        set_group(&mut system, shell, b, b),
        Err(Errno::EACCES),
        "it has executed a program"
    );
    assert_eq!(
        set_group(&mut system, b, 0, 0),
        Ok(Reply::Done),
        "it may move itself"
    );
}

#[test]
fn setsid_is_for_those_that_lead_no_group() {
    let (mut system, shell, a, _) = shell();
    assert_eq!(system.call(shell, Request::NewSession), Err(Errno::EPERM));
    assert_eq!(system.call(a, Request::NewSession), Err(Errno::EPERM));
    let child = system.fork(a);
    assert_eq!(
        system.call(child, Request::NewSession),
        Ok(Reply::Pid(child))
    );
    assert_eq!(
        system.call(1, Request::GetSession { pid: child as i32 }),
        Ok(Reply::Pid(child))
    );
    assert_eq!(
        system.call(1, Request::GetSession { pid: 99 }),
        Err(Errno::ESRCH)
    );
}

#[test]
fn a_pid_is_not_reused_while_a_group_or_session_bears_it() {
    let mut system = System::new();
    let leader = system.fork(1);
    system.call(leader, Request::NewSession).unwrap();
    let member = system.fork(leader);
    system.exit(leader, 0);
    system.wait(1, leader as i32, 0).unwrap();
    for _ in 0..70_000 {
        let child = system.fork(1);
        assert_ne!(child % 1024, leader % 1024);
        system.exit(child, 0);
        system.wait(1, child as i32, 0).unwrap();
        system.world.replies.clear();
    }
    assert_eq!(system.kill(1, -(leader as i32), 0), Ok(Reply::Done));
    system.exit(member, 0);
}

#[test]
fn keys_reach_the_foreground_group_only() {
    let (mut system, shell, a, b) = shell();
    key(&mut system, a, SIGINT);
    assert!(system.alive(shell) && !system.alive(a) && system.alive(b));
    key(&mut system, b, SIGTSTP);
    assert!(system.thread(b).suspended);
    assert_eq!(
        system.wait(shell, b as i32, 2),
        Ok((b, SIGTSTP << 8 | 0x7f))
    );
    key(&mut system, 999, SIGINT);
    key(&mut system, shell, 0);
    assert!(system.alive(shell));
}

#[test]
fn an_orphaned_group_is_not_stopped_by_the_terminal() {
    let (mut system, shell, a, _) = shell();
    assert_eq!(
        (system.entry(shell).no_tty_stop, system.entry(a).no_tty_stop),
        (1, 0)
    );
    key(&mut system, shell, SIGTSTP);
    assert!(!system.thread(shell).suspended);
    key(&mut system, shell, SIGTTIN);
    assert_eq!(system.world.failed_reads, [shell]);
    system.kill(1, shell as i32, 19).unwrap();
    assert!(
        system.thread(shell).suspended,
        "SIGSTOP stops it all the same"
    );
}

#[test]
fn stopped_jobs_are_hung_up_when_the_shell_ends() {
    let (mut system, shell, a, b) = shell();
    let grandchild = system.fork(b);
    system.catch(b, 1);
    key(&mut system, a, SIGTSTP);
    key(&mut system, b, SIGTSTP);
    system.exit(shell, 0);
    assert_eq!(system.world.detached, [shell]);
    assert!(!system.alive(a), "SIGHUP ended it");
    assert_eq!(system.take(b), Some(1), "this one caught it, and goes on");
    assert!(!system.thread(b).suspended);
    assert!(!system.alive(grandchild));
    assert_eq!(system.entry(b).no_tty_stop, 1);
    assert_eq!(system.entry(b).ppid, 1);
}

#[test]
fn running_jobs_survive_their_shell() {
    let (mut system, shell, a, b) = shell();
    system.exit(shell, 0);
    assert!(system.alive(a) && system.alive(b));
    assert_eq!(system.world.failed_reads, [a, b]);
}

#[test]
fn who_ignores_background_reads_is_published() {
    let (mut system, _, a, _) = shell();
    system.action(a, SIGTTIN, 1, 0);
    assert_eq!(system.entry(a).no_tty_stop, 1);
    system.action(a, SIGTTIN, 0, 0);
    assert_eq!(system.entry(a).no_tty_stop, 0);
}
