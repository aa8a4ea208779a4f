//! Clocks of processor time: who waits for them, and who looks when.

mod support;

use abi::Errno;
use proto::proc::{CpuClock, Reply, Request};
use support::{INIT, System};

const SECOND: u64 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const SIGUSR1: u32 = 10;
const SIGXCPU: u32 = 24;
const SIGVTALRM: u32 = 26;
const SIGPROF: u32 = 27;
const OWN: CpuClock = CpuClock::Process { pid: 0 };

fn pair() -> (System, u32) {
    let mut system = System::new();
    let child = system.fork(INIT);
    for signal in [SIGUSR1, SIGXCPU, SIGVTALRM, SIGPROF] {
        system.catch(child, signal);
    }
    (system, child)
}

/// Lets a process run for so long, in steps as the timer wakes the server.
fn run(system: &mut System, pid: u32, ns: u64) {
    let mut left = ns;
    while left > 0 {
        let until_wake = system
            .world
            .wake_ns
            .map(|at| at.saturating_sub(system.world.now_ns));
        let step = until_wake.unwrap_or(left).clamp(1, left);
        let handle = system
            .proc
            .table()
            .get(proto::Pid(pid))
            .map(|process| process.tasks.first().thread.handle.0);
        if let Some(thread) =
            handle.and_then(|handle| system.world.visible.threads.get_mut(&handle))
        {
            thread.cpu_ns += step;
        }
        system.pass(step);
        left -= step;
    }
}

fn set(system: &mut System, pid: u32, which: u32, value_ns: u64, interval_ns: u64) {
    let wish = Request::SetTimer {
        which,
        value_ns,
        interval_ns,
    };
    system.call(pid, wish).expect("a timer");
}

fn taken(system: &mut System, pid: u32) -> Vec<u32> {
    let mut all: Vec<u32> = core::iter::from_fn(|| system.take(pid)).collect();
    system
        .call(pid, Request::Return { mask: 0 })
        .expect("a return");
    all.sort_unstable();
    all
}

fn limit(system: &mut System, pid: u32, soft: u64, hard: u64) -> Reply {
    let wish = Request::Limit {
        pid: 0,
        resource: 0,
        change: true,
        soft,
        hard,
    };
    system.call(pid, wish).expect("a limit")
}

#[test]
fn interval_timers_run_with_the_process_and_not_with_time() {
    let (mut system, child) = pair();
    set(&mut system, child, 1, 300 * MILLISECOND, 0);
    set(&mut system, child, 2, 100 * MILLISECOND, 200 * MILLISECOND);
    for _ in 0..100 {
        system.pass(50 * MILLISECOND);
    }
    assert_eq!(taken(&mut system, child), [], "it did not run");
    run(&mut system, child, 200 * MILLISECOND);
    assert_eq!(taken(&mut system, child), [SIGPROF]);
    run(&mut system, child, 150 * MILLISECOND);
    assert_eq!(taken(&mut system, child), [SIGVTALRM, SIGPROF]);
    let left = system.call(child, Request::GetTimer { which: 2 });
    let Ok(Reply::Timer {
        value_ns,
        interval_ns,
    }) = left
    else {
        panic!("{left:?}");
    };
    assert_eq!(
        (value_ns, interval_ns),
        (150 * MILLISECOND, 200 * MILLISECOND)
    );
    set(&mut system, child, 2, 0, 0);
    assert_eq!(system.world.wake_ns, None, "nobody waits any more");
}

#[test]
fn a_process_that_stands_still_is_looked_at_less_and_less() {
    let (mut system, child) = pair();
    set(&mut system, child, 2, 10, 0);
    let mut looks = 0;
    while system.world.now_ns < SECOND {
        let wake = system.world.wake_ns.expect("a look");
        system.pass(wake - system.world.now_ns);
        looks += 1;
    }
    assert!((10..30).contains(&looks), "{looks}");
    run(&mut system, child, 65 * MILLISECOND);
    assert_eq!(taken(&mut system, child), [SIGPROF]);
}

#[test]
fn the_limit_of_processor_time_warns_each_second_and_then_kills() {
    let (mut system, child) = pair();
    limit(&mut system, child, 1, 3);
    run(&mut system, child, SECOND - 2 * MILLISECOND);
    assert_eq!(taken(&mut system, child), []);
    run(&mut system, child, 4 * MILLISECOND);
    assert_eq!(taken(&mut system, child), [SIGXCPU]);
    let ask = Request::Limit {
        pid: 0,
        resource: 0,
        change: false,
        soft: 0,
        hard: 0,
    };
    assert_eq!(
        system.call(child, ask),
        Ok(Reply::Limit { soft: 2, hard: 3 })
    );
    run(&mut system, child, SECOND);
    assert_eq!(taken(&mut system, child), [SIGXCPU]);
    run(&mut system, child, SECOND);
    assert_eq!(system.wait(INIT, -1, 0), Ok((child, 9)));
    assert_eq!(system.world.wake_ns, None);
}

