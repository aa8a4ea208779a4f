//! The timers of `timer_create`.

mod support;

use abi::Errno;
use proto::proc::{Delivery, Reply, Request};
use support::{INIT, System};

const SIGUSR1: u32 = 10;
const SI_TIMER: i32 = -2;
const MILLISECOND: u64 = 1_000_000;

fn create(system: &mut System, pid: u32, how: u32, tid: u32) -> Result<u32, Errno> {
    let wish = Request::TimerCreate {
        how,
        signal: SIGUSR1,
        value: 77,
        tid: tid as i32,
    };
    match system.call(pid, wish)? {
        Reply::Count(timer) => Ok(timer as u32),
        other => panic!("{other:?}"),
    }
}

fn set(system: &mut System, pid: u32, timer: u32, first_ns: u64, interval_ns: u64) -> Reply {
    let wish = Request::TimerSet {
        timer,
        first_ns,
        absolute: false,
        interval_ns,
    };
    system.call(pid, wish).expect("a timer")
}

/// Number of the timer and overruns that the next signal tells.
fn taken(system: &mut System, pid: u32) -> Option<(u32, u32)> {
    match system.call(pid, Request::Take) {
        Ok(Reply::DeliverLast(Delivery {
            signal: SIGUSR1,
            code: SI_TIMER,
            sender,
            value: 77,
            ..
        })) => {
            let mask = Request::Return { mask: 0 };
            system.call(pid, mask).expect("a return");
            Some((sender as u32, (sender >> 32) as u32))
        }
        Err(Errno::EAGAIN) => None,
        other => panic!("{other:?}"),
    }
}

fn caught() -> (System, u32) {
    let mut system = System::new();
    let pid = system.fork(INIT);
    system.catch(pid, SIGUSR1);
    (system, pid)
}

#[test]
fn a_timer_signals_once_or_again_and_again_and_tells_what_is_left() {
    let (mut system, pid) = caught();
    let timer = create(&mut system, pid, 0, 0).unwrap();
    set(&mut system, pid, timer, 5 * MILLISECOND, 0);
    system.pass(4 * MILLISECOND);
    assert_eq!(taken(&mut system, pid), None);
    assert_eq!(
        system.call(pid, Request::TimerGet { timer }),
        Ok(Reply::Timer {
            value_ns: MILLISECOND,
            interval_ns: 0
        })
    );
    system.pass(MILLISECOND);
    assert_eq!(taken(&mut system, pid), Some((timer, 0)));
    system.pass(100 * MILLISECOND);
    assert_eq!(taken(&mut system, pid), None);
    set(&mut system, pid, timer, MILLISECOND, 2 * MILLISECOND);
    for _ in 0..3 {
        system.pass(2 * MILLISECOND);
        assert_eq!(taken(&mut system, pid), Some((timer, 0)));
    }
}

#[test]
fn periods_that_nobody_saw_are_counted() {
    let (mut system, pid) = caught();
    system.mask(pid, 0, 1 << (SIGUSR1 - 1));
    let timer = create(&mut system, pid, 0, 0).unwrap();
    set(&mut system, pid, timer, MILLISECOND, MILLISECOND);
    for _ in 0..10 {
        system.pass(MILLISECOND);
    }
    system.mask(pid, 1, 1 << (SIGUSR1 - 1));
    assert_eq!(taken(&mut system, pid), Some((timer, 9)));
    assert_eq!(
        system.call(pid, Request::TimerOverrun { timer }),
        Ok(Reply::Count(9))
    );
    assert_eq!(taken(&mut system, pid), None);
    system.pass(MILLISECOND);
    assert_eq!(taken(&mut system, pid), Some((timer, 0)));
}

#[test]
fn a_short_period_does_not_keep_the_server_busy() {
    let (mut system, pid) = caught();
    system.action(pid, SIGUSR1, 1, 0);
    let timer = create(&mut system, pid, 0, 0).unwrap();
    set(&mut system, pid, timer, 1, 1);
    let now_ns = system.world.now_ns;
    system.pass(10);
    assert!(system.world.wake_ns >= Some(now_ns + MILLISECOND));
}

#[test]
fn a_timer_can_tell_a_thread_or_nobody() {
    let (mut system, pid) = caught();
    let tid = system.spawn(pid);
    let timer = create(&mut system, pid, 4, tid).unwrap();
    let quiet = create(&mut system, pid, 1, 0).unwrap();
    assert_ne!(timer, quiet);
    for timer in [timer, quiet] {
        set(&mut system, pid, timer, MILLISECOND, 4 * MILLISECOND);
    }
    system.pass(2 * MILLISECOND);
    assert_eq!(system.task(pid, pid).kicks, 0);
    assert_eq!(system.task(pid, tid).kicks, 1);
    assert_eq!(
        system.call(pid, Request::TimerGet { timer: quiet }),
        Ok(Reply::Timer {
            value_ns: 3 * MILLISECOND,
            interval_ns: 4 * MILLISECOND
        })
    );
    assert_eq!(create(&mut system, pid, 4, INIT), Err(Errno::EINVAL));
    assert_eq!(create(&mut system, pid, 9, 0), Err(Errno::EINVAL));
}

#[test]
fn timers_end_with_their_process_and_are_not_inherited() {
    let (mut system, pid) = caught();
    let timer = create(&mut system, pid, 0, 0).unwrap();
    set(&mut system, pid, timer, MILLISECOND, MILLISECOND);
    let child = system.fork(pid);
    let ask = Request::TimerGet { timer };
    assert_eq!(system.call(child, ask), Err(Errno::EINVAL));
    let _ = system.exec(pid, "/bin/true", &["true"]);
    assert_eq!(system.call(pid, ask), Err(Errno::EINVAL));
    assert_eq!(system.world.wake_ns, None);
    let many = (0..100).take_while(|_| create(&mut system, pid, 0, 0).is_ok());
    assert_eq!(many.count(), 64);
    assert_eq!(create(&mut system, pid, 0, 0), Err(Errno::EAGAIN));
}
