//! What every fork policy owes its clients, whatever it does with pages.

mod common;

use abi::Errno;
use common::{IMAGE, PAGE, PROC, STACK_TOP, World, image, running};
use mem::policy::{CopyOnWrite, Eager, ForkPolicy};
use proto::Pid;
use proto::mem::{Reply, Request, flags};

const DATA: u64 = IMAGE + 2 * PAGE;
const HEAP: u64 = IMAGE + 7 * PAGE;

/// Runs a promise under every policy.
macro_rules! promises {
    ($($(#[$doc:meta])* fn $name:ident<P: ForkPolicy + Copy>($policy:ident: P) $body:block)*) => {
        mod under_cow { use super::*; $(#[test] fn $name() { super::$name(CopyOnWrite); })* }
        mod under_eager { use super::*; $(#[test] fn $name() { super::$name(Eager); })* }
        $($(#[$doc])* fn $name<P: ForkPolicy + Copy>($policy: P) $body)*
    };
}

promises! {
    fn a_child_sees_the_parents_heap_stack_and_data<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        world.brk(1, HEAP + 3 * PAGE);
        (0..3).for_each(|page| world.write(1, HEAP + page * PAGE, 10 + page as u8).unwrap());
        world.write(1, DATA, 99).unwrap();
        world.fork(1, 2).unwrap();
        world.check();
        (0..3).for_each(|page| assert_eq!(world.read(2, HEAP + page * PAGE), Ok(10 + page as u8)));
        assert_eq!(world.read(2, DATA), Ok(99));
        assert_eq!(world.read(2, STACK_TOP - 1), Ok(b'b'));
        assert_eq!(world.fetch(2, IMAGE), Ok(()));
        assert_eq!(world.brk(2, 0), HEAP + 3 * PAGE);
        world.check();
    }

    fn neither_sees_what_the_other_writes<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        world.write(1, DATA, 1).unwrap();
        world.fork(1, 2).unwrap();
        world.write(1, DATA, 2).unwrap();
        world.check();
        assert_eq!(world.read(2, DATA), Ok(1));
        world.write(2, DATA + 1, 3).unwrap();
        assert_eq!((world.read(1, DATA), world.read(1, DATA + 1)), (Ok(2), Ok(3)), "3 is the file's byte");
        world.write(2, DATA, 4).unwrap();
        assert_eq!(world.read(1, DATA), Ok(2));
        world.check();
    }

    fn the_parent_writes_again_without_copies_when_the_child_is_gone<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        world.fork(1, 2).unwrap();
        world.destroy(2).unwrap();
        let copied = world.mem.memory().copied;
        (0..4).for_each(|page| world.write(1, DATA + page * PAGE, 9).unwrap());
        assert_eq!(world.mem.memory().copied, copied);
        world.check();
    }

    fn pages_that_became_writable_together_are_protected_at_the_next_fork<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        (0..4).for_each(|page| world.write(1, DATA + page * PAGE, 1).unwrap());
        world.fork(1, 2).unwrap();
        world.destroy(2).unwrap();
        world.write(1, DATA, 2).unwrap();
        world.fork(1, 3).unwrap();
        world.check();
        (0..4).for_each(|page| world.write(1, DATA + page * PAGE, 9).unwrap());
        let seen = [0, 1, 2, 3].map(|page| world.read(3, DATA + page * PAGE));
        assert_eq!(seen, [Ok(2), Ok(1), Ok(1), Ok(1)]);
    }

    fn a_child_outlives_its_parent<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        world.write(1, DATA, 123).unwrap();
        world.fork(1, 2).unwrap();
        world.destroy(1).unwrap();
        assert_eq!(world.read(2, DATA), Ok(123));
        world.fork(2, 3).unwrap();
        world.check();
        world.write(2, DATA, 5).unwrap();
        assert_eq!(world.read(3, DATA), Ok(123));
        world.write(2, DATA, 123).unwrap();
        assert_eq!((world.read(2, DATA), world.read(3, DATA)), (Ok(123), Ok(123)));
        world.check();
    }

    fn shared_mappings_stay_shared_across_a_fork<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        let map = Request::Map { address: 0, bytes: 2 * PAGE, prot: 3, flags: flags::SHARED };
        let shared = world.address(Pid(1), map).unwrap();
        world.write(1, shared, 1).unwrap();
        world.fork(1, 2).unwrap();
        world.write(2, shared, 2).unwrap();
        world.write(2, shared + PAGE, 3).unwrap();
        assert_eq!((world.read(1, shared), world.read(1, shared + PAGE)), (Ok(2), Ok(3)));
        world.check();
    }

    fn memory_without_access_keeps_its_content_across_a_fork<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        let start = world.map(1, 1).unwrap();
        world.write(1, start, 8).unwrap();
        world.ask(Pid(1), Request::Protect { address: start, bytes: PAGE, prot: 0 }).unwrap();
        world.fork(1, 2).unwrap();
        world.ask(Pid(2), Request::Protect { address: start, bytes: PAGE, prot: 3 }).unwrap();
        assert_eq!(world.read(2, start), Ok(8));
        world.write(2, start, 9).unwrap();
        world.ask(Pid(1), Request::Protect { address: start, bytes: PAGE, prot: 1 }).unwrap();
        assert_eq!(world.read(1, start), Ok(8));
        world.check();
    }

    fn all_frames_return_over_thousands_of_forks<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        world.fork(1, 2).unwrap();
        world.destroy(2).unwrap();
        let (free, spaces) = (world.free(), world.fake.spaces.len());
        for round in 0..3000u32 {
            world.fork(1, 3 + round).unwrap();
            world.write(3 + round, DATA, round as u8).unwrap();
            world.write(3 + round, STACK_TOP - 1, round as u8).unwrap();
            if round % 3 == 0 {
                world.exec(3 + round, &image()).unwrap();
            }
            world.destroy(3 + round).unwrap();
            assert_eq!(world.free(), free, "round {round}");
        }
        assert_eq!(world.fake.spaces.len(), spaces);
        world.check();
    }

    fn running_out_of_memory_anywhere_leaks_nothing<P: ForkPolicy + Copy>(policy: P) {
        for frames in 0..90 {
            let mut world = World::new(policy, frames);
            let free = world.free();
            script(&mut world);
            world.check();
            for pid in 1..=3 {
                let _ = world.destroy(pid);
            }
            assert_eq!(world.free(), free, "with {frames} frames");
            assert_eq!(world.mem.frames().kernel(), 0);
        }
    }

    fn a_refused_creation_anywhere_leaks_nothing<P: ForkPolicy + Copy>(policy: P) {
        for creations in 0..8 {
            let mut world = World::new(policy, 200);
            let free = world.free();
            world.fake.creations_left = Some(creations);
            script(&mut world);
            world.fake.creations_left = None;
            for pid in 1..=3 {
                let _ = world.destroy(pid);
            }
            assert_eq!(world.free(), free, "with {creations} creations");
        }
    }

    fn a_failed_fork_leaves_the_parent_as_it_was<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        let start = world.map(1, 300).unwrap();
        let mut page = 0;
        while world.write(1, start + page * PAGE, 7).is_ok() {
            page += 1;
        }
        assert_eq!(world.fork(1, 2), Err(Errno::ENOMEM));
        assert_eq!(world.read(1, start), Ok(7));
        world.check();
        world.unmap(1, start, 300).unwrap();
        world.fork(1, 2).unwrap();
    }

    fn forking_for_nobody_or_onto_somebody_is_refused<P: ForkPolicy + Copy>(policy: P) {
        let mut world = running(policy, 300);
        assert_eq!(world.fork(5, 6), Err(Errno::ESRCH));
        assert_eq!(world.fork(1, 1), Err(Errno::EEXIST));
        assert_eq!(world.destroy(9), Err(Errno::ESRCH));
        assert_eq!(world.create(1), Err(Errno::EEXIST));
        assert_eq!(world.create(0), Err(Errno::EEXIST));
    }
}

