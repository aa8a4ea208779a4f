//! Processes of several threads, and children that use their parent's memory.

mod support;

use abi::Errno;
use proto::Pid;
use proto::port::Outcome;
use proto::proc::{Reply, Request};
use support::{INIT, System, delivered, program};

const SIGUSR1: u32 = 10;
const SIGTERM: u32 = 15;
const SIGSTOP: u32 = 19;
const SIGCONT: u32 = 18;
const SI_TKILL: i32 = -6;
const EXIT: Request = Request::ExitThread {
    status: 0,
    clear: 0,
    area: 0,
};
const VFORK: Request = Request::VFork {
    block: 0x7000,
    stack: 0x8000,
};

fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

/// A child of pid 1 with two threads more.
fn threaded() -> (System, u32, [u32; 2]) {
    let mut system = System::new();
    let pid = system.fork(INIT);
    let tids = [system.spawn(pid), system.spawn(pid)];
    (system, pid, tids)
}

fn tgkill(pid: u32, tid: u32, signal: u32) -> Request {
    Request::KillThread {
        pid: pid as i32,
        tid: tid as i32,
        signal,
        code: SI_TKILL,
        value: 0,
    }
}

fn block(system: &mut System, pid: u32, tid: u32, signal: u32) {
    let wish = Request::Mask {
        how: 0,
        set: bit(signal),
    };
    system.call_thread(pid, tid, wish).expect("a mask");
}

fn taken(system: &mut System, pid: u32, tid: u32) -> Option<u32> {
    match system.call_thread(pid, tid, Request::Take) {
        Err(Errno::EAGAIN) => None,
        reply => Some(delivered(reply).signal),
    }
}

/// A child that uses the memory of `pid`'s first thread, and the waiting parent's token.
fn vfork(system: &mut System, pid: u32) -> (u32, abi::Token) {
    let before = system.world.visible.spaces.clone();
    let token = system.park(pid, VFORK);
    let child = system.world.visible.spaces.difference(&before).next();
    (*child.expect("a new process"), token)
}

#[test]
fn threads_have_numbers_of_their_own_and_one_pid() {
    let (mut system, pid, [first, second]) = threaded();
    assert!(pid != first && first != second && pid != second);
    assert_eq!(system.entry(pid).threads, 3);
    for tid in [pid, first, second] {
        assert_eq!(
            system.call_thread(pid, tid, Request::ThreadId),
            Ok(Reply::Pid(tid))
        );
        let identity = system.call_thread(pid, tid, Request::Identity);
        assert_eq!(identity, Ok(Reply::Identity { pid, ppid: INIT }));
    }
    assert_eq!(system.task(pid, first).started, Some((0x7000, 0x8000)));
    let next = system.fork(INIT);
    assert!(![pid, first, second].contains(&next));
}

#[test]
fn a_thread_that_cannot_be_made_leaves_nothing_behind() {
    for patience in 0..2 {
        let mut system = System::new();
        let pid = system.fork(INIT);
        let before = system.world.visible.clone();
        system.world.patience = Some(patience);
        let wish = Request::Spawn { block: 1, stack: 2 };
        assert_eq!(system.call(pid, wish), Err(Errno::ENOMEM));
        assert_eq!(system.world.visible, before);
        assert_eq!(system.entry(pid).threads, 1);
    }
}

#[test]
fn a_process_ends_with_its_last_thread_and_what_its_first_one_said() {
    let (mut system, pid, [first, second]) = threaded();
    let exit = |status| Request::ExitThread {
        status,
        clear: 0x100,
        area: 0x200,
    };
    for (tid, status) in [(first, 1), (pid, 7)] {
        assert_eq!(system.ask_thread(pid, tid, exit(status)).1, Outcome::Parked);
        assert!(system.alive(pid));
    }
    assert_eq!(system.entry(pid).threads, 1);
    let words: Vec<_> = system.world.ended.iter().map(|ended| ended.2).collect();
    assert_eq!(words, [[0x100, 0x200]; 2]);
    system.ask_thread(pid, second, exit(2));
    assert!(!system.alive(pid));
    assert_eq!(system.wait(INIT, -1, 0), Ok((pid, 7 << 8)));
}

#[test]
fn exit_group_ends_all_threads_at_once() {
    let (mut system, pid, [first, _]) = threaded();
    system.ask_thread(pid, first, Request::Exit { status: 3 });
    assert_eq!(system.wait(INIT, -1, 0), Ok((pid, 3 << 8)));
    assert_eq!(system.world.visible.threads.len(), 1, "that of pid 1");
}

