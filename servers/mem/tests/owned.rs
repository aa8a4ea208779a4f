//! Locks whose word names their owner: who has them next, also when an owner ends.

mod common;

use abi::{Errno, Token};
use common::{PROC, World};
use mem::policy::CopyOnWrite;
use proto::Pid;
use proto::mem::{Reply, Request};

const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;

fn world() -> World<CopyOnWrite> {
    let mut world = World::new(CopyOnWrite, 400);
    world.create(1).unwrap();
    world
}

fn add_thread(world: &mut World<CopyOnWrite>, tid: u32) {
    let add = Request::AddThread {
        space: Pid(1),
        priority: 3,
        tid,
    };
    world.ask(PROC, add).expect("a thread");
}

fn frame_of(world: &mut World<CopyOnWrite>, pid: u32, tid: u32) -> u32 {
    let space = world.mem.spaces().get_mut(Pid(pid)).expect("a space");
    let thread = space.threads.iter().find(|thread| thread.tid == tid);
    thread.expect("a thread").frame
}

fn answered(world: &mut World<CopyOnWrite>) -> Vec<(u64, Result<Reply, Errno>)> {
    core::mem::take(&mut world.leases.1.answers)
}

/// Asks for the lock at [`LOCK`], whose word is `word`; the answer, and the word then.
fn lock(
    world: &mut World<CopyOnWrite>,
    (pid, tid): (u32, u32),
    wish: Request,
    word: u32,
) -> (Option<Result<Reply, Errno>>, u32) {
    world.leases.0[0] = word.to_le_bytes().to_vec();
    let token = token_of(world, pid, tid);
    let answer = world.ask_as(Pid(pid), token, wish);
    (answer, word_now(world))
}

fn word_now(world: &World<CopyOnWrite>) -> u32 {
    let bytes = world.leases.0[0][..4].try_into();
    u32::from_le_bytes(bytes.expect("four bytes"))
}

fn token_of(world: &mut World<CopyOnWrite>, pid: u32, tid: u32) -> Token {
    let frame = frame_of(world, pid, tid);
    Token(u64::from(frame) << 32 | u64::from(tid))
}

const LOCK: u64 = 0x1000;

fn locking(deadline_ns: u64, waits: bool) -> Request {
    Request::LockOwned {
        address: LOCK,
        deadline_ns,
        waits,
        shared: false,
    }
}

const UNLOCK: Request = Request::UnlockOwned {
    address: LOCK,
    shared: false,
};

#[test]
fn a_lock_names_its_owner_and_goes_to_who_waits_longest() {
    let mut world = world();
    for tid in [11, 12] {
        add_thread(&mut world, tid);
    }
    let forever = locking(u64::MAX, true);
    assert_eq!(
        lock(&mut world, (1, 1), forever, 0),
        (Some(Ok(Reply::Done)), 1)
    );
    assert_eq!(
        lock(&mut world, (1, 1), forever, 1),
        (Some(Err(Errno::EDEADLK)), 1)
    );
    let held = 1 | WAITERS;
    assert_eq!(
        lock(&mut world, (1, 12), locking(u64::MAX, false), 1),
        (Some(Err(Errno::EAGAIN)), held)
    );
    assert_eq!(
        lock(&mut world, (1, 12), forever, 77),
        (Some(Err(Errno::ESRCH)), 77 | WAITERS)
    );
    assert_eq!(lock(&mut world, (1, 12), forever, held), (None, held));
    assert_eq!(lock(&mut world, (1, 11), forever, held), (None, held));
    assert_eq!(
        lock(&mut world, (1, 11), UNLOCK, held),
        (Some(Err(Errno::EPERM)), held)
    );
    assert_eq!(
        lock(&mut world, (1, 1), UNLOCK, held),
        (Some(Ok(Reply::Done)), 12 | WAITERS)
    );
    assert_eq!(answered(&mut world).len(), 1);
    assert_eq!(
        lock(&mut world, (1, 12), UNLOCK, 12 | WAITERS),
        (Some(Ok(Reply::Done)), 11 | WAITERS)
    );
    assert_eq!(
        lock(&mut world, (1, 11), UNLOCK, 11 | WAITERS),
        (Some(Ok(Reply::Done)), 0)
    );
}

#[test]
fn an_owner_that_ends_leaves_its_lock_to_who_waits() {
    let mut world = world();
    for tid in [11, 12] {
        add_thread(&mut world, tid);
    }
    let held = 11 | WAITERS;
    let forever = locking(u64::MAX, true);
    assert_eq!(lock(&mut world, (1, 12), forever, 11), (None, held));
    let frame = frame_of(&mut world, 1, 11);
    let end = Request::EndThread {
        space: Pid(1),
        frame,
        clear: 0,
        area: 0,
    };
    world.ask(PROC, end).expect("the end");
    assert_eq!(word_now(&world), 12 | WAITERS | OWNER_DIED);
    assert_eq!(answered(&mut world)[0].1, Ok(Reply::Done));
}

#[test]
fn a_wait_for_a_lock_ends_with_its_time() {
    let mut world = world();
    add_thread(&mut world, 11);
    let held = 1 | WAITERS;
    assert_eq!(
        lock(&mut world, (1, 11), locking(500, true), 1),
        (None, held)
    );
    world.leases.1.now_ns = 500;
    world.mem.timer(&mut world.leases);
    assert_eq!(answered(&mut world)[0].1, Err(Errno::ETIMEDOUT));
    assert_eq!(
        lock(&mut world, (1, 11), locking(500, true), 1),
        (Some(Err(Errno::ETIMEDOUT)), held)
    );
}