/// A bit of everything, in which any step may fail for lack of memory.
fn script<P: ForkPolicy>(world: &mut World<P>) {
    let _ = world.create(1);
    if world.exec(1, &image()).is_err() {
        return;
    }
    let _ = world.write(1, STACK_TOP - 5 * PAGE, 1);
    let start = world.map(1, 20).unwrap();
    for page in 0..20 {
        let _ = world.write(1, start + page * PAGE, page as u8);
    }
    let _ = world.fork(1, 2);
    let _ = world.fork(1, 3);
    world.check();
    for pid in 1..=3 {
        if world.mem.spaces().slot(Pid(pid)).is_some() {
            for page in 0..20 {
                let _ = world.write(pid, start + page * PAGE, pid as u8);
            }
            let _ = world.ask(
                PROC,
                Request::AddThread {
                    space: Pid(pid),
                    priority: 3,
                    tid: 9,
                },
            );
            let _ = world.exec(pid, &image());
        }
    }
}

#[test]
fn a_fork_copies_nothing_under_cow() {
    let mut world = running(CopyOnWrite, 300);
    let start = world.map(1, 40).unwrap();
    (0..40).for_each(|page| world.write(1, start + page * PAGE, 1).unwrap());
    let (free, calls) = (world.free(), world.fake.calls);
    world.fork(1, 2).unwrap();
    assert_eq!(
        free - world.free(),
        6,
        "space, root, thread and three tables"
    );
    assert_eq!(world.fake.calls - calls, 4, "two objects, tables, one list");
    assert_eq!(world.mem.memory().copied, 0);
}

