//! Futexes: who waits, who is woken, and what threads leave behind; and memory that is lent.

mod common;

use abi::{Errno, Token};
use common::{PAGE, PROC, VFS, World};
use mem::policy::CopyOnWrite;
use proto::Pid;
use proto::mem::{ObjectId, Reply, Request, flags};

const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;

fn world() -> World<CopyOnWrite> {
    let mut world = World::new(CopyOnWrite, 400);
    for pid in [1, 2] {
        world.create(pid).unwrap();
    }
    world
}

fn wait(address: u64, expected: u32, deadline_ns: u64, shared: bool) -> Request {
    Request::FutexWait {
        address,
        expected,
        bits: u32::MAX,
        deadline_ns,
        shared,
    }
}

/// Lets `token` wait at `address`, whose word is 7.
fn waits(world: &mut World<CopyOnWrite>, pid: u32, token: u64, address: u64, shared: bool) {
    let wish = wait(address, 7, u64::MAX, shared);
    world.leases.0[0] = 7u32.to_le_bytes().to_vec();
    assert_eq!(world.ask_as(Pid(pid), Token(token), wish), None);
    world.leases.0[0].clear();
}

fn wake(
    world: &mut World<CopyOnWrite>,
    pid: u32,
    address: u64,
    count: u32,
    shared: bool,
) -> Result<Reply, Errno> {
    let wish = Request::FutexWake {
        address,
        count,
        bits: u32::MAX,
        shared,
    };
    world.ask(Pid(pid), wish)
}

fn answered(world: &mut World<CopyOnWrite>) -> Vec<(u64, Result<Reply, Errno>)> {
    core::mem::take(&mut world.leases.1.answers)
}

/// Maps a page of an object that two processes share; its addresses.
fn shared(world: &mut World<CopyOnWrite>) -> [u64; 2] {
    let bytes = 4 * PAGE;
    let object: ObjectId = world
        .object(VFS, Request::ObjectCreate { bytes })
        .expect("an object");
    [(1, 1), (2, 2)].map(|(pid, page)| {
        // The second one maps it one page further, so that only the place in the object is equal.
        let wish = Request::MapObject {
            space: Pid(pid),
            object,
            offset: 0,
            address: 0x50_0000_0000 + page * PAGE,
            bytes,
            prot: 3,
            flags: flags::SHARED | flags::FIXED,
        };
        world.address(VFS, wish).expect("a mapping")
    })
}

fn word(world: &mut World<CopyOnWrite>, pid: u32, address: u64) -> u32 {
    let bytes = [0, 1, 2, 3].map(|at| world.read(pid, address + at).unwrap());
    u32::from_le_bytes(bytes)
}

fn put(world: &mut World<CopyOnWrite>, pid: u32, address: u64, bytes: &[u8]) {
    for (at, &byte) in (0..).zip(bytes) {
        world.write(pid, address + at, byte).unwrap();
    }
}

#[test]
fn who_waits_is_woken_and_another_processs_word_is_another() {
    let mut world = world();
    let address = world.map(1, 1).unwrap();
    waits(&mut world, 1, 11, address, false);
    waits(&mut world, 1, 12, address, false);
    assert_eq!(wake(&mut world, 2, address, 9, false), Ok(Reply::Count(0)));
    assert_eq!(wake(&mut world, 1, address, 1, false), Ok(Reply::Count(1)));
    assert_eq!(answered(&mut world), [(11, Ok(Reply::Done))]);
    assert_eq!(wake(&mut world, 1, address, 9, false), Ok(Reply::Count(1)));
    assert_eq!(world.mem.futex_waiters(), 0);
}

#[test]
fn a_word_that_has_changed_is_not_waited_for() {
    let mut world = world();
    world.leases.0[0] = 8u32.to_le_bytes().to_vec();
    let changed = world.ask(Pid(1), wait(0x1000, 7, u64::MAX, false));
    assert_eq!(changed, Err(Errno::EAGAIN));
    let odd = world.ask(Pid(1), wait(0x1002, 8, u64::MAX, false));
    assert_eq!(odd, Err(Errno::EINVAL));
    let nowhere = world.ask(Pid(1), wait(0x1000, 8, u64::MAX, true));
    assert_eq!(nowhere, Err(Errno::EFAULT));
    assert_eq!(world.mem.futex_waiters(), 0);
}