#[test]
fn a_child_has_the_limit_and_no_timer() {
    let (mut system, child) = pair();
    limit(&mut system, child, 1, 9);
    set(&mut system, child, 2, 100 * MILLISECOND, 0);
    let grandchild = system.fork(child);
    system.catch(grandchild, SIGPROF);
    run(&mut system, grandchild, 900 * MILLISECOND);
    assert_eq!(taken(&mut system, grandchild), []);
    run(&mut system, grandchild, 101 * MILLISECOND);
    assert_eq!(taken(&mut system, grandchild), [SIGXCPU]);
}

#[test]
fn clocks_of_others_can_be_read_and_of_others_threads_not() {
    let (mut system, child) = pair();
    let other = system.fork(INIT);
    let thread = system.spawn(other);
    run(&mut system, other, 5 * MILLISECOND);
    let mut read = |pid, clock| system.call(pid, Request::CpuTime { clock });
    let of = |pid| CpuClock::Process { pid };
    assert_eq!(read(child, of(other)), Ok(Reply::Count(5 * MILLISECOND)));
    assert_eq!(read(child, OWN), Ok(Reply::Count(0)));
    assert_eq!(read(child, of(999)), Err(Errno::EINVAL));
    let clock = CpuClock::Thread { tid: thread };
    assert_eq!(read(child, clock), Err(Errno::EINVAL));
    assert_eq!(read(other, clock), Ok(Reply::Count(0)));
    system.exit(other, 0);
    let clock = of(other);
    assert_eq!(
        system.call(child, Request::CpuTime { clock }),
        Ok(Reply::Count(5 * MILLISECOND)),
        "of one that is not waited for yet"
    );
}

#[test]
fn a_sleep_ends_when_the_clock_shows_the_time() {
    let (mut system, child) = pair();
    let until_ns = 20 * MILLISECOND;
    let clock = CpuClock::Process { pid: child };
    let token = system.park(INIT, Request::CpuSleep { clock, until_ns });
    system.pass(SECOND);
    assert_eq!(system.answer(token), None);
    run(&mut system, child, 90 * MILLISECOND);
    assert_eq!(system.answer(token), Some(Ok(Reply::Done)));
    let over = Request::CpuSleep { clock, until_ns };
    assert_eq!(system.call(INIT, over), Ok(Reply::Done));
    let token = system.park(
        child,
        Request::CpuSleep {
            clock: OWN,
            until_ns: SECOND,
        },
    );
    system.kill(INIT, child as i32, SIGUSR1).expect("a signal");
    assert_eq!(system.answer(token), Some(Err(Errno::EINTR)));
}

#[test]
fn posix_timers_run_with_a_process_or_a_thread() {
    let (mut system, child) = pair();
    let mut create = |clock| {
        let wish = Request::CpuTimerCreate {
            clock,
            how: 0,
            signal: SIGUSR1,
            value: 5,
            tid: 0,
        };
        system.call(child, wish)
    };
    assert_eq!(create(CpuClock::Process { pid: 999 }), Err(Errno::EINVAL));
    let Ok(Reply::Count(timer)) = create(CpuClock::Thread { tid: 0 }) else {
        panic!("no timer");
    };
    let wish = Request::TimerSet {
        timer: timer as u32,
        first_ns: 10 * MILLISECOND,
        absolute: false,
        interval_ns: 10 * MILLISECOND,
    };
    system.call(child, wish).expect("set");
    system.pass(SECOND);
    assert_eq!(taken(&mut system, child), []);
    run(&mut system, child, 100 * MILLISECOND);
    assert_eq!(taken(&mut system, child), [SIGUSR1]);
    let Ok(Reply::Count(overruns)) = system.call(
        child,
        Request::TimerOverrun {
            timer: timer as u32,
        },
    ) else {
        panic!("no timer");
    };
    assert!((3..=9).contains(&overruns), "{overruns}");
    let delete = Request::TimerDelete {
        timer: timer as u32,
    };
    system.call(child, delete).expect("deleted");
    run(&mut system, child, 100 * MILLISECOND);
    assert_eq!(taken(&mut system, child), []);
    assert_eq!(system.world.wake_ns, None);
}