#[test]
fn threads_come_and_go() {
    let mut world = running(CopyOnWrite, 300);
    let free = world.free();
    let Ok(Reply::Thread { frame }) = world.ask(
        PROC,
        Request::AddThread {
            space: Pid(1),
            priority: 3,
            tid: 9,
        },
    ) else {
        panic!("a thread")
    };
    assert_eq!(free - world.free(), 1);
    world
        .ask(
            PROC,
            Request::RemoveThread {
                space: Pid(1),
                frame,
            },
        )
        .unwrap();
    assert_eq!(
        world.ask(
            PROC,
            Request::RemoveThread {
                space: Pid(1),
                frame
            }
        ),
        Err(Errno::ESRCH)
    );
    assert_eq!(world.free(), free);
    world
        .ask(
            PROC,
            Request::HandleSlots {
                space: Pid(1),
                slots: 300,
            },
        )
        .unwrap();
    assert_eq!(free - world.free(), 2);
    world.destroy(1).unwrap();
    assert_eq!(world.mem.frames().kernel(), 0);
}

#[test]
fn what_earlier_children_wrote_is_copied_at_the_fork_and_costs_no_fault() {
    let mut world = running(CopyOnWrite, 1000);
    let family = |world: &mut World<CopyOnWrite>, child: u32| {
        world.write(1, DATA + PAGE, child as u8).unwrap();
        world.fork(1, child).unwrap();
        let faults = world.mem.memory().faults;
        world.fetch(child, IMAGE).unwrap();
        world.write(child, STACK_TOP - 1, child as u8).unwrap();
        world.write(child, DATA, child as u8).unwrap();
        world.write(1, STACK_TOP - 1, 1).unwrap();
        assert_eq!(world.read(child, STACK_TOP - 1), Ok(child as u8));
        assert_eq!(world.read(child, DATA + PAGE), Ok(child as u8));
        world.check();
        world.destroy(child).unwrap();
        assert_eq!(
            (world.read(1, STACK_TOP - 1), world.read(1, DATA)),
            (Ok(1), Ok(3))
        );
        world.mem.memory().faults - faults
    };
    assert!(family(&mut world, 2) > 3);
    family(&mut world, 3);
    assert_eq!(family(&mut world, 4), 0);
    for child in 5..200 {
        family(&mut world, child);
    }
}

#[test]
fn the_servers_own_handle_table_grows_when_it_is_full() {
    let mut world = World::new(CopyOnWrite, 3000);
    world.fake.slots_left = Some(3);
    (1..200).for_each(|pid| assert!(world.create(pid).is_ok()));
    assert_eq!(world.fake.own_extensions, 2);
}
