//! Exceptions, sleeping and interval timers.

mod support;

use abi::Errno;
use abi::message::decline;
use proc::signal::exception::Exception;
use proto::Pid;
use proto::proc::{Reply, Request};
use support::{System, delivered};

/// Pid 1 and one child.
fn pair() -> (System, u32) {
    let mut system = System::new();
    let child = system.fork(1);
    (system, child)
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
    let taken = delivered(system.call(child, Request::Take));
    assert_eq!((taken.signal, taken.code, taken.value), (11, 2, 0xdead));
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
        Ok(Reply::Timer {
            value_ns: 0,
            interval_ns: 0
        })
    );
    assert_eq!(
        system.call(child, Request::GetTimer { which: 3 }),
        Err(Errno::EINVAL)
    );
}
