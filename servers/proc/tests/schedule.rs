//! Scheduling by the server: when it ticks, what it sees, what it tells the kernel.

mod support;

use abi::message::notify;
use proc::USER_PRIORITY;
use proc::policy::{IDLE_TICK_NS, Scheduling, TICK_NS};
use proto::Pid;
use proto::proc::Request;
use support::System;

/// Pid 1 and two children under a design.
fn system(design: &str) -> System {
    let mut system = System::empty();
    let design = Scheduling::named(design.as_bytes()).unwrap();
    system.proc = proc::Proc::new(0).with_scheduling(design);
    system.start("/init").unwrap();
    system.fork(1);
    system.fork(1);
    for pid in 1..=3 {
        // As the kernel makes them.
        set(&mut system, pid, |thread| thread.priority = USER_PRIORITY);
    }
    system
}

fn set(system: &mut System, pid: u32, change: impl FnOnce(&mut support::FakeThread)) {
    let thread = system
        .proc
        .table()
        .living(Pid(pid))
        .unwrap()
        .tasks
        .first()
        .thread;
    change(
        system
            .world
            .visible
            .threads
            .get_mut(&thread.handle.0)
            .unwrap(),
    );
}

/// Lets a process compute until the next tick.
fn compute(system: &mut System, pid: u32) {
    let due = system.world.wake_ns.expect("a tick is due");
    let ns = due - system.world.now_ns;
    set(system, pid, |thread| {
        thread.cpu_ns += ns;
        thread.ready = true;
    });
    system.world.now_ns = due;
    system.proc.notified(notify::TIMER, &mut system.world);
}

fn priorities(system: &System) -> [u32; 3] {
    [1, 2, 3].map(|pid| system.thread(pid).priority)
}

#[test]
fn the_kernels_scheduling_needs_no_timer() {
    let system = system("kernel");
    assert_eq!(system.world.wake_ns, None);
}

#[test]
fn who_computes_is_lowered_and_others_are_not() {
    let mut system = system("mlfq");
    for _ in 0..3 {
        compute(&mut system, 2);
    }
    let base = USER_PRIORITY;
    assert_eq!(priorities(&system), [base, base - 1, base]);
}

#[test]
fn turns_go_around_among_those_that_are_ready() {
    let mut system = system("rr");
    set(&mut system, 3, |thread| thread.ready = true);
    compute(&mut system, 2);
    let base = USER_PRIORITY;
    assert_eq!(priorities(&system), [base - 1, base, base - 1]);
    compute(&mut system, 2);
    compute(&mut system, 2);
    assert_eq!(priorities(&system), [base - 1, base - 1, base]);
}

#[test]
fn nice_values_count_beneath_the_design() {
    let mut system = system("mlfq");
    for _ in 0..3 {
        compute(&mut system, 2);
    }
    let nice = Request::Nice {
        pid: 2,
        change: true,
        nice: 8,
    };
    system.call(1, nice).unwrap();
    assert_eq!(system.thread(2).priority, USER_PRIORITY - 2);
    for _ in 0..3 {
        compute(&mut system, 2);
    }
    assert_eq!(system.thread(2).priority, USER_PRIORITY - 3);
}

#[test]
fn a_new_process_starts_without_what_its_predecessor_was_charged() {
    let mut system = system("mlfq");
    for _ in 0..20 {
        compute(&mut system, 2);
    }
    assert_eq!(system.thread(2).priority, USER_PRIORITY - 3);
    // The same slot, handle and frame, as a new process may get them.
    set(&mut system, 2, |thread| {
        (thread.cpu_ns, thread.priority) = (0, USER_PRIORITY);
    });
    compute(&mut system, 2);
    assert_eq!(system.thread(2).priority, USER_PRIORITY);
}

#[test]
fn an_idle_machine_is_asked_less_often() {
    let mut system = system("mlfq");
    let mut last = system.world.now_ns;
    let mut periods = Vec::new();
    for _ in 0..6 {
        let due = system.world.wake_ns.unwrap();
        periods.push(due - last);
        (system.world.now_ns, last) = (due, due);
        system.proc.notified(notify::TIMER, &mut system.world);
    }
    assert_eq!(periods[..3], [TICK_NS, 2 * TICK_NS, 4 * TICK_NS]);
    assert_eq!(periods[5], IDLE_TICK_NS);
    compute(&mut system, 2);
    let due = system.world.wake_ns.unwrap();
    assert_eq!(due - system.world.now_ns, TICK_NS, "somebody runs again");
}

#[test]
fn a_process_that_ended_is_not_asked_about() {
    let mut system = system("rr");
    compute(&mut system, 2);
    system.exit(2, 0);
    compute(&mut system, 3);
    compute(&mut system, 3);
    assert_eq!(system.thread(3).priority, USER_PRIORITY);
}
