//! Locked memory, mappings that move to a given place, and advice.

mod common;

use abi::Errno;
use abi::message::decline;
use common::{PAGE, PROC, World, running};
use mem::policy::CopyOnWrite;
use proto::Pid;
use proto::mem::{Reply, Request, flags, lock, remap};

const ONE: Pid = Pid(1);

fn world() -> World<CopyOnWrite> {
    running(CopyOnWrite, 200)
}

fn lock(
    world: &mut World<CopyOnWrite>,
    address: u64,
    pages: u64,
    how: u32,
) -> Result<Reply, Errno> {
    let bytes = pages * PAGE;
    let wish = Request::Lock {
        address,
        bytes,
        how,
    };
    world.ask(ONE, wish)
}

fn resident(world: &mut World<CopyOnWrite>, address: u64, pages: usize) -> Result<Vec<u8>, Errno> {
    world.leases.0[0] = vec![9; pages];
    let bytes = pages as u64 * PAGE;
    let answer = world.ask(ONE, Request::Resident { address, bytes });
    let told = std::mem::take(&mut world.leases.0[0]);
    answer.map(|_| told)
}

fn locked(world: &mut World<CopyOnWrite>, address: u64, pages: u64) -> Result<Reply, Errno> {
    let bytes = pages * PAGE;
    world.ask(ONE, Request::Check { address, bytes })
}

fn limit(world: &mut World<CopyOnWrite>, bytes: u64) {
    world
        .ask(PROC, Request::LockLimit { space: ONE, bytes })
        .unwrap();
}

fn advise(
    world: &mut World<CopyOnWrite>,
    address: u64,
    pages: u64,
    advice: u32,
) -> Result<Reply, Errno> {
    let bytes = pages * PAGE;
    let wish = Request::Advise {
        address,
        bytes,
        advice,
    };
    world.ask(ONE, wish)
}

#[test]
fn locking_makes_pages_present_and_unlocking_leaves_them() {
    let mut world = world();
    let at = world.map(1, 4).unwrap();
    assert_eq!(resident(&mut world, at, 4), Ok(vec![0; 4]));
    lock(&mut world, at + 1, 1, lock::NOW).unwrap();
    assert_eq!(
        resident(&mut world, at, 4),
        Ok(vec![1, 1, 0, 0]),
        "two pages are touched"
    );
    assert_eq!(locked(&mut world, at, 4), Ok(Reply::Count(1)));
    lock(&mut world, at + 2 * PAGE, 2, lock::ON_FAULT).unwrap();
    assert_eq!(resident(&mut world, at, 4), Ok(vec![1, 1, 0, 0]));
    lock(&mut world, at, 4, lock::NOT).unwrap();
    assert_eq!(locked(&mut world, at, 4), Ok(Reply::Count(0)));
    assert_eq!(resident(&mut world, at, 4), Ok(vec![1, 1, 0, 0]));
    assert_eq!(lock(&mut world, at, 4, 3), Err(Errno::EINVAL));
    world.check();
}

#[test]
fn a_hole_is_refused_and_what_is_in_front_of_it_locked() {
    let mut world = world();
    let at = world.map(1, 3).unwrap();
    world.unmap(1, at + PAGE, 1).unwrap();
    assert_eq!(lock(&mut world, at, 3, lock::NOW), Err(Errno::ENOMEM));
    assert_eq!(locked(&mut world, at, 1), Ok(Reply::Count(1)));
    assert_eq!(locked(&mut world, at + 2 * PAGE, 1), Ok(Reply::Count(0)));
    assert_eq!(resident(&mut world, at, 3), Err(Errno::ENOMEM));
    assert_eq!(locked(&mut world, at, 3), Err(Errno::ENOMEM));
}

#[test]
fn the_limit_counts_each_page_once_and_concerns_what_comes() {
    let mut world = world();
    let at = world.map(1, 4).unwrap();
    limit(&mut world, 2 * PAGE);
    assert_eq!(lock(&mut world, at, 3, lock::NOW), Err(Errno::ENOMEM));
    lock(&mut world, at, 2, lock::NOW).unwrap();
    lock(&mut world, at, 2, lock::NOW).unwrap();
    assert_eq!(
        lock(&mut world, at + 2 * PAGE, 1, lock::NOW),
        Err(Errno::ENOMEM)
    );
    let mut map = |wished| {
        let (address, bytes, prot) = (0, PAGE, 3);
        let wish = Request::Map {
            address,
            bytes,
            prot,
            flags: wished,
        };
        world.ask(ONE, wish)
    };
    assert_eq!(map(flags::LOCKED), Err(Errno::EAGAIN));
    assert!(map(0).is_ok());
    limit(&mut world, 0);
    assert_eq!(lock(&mut world, at, 1, lock::NOW), Err(Errno::EPERM));
    lock(&mut world, at, 4, lock::NOT).unwrap();
    assert_eq!(
        world.ask(ONE, Request::LockAll { flags: 1 }),
        Err(Errno::EPERM)
    );
    let no_server = world.ask(
        ONE,
        Request::LockLimit {
            space: ONE,
            bytes: 9,
        },
    );
    assert_eq!(no_server, Err(Errno::EPERM));
}