#[test]
fn a_signal_for_one_thread_is_taken_by_no_other() {
    let (mut system, pid, [first, second]) = threaded();
    system.catch(pid, SIGUSR1);
    let sent = system.call_thread(pid, pid, tgkill(pid, first, SIGUSR1));
    assert_eq!(sent, Ok(Reply::Done));
    let kicks = [pid, first, second].map(|tid| system.task(pid, tid).kicks);
    assert_eq!(kicks, [0, 1, 0]);
    assert_eq!(taken(&mut system, pid, pid), None);
    assert_eq!(taken(&mut system, pid, second), None);
    assert_eq!(taken(&mut system, pid, first), Some(SIGUSR1));
}

#[test]
fn a_signal_for_the_process_goes_to_a_thread_that_does_not_block_it() {
    let (mut system, pid, [first, second]) = threaded();
    system.catch(pid, SIGUSR1);
    for tid in [pid, second] {
        block(&mut system, pid, tid, SIGUSR1);
    }
    system.kill(INIT, pid as i32, SIGUSR1).unwrap();
    assert_eq!(system.task(pid, pid).kicks, 0);
    assert_eq!(system.task(pid, first).kicks, 1);
    assert_eq!(taken(&mut system, pid, pid), None);
    assert_eq!(taken(&mut system, pid, first), Some(SIGUSR1));
}

#[test]
fn who_comes_to_block_a_signal_leaves_it_to_another() {
    let (mut system, pid, [first, _]) = threaded();
    system.catch(pid, SIGUSR1);
    system.kill(INIT, pid as i32, SIGUSR1).unwrap();
    assert_eq!(system.task(pid, first).kicks, 0);
    block(&mut system, pid, pid, SIGUSR1);
    assert_eq!(system.task(pid, first).kicks, 1);
}

#[test]
fn a_thread_that_ends_leaves_the_processs_signals_to_another() {
    let (mut system, pid, [first, _]) = threaded();
    system.catch(pid, SIGUSR1);
    system.kill(INIT, pid as i32, SIGUSR1).unwrap();
    system.ask_thread(pid, pid, EXIT);
    assert_eq!(system.task(pid, first).kicks, 1);
    assert_eq!(taken(&mut system, pid, first), Some(SIGUSR1));
}

#[test]
fn a_deadly_signal_for_one_thread_ends_the_process() {
    let (mut system, pid, [first, _]) = threaded();
    system
        .call(INIT, tgkill(pid, first, SIGTERM))
        .expect("pid 1 may");
    assert_eq!(system.wait(INIT, -1, 0), Ok((pid, SIGTERM)));
}

#[test]
fn what_every_thread_blocks_waits_for_the_first_that_lets_it_through() {
    let (mut system, pid, [first, second]) = threaded();
    for tid in [pid, first, second] {
        block(&mut system, pid, tid, SIGTERM);
    }
    system.kill(INIT, pid as i32, SIGTERM).unwrap();
    assert!(system.alive(pid));
    let wish = Request::Mask {
        how: 1,
        set: bit(SIGTERM),
    };
    let _ = system.ask_thread(pid, second, wish);
    assert!(!system.alive(pid));
}

#[test]
fn stopping_and_continuing_concerns_all_threads_even_new_ones() {
    let (mut system, pid, tids) = threaded();
    system.kill(INIT, pid as i32, SIGSTOP).unwrap();
    // Its request came before it was stopped.
    let late = system.spawn(pid);
    for tid in [pid, tids[0], tids[1], late] {
        assert!(system.task(pid, tid).suspended, "{tid}");
    }
    system.kill(INIT, pid as i32, SIGCONT).unwrap();
    for tid in [pid, tids[0], tids[1], late] {
        assert!(!system.task(pid, tid).suspended, "{tid}");
    }
}

#[test]
fn a_waiting_thread_leaves_the_others_alone() {
    let (mut system, pid, [first, second]) = threaded();
    system.catch(pid, SIGUSR1);
    let sleep = Request::Sleep {
        deadline_ns: 1_000_000,
    };
    let (sleeper, _) = system.ask_thread(pid, first, sleep);
    let wait = Request::WaitSignal {
        set: bit(SIGTERM),
        timeout_ns: u64::MAX,
    };
    let (waiter, outcome) = system.ask_thread(pid, second, wait);
    assert_eq!(outcome, Outcome::Parked);
    system.kill(INIT, pid as i32, SIGTERM).unwrap();
    let received = system.answer(waiter).expect("an answer");
    assert!(matches!(received, Ok(Reply::Received { signal: 15, .. })));
    system.kill(INIT, pid as i32, SIGUSR1).unwrap();
    assert_eq!(system.answer(sleeper), None, "the first thread takes it");
    system.pass(1_000_000);
    assert_eq!(system.answer(sleeper), Some(Ok(Reply::Done)));
}