#[test]
fn time_ends_a_wait_and_the_earliest_comes_first() {
    let mut world = world();
    world.leases.1.now_ns = 100;
    world.leases.0[0] = 7u32.to_le_bytes().to_vec();
    let late = world.ask(Pid(1), wait(0x1000, 7, 100, false));
    assert_eq!(late, Err(Errno::ETIMEDOUT));
    for (token, deadline_ns) in [(11, 300), (12, 200)] {
        let wish = wait(0x1000, 7, deadline_ns, false);
        assert_eq!(world.ask_as(Pid(1), Token(token), wish), None);
    }
    assert_eq!(world.leases.1.timer, Some(200));
    world.leases.1.now_ns = 250;
    world.mem.timer(&mut world.leases);
    assert_eq!(answered(&mut world), [(12, Err(Errno::ETIMEDOUT))]);
    assert_eq!(world.leases.1.timer, Some(300));
}

#[test]
fn shared_words_are_one_wherever_they_are_mapped() {
    let mut world = world();
    let [here, there] = shared(&mut world);
    assert_ne!(here, there);
    waits(&mut world, 1, 11, here + 8, true);
    let other = wake(&mut world, 2, there + 4, 9, true);
    assert_eq!(other, Ok(Reply::Count(0)));
    let same = wake(&mut world, 2, there + 8, 9, true);
    assert_eq!(same, Ok(Reply::Count(1)));
}

#[test]
fn interrupted_and_dead_waiters_go() {
    let mut world = world();
    for token in [11, 12, 13] {
        waits(&mut world, 1, token, 0x1000, false);
    }
    world.leases.1.gone.insert(11);
    world.leases.1.interrupted.insert(12);
    world.mem.cancelled(&mut world.leases);
    assert_eq!(answered(&mut world), [(12, Err(Errno::EINTR))]);
    assert_eq!(world.mem.futex_waiters(), 1);
}

#[test]
fn a_requeue_moves_and_a_wake_op_changes() {
    let mut world = world();
    for token in [11, 12, 13] {
        waits(&mut world, 1, token, 0x1000, false);
    }
    let requeue = |expected| Request::FutexRequeue {
        from: 0x1000,
        to: 0x2000,
        wake: 1,
        move_: 1,
        shared: false,
        expected,
    };
    world.leases.0[0] = 7u32.to_le_bytes().to_vec();
    assert_eq!(world.ask(Pid(1), requeue(Some(6))), Err(Errno::EAGAIN));
    assert_eq!(world.ask(Pid(1), requeue(Some(7))), Ok(Reply::Count(2)));
    let add_one_if_seven = 1 << 28 | 1 << 12 | 7;
    let operation = Request::FutexWakeOp {
        first: 0x1000,
        second: 0x2000,
        wake_first: 1,
        wake_second: 1,
        operation: add_one_if_seven,
        shared: false,
    };
    assert_eq!(world.ask(Pid(1), operation), Ok(Reply::Count(2)));
    assert_eq!(world.leases.0[0], 8u32.to_le_bytes());
}

#[test]
fn a_thread_that_ends_clears_its_words_and_gives_up_its_locks() {
    let mut world = world();
    let memory = world.map(1, 2).unwrap();
    let Ok(Reply::Thread { frame }) = world.ask(
        PROC,
        Request::AddThread {
            space: Pid(1),
            priority: 3,
            tid: 50,
        },
    ) else {
        panic!("a thread")
    };
    // A list of two locks, of which it holds one; each lock lies 16 bytes behind its entry.
    let [head, one, two] = [memory, memory + 0x100, memory + 0x200];
    for (at, word) in [
        (head, one),
        (head + 8, 16),
        (head + 16, 0),
        (one, two),
        (two, head),
    ] {
        put(&mut world, 1, at, &word.to_le_bytes());
    }
    put(&mut world, 1, one + 16, &(50 | WAITERS).to_le_bytes());
    put(&mut world, 1, two + 16, &51u32.to_le_bytes());
    let own = Token(u64::from(frame) << 32 | 1);
    let told = world.ask_as(Pid(1), own, Request::Robust { head });
    assert_eq!(told, Some(Ok(Reply::Done)));
    let [clear, area] = [memory + 0x300, memory + PAGE];
    for at in [clear, area] {
        put(&mut world, 1, at, &50u32.to_le_bytes());
    }
    waits(&mut world, 1, 11, one + 16, true);
    waits(&mut world, 1, 12, clear, true);
    let end = Request::EndThread {
        space: Pid(1),
        frame,
        clear,
        area,
    };
    let free = world.free();
    assert_eq!(world.ask(PROC, end), Ok(Reply::Done));
    assert_eq!(world.free(), free + 1, "the thread's frame");
    assert_eq!(word(&mut world, 1, one + 16), OWNER_DIED | WAITERS);
    assert_eq!(word(&mut world, 1, two + 16), 51, "another's");
    assert_eq!([clear, area].map(|at| word(&mut world, 1, at)), [0, 0]);
    let tokens: Vec<u64> = answered(&mut world).iter().map(|answer| answer.0).collect();
    assert_eq!(tokens, [11, 12]);
    assert_eq!(world.ask(PROC, end), Err(Errno::ESRCH));
    assert_eq!(world.ask(Pid(1), end), Err(Errno::EPERM));
}