#[test]
fn all_that_is_and_all_that_comes_can_be_locked() {
    let mut world = world();
    let old = world.map(1, 1).unwrap();
    world.ask(ONE, Request::LockAll { flags: 3 }).unwrap();
    assert_eq!(resident(&mut world, old, 1), Ok(vec![1]));
    let new = world.map(1, 2).unwrap();
    assert_eq!(resident(&mut world, new, 2), Ok(vec![1, 1]));
    let end = world.brk(1, 0);
    world.brk(1, end + PAGE);
    assert_eq!(resident(&mut world, end, 1), Ok(vec![1]));
    world.fork(1, 2).unwrap();
    let wish = Request::Check {
        address: new,
        bytes: PAGE,
    };
    assert_eq!(
        world.ask(Pid(2), wish),
        Ok(Reply::Count(0)),
        "a child has no locks"
    );
    world.ask(ONE, Request::LockAll { flags: 0 }).unwrap();
    assert_eq!(locked(&mut world, new, 2), Ok(Reply::Count(0)));
    let free = world.map(1, 1).unwrap();
    assert_eq!(resident(&mut world, free, 1), Ok(vec![0]));
    for wrong in [4, 8] {
        let refused = world.ask(ONE, Request::LockAll { flags: wrong });
        assert_eq!(refused, Err(Errno::EINVAL));
    }
    world.check();
}

fn moved(
    world: &mut World<CopyOnWrite>,
    from: u64,
    pages: [u64; 2],
    how: u32,
    to: u64,
) -> Result<u64, Errno> {
    let wish = Request::Move {
        address: from,
        old_bytes: pages[0] * PAGE,
        new_bytes: pages[1] * PAGE,
        flags: how,
        target: to,
    };
    world.address(ONE, wish)
}

#[test]
fn a_mapping_moves_to_a_given_place_and_replaces_what_is_there() {
    const FIXED: u32 = remap::MAY_MOVE | remap::FIXED;
    let mut world = world();
    let all = world.map(1, 8).unwrap();
    for page in 0..8 {
        world.write(1, all + page * PAGE, page as u8).unwrap();
    }
    let to = all + 4 * PAGE;
    assert_eq!(moved(&mut world, all, [2, 3], FIXED, to), Ok(to));
    assert_eq!(
        [0, 1, 2, 3].map(|page| world.read(1, to + page * PAGE)),
        [Ok(0), Ok(1), Ok(0), Ok(7)]
    );
    assert_eq!(world.read(1, all), Err(decline::NOT_MAPPED));
    assert_eq!(
        moved(&mut world, to, [2, 1], FIXED, all),
        Ok(all),
        "it shrinks on the way"
    );
    assert_eq!(world.read(1, all), Ok(0));
    assert_eq!(world.read(1, to + PAGE), Err(decline::NOT_MAPPED));
    for (how, to) in [
        (remap::FIXED, all + 9 * PAGE),
        (FIXED, all + 1),
        (FIXED, all),
        (FIXED, 0),
    ] {
        assert_eq!(moved(&mut world, all, [1, 1], how, to), Err(Errno::EINVAL));
    }
    world.check();
    assert_eq!(world.read(1, all), Ok(0), "a refused move changes nothing");
}

#[test]
fn a_place_can_be_kept_without_its_pages() {
    const KEEP: u32 = remap::MAY_MOVE | remap::KEEP;
    let mut world = world();
    let from = world.map(1, 2).unwrap();
    world.write(1, from, 5).unwrap();
    let to = moved(&mut world, from, [2, 2], KEEP, 0).unwrap();
    assert_ne!(to, from);
    assert_eq!(world.read(1, to), Ok(5));
    assert_eq!(world.read(1, from), Ok(0));
    assert_eq!(moved(&mut world, from, [2, 1], KEEP, 0), Err(Errno::EINVAL));
    assert_eq!(
        moved(&mut world, from, [0, 1], 1, 0),
        Err(Errno::EINVAL),
        "private"
    );
    world.check();
}