#[test]
fn exec_by_another_thread_leaves_one_with_the_pid() {
    let (mut system, pid, [first, _]) = threaded();
    let frame = |system: &System, tid| {
        let process = system.proc.table().living(Pid(pid)).expect("alive");
        process.tasks.get(Pid(tid)).map(|task| task.thread.frame)
    };
    let caller = frame(&system, first);
    let token = abi::Token(u64::from(caller.expect("a frame")) << 32 | 999);
    let bytes = program("/bin/true", &["true"]);
    let lease = proto::port::LeaseInfo {
        bytes: bytes.len(),
        readable: true,
        writable: false,
    };
    system.world.leases.insert(token, bytes);
    let outcome = system.ask_with(Pid(pid), token, Request::Exec, lease).1;
    assert_eq!(outcome, Outcome::Parked);
    assert_eq!(system.entry(pid).threads, 1);
    assert_eq!(frame(&system, pid), caller);
    assert_eq!(system.world.visible.threads.len(), 2);
    assert_eq!(system.call(pid, Request::ThreadId), Ok(Reply::Pid(pid)));
    let gone = system.call(INIT, tgkill(pid, first, 0));
    assert_eq!(gone, Err(Errno::ESRCH));
}

#[test]
fn who_names_no_thread_of_the_process_is_told() {
    let (mut system, pid, [first, _]) = threaded();
    assert_eq!(system.call(INIT, tgkill(INIT, first, 0)), Err(Errno::ESRCH));
    assert_eq!(system.call(INIT, tgkill(0, first, 0)), Ok(Reply::Done));
    assert_eq!(system.call(INIT, tgkill(pid, 0, 0)), Err(Errno::EINVAL));
    assert_eq!(system.call(INIT, tgkill(pid, 30_000, 0)), Err(Errno::ESRCH));
    assert_eq!(
        system.kill(INIT, first as i32, 0),
        Ok(Reply::Done),
        "a thread's number names its process"
    );
}

#[test]
fn the_parent_of_a_vfork_waits_until_the_child_executes() {
    let mut system = System::new();
    let pid = system.fork(INIT);
    system.catch(pid, SIGUSR1);
    let (child, token) = vfork(&mut system, pid);
    system.kill(INIT, pid as i32, SIGUSR1).unwrap();
    assert_eq!(system.answer(token), None, "no signal ends that wait");
    assert_eq!(
        system.exec(child, "/none", &[]),
        Outcome::Reply(Err(Errno::ENOENT.into()))
    );
    assert_eq!(system.answer(token), None);
    assert_eq!(system.exec(child, "/bin/true", &["true"]), Outcome::Parked);
    assert_eq!(system.answer(token), Some(Ok(Reply::Pid(child))));
    assert_eq!(system.take(pid), Some(SIGUSR1));
}

#[test]
fn the_parent_of_a_vfork_goes_on_when_the_child_ends() {
    let mut system = System::new();
    let (child, token) = vfork(&mut system, INIT);
    system.exit(child, 127);
    assert_eq!(system.answer(token), Some(Ok(Reply::Pid(child))));
    assert_eq!(system.wait(INIT, child as i32, 0), Ok((child, 127 << 8)));
}

#[test]
fn memory_that_is_lent_outlives_its_owner() {
    let mut system = System::new();
    let pid = system.fork(INIT);
    let (child, _) = vfork(&mut system, pid);
    system.kill(INIT, pid as i32, 9).unwrap();
    assert!(system.world.visible.spaces.contains(&pid), "still in use");
    assert_eq!(system.wait(INIT, -1, 0), Ok((pid, 9)));
    assert_eq!(system.exec(child, "/bin/true", &["true"]), Outcome::Parked);
    assert!(!system.world.visible.spaces.contains(&pid));
    system.kill(INIT, child as i32, 9).unwrap();
    assert_eq!(system.world.visible.spaces.len(), 1);
    assert_eq!(system.world.visible.threads.len(), 1);
}

#[test]
fn a_vfork_that_fails_leaves_nothing_behind() {
    for patience in 0..3 {
        let mut system = System::new();
        let before = system.world.visible.clone();
        system.world.patience = Some(patience);
        assert_eq!(system.call(INIT, VFORK), Err(Errno::ENOMEM), "{patience}");
        assert_eq!(system.world.visible, before);
        assert!(!system.proc.table().is_lent(Pid(INIT)));
    }
}

#[test]
fn threads_are_counted_with_the_processes_of_a_user() {
    let mut system = System::new();
    let pid = system.fork(INIT);
    let users = Request::SetUsers {
        how: 2,
        real: 5,
        effective: 5,
        saved: 5,
    };
    let limit = Request::Limit {
        pid: 0,
        resource: 6,
        change: true,
        soft: 2,
        hard: 2,
    };
    system.call(pid, limit).unwrap();
    system.call(pid, users).unwrap();
    system.spawn(pid);
    let wish = Request::Spawn { block: 1, stack: 2 };
    assert_eq!(system.call_thread(pid, pid, wish), Err(Errno::EAGAIN));
}