#[test]
fn a_process_that_dies_leaves_no_lock_of_shared_memory_behind() {
    let mut world = world();
    let [here, there] = shared(&mut world);
    for (at, word) in [
        (here, here + 0x40),
        (here + 8, 8),
        (here + 16, 0),
        (here + 0x40, here),
    ] {
        put(&mut world, 1, at, &word.to_le_bytes());
    }
    put(&mut world, 1, here + 0x48, &1u32.to_le_bytes());
    let frame = world.mem.spaces().get_mut(Pid(1)).unwrap().threads[0].frame;
    let own = Token(u64::from(frame) << 32);
    world.ask_as(Pid(1), own, Request::Robust { head: here });
    world.destroy(1).unwrap();
    assert_eq!(word(&mut world, 2, there + 0x48), OWNER_DIED);
}

#[test]
fn a_list_that_is_a_circle_or_points_nowhere_ends() {
    let mut world = world();
    let memory = world.map(1, 1).unwrap();
    for second in [memory + 0x40, 0x10, u64::MAX - 3] {
        put(&mut world, 1, memory, &(memory + 0x40).to_le_bytes());
        put(&mut world, 1, memory + 0x40, &second.to_le_bytes());
        let frame = world.mem.spaces().get_mut(Pid(1)).unwrap().threads[0].frame;
        let own = Token(u64::from(frame) << 32);
        world.ask_as(Pid(1), own, Request::Robust { head: memory });
        world.fork(1, 9).unwrap();
        let end = Request::EndThread {
            space: Pid(1),
            frame,
            clear: 3,
            area: u64::MAX,
        };
        assert_eq!(world.ask(PROC, end), Ok(Reply::Done));
        let add = Request::AddThread {
            space: Pid(1),
            priority: 3,
            tid: 1,
        };
        assert!(world.ask(PROC, add).is_ok());
        world.destroy(9).unwrap();
    }
}

#[test]
fn a_borrower_uses_the_lenders_memory_until_it_has_its_own() {
    let mut world = world();
    let memory = world.map(1, 2).unwrap();
    put(&mut world, 1, memory, &[5]);
    let lend = Request::Lend {
        lender: Pid(1),
        borrower: Pid(7),
    };
    assert_eq!(world.ask(Pid(1), lend), Err(Errno::EPERM));
    assert!(matches!(world.ask(PROC, lend), Ok(Reply::Thread { .. })));
    // What the borrower maps is the lender's.
    let theirs = world.map(7, 1).unwrap();
    assert_eq!(world.read(1, theirs), Ok(0));
    waits(&mut world, 7, 11, memory, false);
    assert_eq!(wake(&mut world, 1, memory, 1, false), Ok(Reply::Count(1)));
    assert_eq!(world.destroy(1), Err(Errno::EBUSY));
    assert!(world.exec(7, &common::image()).is_ok());
    assert_eq!(world.read(7, common::IMAGE), Ok(1));
    assert!(world.read(7, memory).is_err());
    world.destroy(1).unwrap();
    world.destroy(7).unwrap();
    world.destroy(2).unwrap();
    assert_eq!(world.mem.frames().kernel(), 0);
}