#[test]
fn a_shared_mapping_can_be_mapped_twice() {
    let mut world = world();
    let wish = Request::Map {
        address: 0,
        bytes: 2 * PAGE,
        prot: 3,
        flags: flags::SHARED,
    };
    let first = world.address(ONE, wish).unwrap();
    let second = moved(&mut world, first + PAGE, [0, 1], remap::MAY_MOVE, 0).unwrap();
    world.write(1, first + PAGE, 6).unwrap();
    assert_eq!(world.read(1, second), Ok(6));
    world.unmap(1, first, 2).unwrap();
    assert_eq!(world.read(1, second), Ok(6));
    world.check();
}

#[test]
fn a_child_gets_what_advice_leaves_it() {
    const DONT_FORK: u32 = 10;
    const WIPE: u32 = 18;
    let mut world = world();
    let at = world.map(1, 3).unwrap();
    for page in 0..3 {
        world.write(1, at + page * PAGE, 7).unwrap();
    }
    advise(&mut world, at, 1, DONT_FORK).unwrap();
    advise(&mut world, at + PAGE, 1, WIPE).unwrap();
    world.fork(1, 2).unwrap();
    world.check();
    assert_eq!(world.read(2, at), Err(decline::NOT_MAPPED));
    assert_eq!(world.read(2, at + PAGE), Ok(0));
    assert_eq!(world.read(2, at + 2 * PAGE), Ok(7));
    assert_eq!(world.read(1, at + PAGE), Ok(7));
    advise(&mut world, at, 2, 11).unwrap();
    advise(&mut world, at, 2, 19).unwrap();
    world.fork(1, 3).unwrap();
    assert_eq!(
        (world.read(3, at), world.read(3, at + PAGE)),
        (Ok(7), Ok(7))
    );
    world.check();
}

#[test]
fn locked_pages_are_not_dropped_and_unknown_advice_is_refused() {
    let mut world = world();
    let at = world.map(1, 2).unwrap();
    world.write(1, at, 7).unwrap();
    lock(&mut world, at, 1, lock::NOW).unwrap();
    for advice in [4, 8, 21] {
        assert_eq!(
            advise(&mut world, at, 1, advice),
            Err(Errno::EINVAL),
            "{advice}"
        );
    }
    assert_eq!(world.read(1, at), Ok(7));
    advise(&mut world, at, 1, 24).unwrap();
    assert_eq!(world.read(1, at), Ok(0));
    for advice in [5, 7, 9, 25, 99] {
        assert_eq!(
            advise(&mut world, at, 1, advice),
            Err(Errno::EINVAL),
            "{advice}"
        );
    }
    advise(&mut world, at, 2, 23).unwrap();
    assert_eq!(resident(&mut world, at, 2), Ok(vec![1, 1]));
}

#[test]
fn a_hole_can_be_made_in_shared_memory() {
    const REMOVE: u32 = 9;
    let mut world = world();
    let wish = Request::Map {
        address: 0,
        bytes: 2 * PAGE,
        prot: 3,
        flags: flags::SHARED,
    };
    let at = world.address(ONE, wish).unwrap();
    world.write(1, at, 1).unwrap();
    world.write(1, at + PAGE, 2).unwrap();
    let free = world.free();
    advise(&mut world, at, 1, REMOVE).unwrap();
    assert_eq!(world.free(), free + 1);
    assert_eq!(
        (world.read(1, at), world.read(1, at + PAGE)),
        (Ok(0), Ok(2))
    );
    world.check();
}

#[test]
fn a_region_grows_down_to_a_touch_but_not_near_its_neighbour() {
    let mut world = world();
    let wish = |address, wished| Request::Map {
        address,
        bytes: PAGE,
        prot: 3,
        flags: wished | flags::FIXED_NOREPLACE,
    };
    const AT: u64 = 0x50_0000_0000;
    world.address(ONE, wish(AT, flags::GROWS)).unwrap();
    assert_eq!(world.write(1, AT - 3 * PAGE, 1), Ok(()));
    assert_eq!(
        world.write(1, AT - PAGE, 1),
        Ok(()),
        "between is memory, too"
    );
    world.address(ONE, wish(AT - 300 * PAGE, 0)).unwrap();
    assert_eq!(world.write(1, AT - 40 * PAGE, 1), Ok(()));
    assert_eq!(world.write(1, AT - 44 * PAGE, 1), Err(decline::NOT_MAPPED));
    world.check();
}
