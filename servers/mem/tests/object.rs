//! Memory objects: sharing, slices, truncation, and when they end.

mod common;

use abi::message::decline;
use abi::{Errno, layout::MMAP_BASE};
use common::{ARCHIVE_PAGES, PAGE, PROC, ROOT, VFS, World, image};
use mem::object::ARCHIVE;
use mem::policy::CopyOnWrite;
use proto::Pid;
use proto::mem::{ObjectId, Reply, Request, flags};

/// A world with the file server's space, process 1 and process 2.
fn world() -> World<CopyOnWrite> {
    let mut world = World::new(CopyOnWrite, 300);
    for pid in [VFS.0, 1, 2] {
        world.create(pid).unwrap();
        world.exec(pid, &image()).unwrap();
    }
    world
}

fn map(space: u32, object: ObjectId, pages: u64, prot: u32, flags: u32) -> Request {
    Request::MapObject {
        space: Pid(space),
        object,
        offset: 0,
        address: 0,
        bytes: pages * PAGE,
        prot,
        flags,
    }
}

fn object(world: &mut World<CopyOnWrite>, bytes: u64) -> ObjectId {
    world.object(VFS, Request::ObjectCreate { bytes }).unwrap()
}

fn slice(world: &mut World<CopyOnWrite>, parent: ObjectId, offset: u64, bytes: u64) -> ObjectId {
    world
        .object(
            VFS,
            Request::ObjectSlice {
                parent,
                offset,
                bytes,
            },
        )
        .unwrap()
}

#[test]
fn two_spaces_see_each_others_writes() {
    let mut world = world();
    let file = object(&mut world, 3 * PAGE);
    let first = world
        .address(VFS, map(1, file, 3, 3, flags::SHARED))
        .unwrap();
    let second = world
        .address(VFS, map(0, file, 3, 3, flags::SHARED))
        .unwrap();
    assert_eq!(world.read(1, first + PAGE), Ok(0));
    world.write(VFS.0, second + PAGE, 7).unwrap();
    assert_eq!(world.read(1, first + PAGE), Ok(7));
    assert_eq!(
        world.ask(VFS, Request::ObjectMappings { object: file }),
        Ok(Reply::Count(2))
    );
    world.check();
}

#[test]
fn a_private_mapping_reads_the_file_and_keeps_its_writes() {
    let mut world = world();
    let file = object(&mut world, 2 * PAGE);
    let server = world
        .address(VFS, map(0, file, 2, 3, flags::SHARED))
        .unwrap();
    world.write(VFS.0, server, 1).unwrap();
    let program = world.address(VFS, map(1, file, 2, 3, 0)).unwrap();
    assert_eq!(world.read(1, program), Ok(1));
    world.write(1, program, 2).unwrap();
    world.write(1, program + PAGE, 3).unwrap();
    assert_eq!(
        (world.read(VFS.0, server), world.read(VFS.0, server + PAGE)),
        (Ok(1), Ok(0))
    );
    assert_eq!(world.read(1, program), Ok(2));
    world.check();
}

#[test]
fn behind_the_end_of_an_object_is_no_memory() {
    let mut world = world();
    let file = object(&mut world, PAGE + 1);
    let program = world
        .address(VFS, map(1, file, 4, 3, flags::SHARED))
        .unwrap();
    assert_eq!(world.write(1, program + 2 * PAGE - 1, 1), Ok(()));
    assert_eq!(
        world.write(1, program + 2 * PAGE, 1),
        Err(decline::NO_OBJECT)
    );
    world
        .ask(
            VFS,
            Request::ObjectResize {
                object: file,
                bytes: 4 * PAGE,
            },
        )
        .unwrap();
    assert_eq!(world.read(1, program + 2 * PAGE), Ok(0));
}

#[test]
fn cutting_an_object_takes_its_pages_from_every_mapping() {
    let mut world = world();
    let file = object(&mut world, 4 * PAGE);
    let server = world
        .address(VFS, map(0, file, 4, 3, flags::SHARED))
        .unwrap();
    let program = world.address(VFS, map(1, file, 4, 1, 0)).unwrap();
    for page in 0..4 {
        world.write(VFS.0, server + page * PAGE + 200, 9).unwrap();
        assert_eq!(world.read(1, program + page * PAGE + 200), Ok(9));
    }
    let free = world.free();
    world
        .ask(
            VFS,
            Request::ObjectResize {
                object: file,
                bytes: PAGE + 100,
            },
        )
        .unwrap();
    assert_eq!(world.free(), free + 2);
    world.check();
    assert_eq!(world.read(1, program + 2 * PAGE), Err(decline::NO_OBJECT));
    assert_eq!(
        world.read(VFS.0, server + 3 * PAGE),
        Err(decline::NO_OBJECT)
    );
    assert_eq!(world.read(1, program + 200), Ok(9));
    world
        .ask(
            VFS,
            Request::ObjectResize {
                object: file,
                bytes: 4 * PAGE,
            },
        )
        .unwrap();
    assert_eq!(
        world.read(1, program + PAGE + 200),
        Ok(0),
        "what was cut off reads as zero"
    );
    assert_eq!(world.read(1, program + 3 * PAGE + 200), Ok(0));
}

#[test]
fn zeroing_a_range_keeps_what_is_around_it() {
    let mut world = world();
    let file = object(&mut world, 4 * PAGE);
    let server = world
        .address(VFS, map(0, file, 4, 3, flags::SHARED))
        .unwrap();
    for at in [99, 100, 2 * PAGE, 3 * PAGE + 9, 3 * PAGE + 10] {
        world.write(VFS.0, server + at, 5).unwrap();
    }
    let zero = |offset, bytes| Request::ObjectZero {
        object: file,
        offset,
        bytes,
    };
    world.ask(VFS, zero(100, 3 * PAGE + 10 - 100)).unwrap();
    let seen = [99, 100, 2 * PAGE, 3 * PAGE + 9, 3 * PAGE + 10]
        .map(|at| world.read(VFS.0, server + at).unwrap());
    assert_eq!(seen, [5, 0, 0, 0, 5]);
    world.ask(VFS, zero(50, 49)).unwrap();
    assert_eq!(world.read(VFS.0, server + 99), Ok(5));
    world.ask(VFS, zero(50, 50)).unwrap();
    assert_eq!(world.read(VFS.0, server + 99), Ok(0));
    assert_eq!(world.ask(VFS, zero(u64::MAX, 2)), Err(Errno::EINVAL));
}

#[test]
fn slices_share_frames_until_one_is_written() {
    let mut world = world();
    let free = world.free();
    let first = slice(&mut world, ARCHIVE, 4 * PAGE, 3 * PAGE);
    let second = slice(&mut world, first, PAGE, 2 * PAGE);
    assert_eq!(world.free(), free, "whole pages are shared");
    let a = world
        .address(VFS, map(0, first, 3, 3, flags::SHARED))
        .unwrap();
    let b = world
        .address(VFS, map(1, second, 2, 1, flags::SHARED))
        .unwrap();
    let c = world
        .address(VFS, map(2, first, 3, 1, flags::SHARED))
        .unwrap();
    assert_eq!(
        (
            world.read(VFS.0, a + PAGE),
            world.read(1, b),
            world.read(2, c + PAGE)
        ),
        (Ok(6), Ok(6), Ok(6))
    );
    world.write(VFS.0, a + PAGE, 77).unwrap();
    assert_eq!((world.read(1, b), world.read(2, c + PAGE)), (Ok(6), Ok(77)));
    world.check();
}

#[test]
fn a_slice_taken_from_a_written_object_does_not_follow_it() {
    let mut world = world();
    let file = object(&mut world, 2 * PAGE);
    let server = world
        .address(VFS, map(0, file, 2, 3, flags::SHARED))
        .unwrap();
    world.write(VFS.0, server, 1).unwrap();
    let copy = slice(&mut world, file, 0, 2 * PAGE);
    world.check();
    world.write(VFS.0, server, 2).unwrap();
    let program = world.address(VFS, map(1, copy, 2, 1, 0)).unwrap();
    assert_eq!(world.read(1, program), Ok(1));
    assert_eq!(world.read(1, program + PAGE), Ok(0));
}

#[test]
fn a_partial_last_page_of_a_slice_ends_with_zeros() {
    let mut world = world();
    let part = slice(&mut world, ARCHIVE, PAGE, PAGE + 10);
    let program = world.address(VFS, map(1, part, 2, 1, 0)).unwrap();
    let seen = [0, PAGE + 9, PAGE + 10].map(|at| world.read(1, program + at).unwrap());
    assert_eq!(seen, [2, 3, 0]);
    world
        .ask(
            VFS,
            Request::ObjectResize {
                object: part,
                bytes: 5,
            },
        )
        .unwrap();
    assert_eq!(
        [4, 5].map(|at| world.read(1, program + at).unwrap()),
        [2, 0]
    );
    let archive = world.address(VFS, map(2, ARCHIVE, 2, 1, 0)).unwrap();
    assert_eq!(
        world.read(2, archive + PAGE + 5),
        Ok(2),
        "the archive keeps its bytes"
    );
}

#[test]
fn slices_out_of_range_are_refused() {
    let mut world = world();
    let bad = [
        (ARCHIVE, 1, 1),
        (ARCHIVE, 0, u64::MAX),
        (ARCHIVE, 0, 41 * PAGE),
        (ObjectId(0), 0, 1),
        (ObjectId(99), 0, 1),
    ];
    for (parent, offset, bytes) in bad {
        assert_eq!(
            world.object(
                VFS,
                Request::ObjectSlice {
                    parent,
                    offset,
                    bytes
                }
            ),
            Err(Errno::EINVAL)
        );
    }
    assert_eq!(
        world.object(VFS, Request::ObjectCreate { bytes: u64::MAX }),
        Err(Errno::EFBIG)
    );
}

#[test]
fn an_object_lives_as_long_as_its_holder_or_a_mapping() {
    let mut world = world();
    let before = world.free();
    let file = object(&mut world, PAGE);
    let program = world
        .address(VFS, map(1, file, 1, 3, flags::SHARED))
        .unwrap();
    world.write(1, program, 1).unwrap();
    assert_eq!(
        world.ask(ROOT, Request::ObjectRelease { object: file }),
        Err(Errno::EPERM)
    );
    world
        .ask(VFS, Request::ObjectRelease { object: file })
        .unwrap();
    world.fork(1, 3).unwrap();
    world.destroy(1).unwrap();
    assert_eq!(world.read(3, program), Ok(1));
    world.destroy(3).unwrap();
    assert_eq!(
        world.ask(VFS, Request::ObjectMappings { object: file }),
        Err(Errno::EINVAL)
    );
    world.create(1).unwrap();
    world.exec(1, &image()).unwrap();
    assert_eq!(world.free(), before);
}

#[test]
fn the_archives_frames_come_back_when_nobody_needs_them() {
    let mut world = World::new(CopyOnWrite, 100);
    let free = world.free();
    let part = slice(&mut world, ARCHIVE, 0, 2 * PAGE);
    world
        .ask(ROOT, Request::ObjectRelease { object: ARCHIVE })
        .unwrap();
    assert_eq!(world.free(), free + ARCHIVE_PAGES - 2);
    world
        .ask(VFS, Request::ObjectRelease { object: part })
        .unwrap();
    assert_eq!(world.free(), free + ARCHIVE_PAGES);
}

#[test]
fn detaching_removes_one_attachment_even_when_split() {
    let mut world = world();
    let shm = object(&mut world, 3 * PAGE);
    let first = world
        .address(VFS, map(1, shm, 3, 3, flags::SHARED))
        .unwrap();
    let second = world
        .address(VFS, map(1, shm, 3, 3, flags::SHARED))
        .unwrap();
    assert_eq!((first, second), (MMAP_BASE, MMAP_BASE + 3 * PAGE));
    world.write(1, second, 4).unwrap();
    world
        .ask(
            Pid(1),
            Request::Protect {
                address: first + PAGE,
                bytes: PAGE,
                prot: 1,
            },
        )
        .unwrap();
    let unmap = |address| Request::UnmapObject {
        space: Pid(1),
        object: shm,
        address,
    };
    assert_eq!(world.ask(VFS, unmap(first)), Ok(Reply::Count(1)));
    assert_eq!(world.read(1, first + 2 * PAGE), Err(decline::NOT_MAPPED));
    assert_eq!(world.read(1, second), Ok(4));
    assert_eq!(world.ask(VFS, unmap(first)), Err(Errno::EINVAL));
    assert_eq!(world.ask(VFS, unmap(second)), Ok(Reply::Count(0)));
}

#[test]
fn a_read_only_share_cannot_be_made_writable() {
    let mut world = world();
    let file = object(&mut world, PAGE);
    let fixed = world
        .address(VFS, map(1, file, 1, 1, flags::SHARED))
        .unwrap();
    let protect = |address| Request::Protect {
        address,
        bytes: PAGE,
        prot: 3,
    };
    assert_eq!(world.ask(Pid(1), protect(fixed)), Err(Errno::EACCES));
    let open = world
        .address(VFS, map(1, file, 1, 1, flags::SHARED | flags::MAY_WRITE))
        .unwrap();
    assert_eq!(world.ask(Pid(1), protect(open)), Ok(Reply::Done));
    let private = world.address(VFS, map(1, file, 1, 1, 0)).unwrap();
    assert_eq!(world.ask(Pid(1), protect(private)), Ok(Reply::Done));
}

#[test]
fn one_fault_maps_the_neighbours_that_are_there() {
    let mut world = world();
    let program = world.address(VFS, map(1, ARCHIVE, 32, 5, 0)).unwrap();
    let faults = world.mem.memory().faults;
    (0..32).for_each(|page| assert_eq!(world.read(1, program + page * PAGE), Ok(page as u8 + 1)));
    assert_eq!(world.mem.memory().faults - faults, 2);
}

#[test]
fn devices_are_mapped_by_the_root_task() {
    let mut world = world();
    let map = |device| Request::MapDevice {
        space: VFS,
        device,
        bytes: 100,
    };
    let start = world.address(ROOT, map(0x900_0000)).unwrap();
    assert_eq!(world.write(VFS.0, start, 1), Ok(()));
    assert_eq!(world.address(ROOT, map(0x900_0001)), Err(Errno::EINVAL));
    assert_eq!(world.address(ROOT, map(!4095)), Err(Errno::EINVAL));
    assert_eq!(world.address(PROC, map(0x900_0000)), Err(Errno::EPERM));
}

#[test]
fn statistics_tell_what_is_in_objects() {
    let mut world = world();
    let Ok(Reply::Statistics {
        total,
        free,
        kernel,
        objects,
        ..
    }) = world.ask(Pid(1), Request::Statistics)
    else {
        panic!("statistics")
    };
    assert_eq!((total, objects), (300 + 64 + 40, 40));
    assert_eq!(
        kernel,
        3 * 6,
        "three spaces, each with its thread and tables"
    );
    assert_eq!(free, u64::from(world.free()));
}

#[test]
fn only_servers_ask_for_the_peak() {
    let mut world = world();
    let peak =
        |world: &mut World<CopyOnWrite>, sender| world.ask(sender, Request::Peak { restart: true });
    let used = |world: &World<CopyOnWrite>| 300 + 64 + 40 - u64::from(world.free());
    peak(&mut world, ROOT).unwrap();
    let before = used(&world);
    world.create(9).unwrap();
    let most = used(&world);
    assert!(most > before);
    world.ask(PROC, Request::Destroy { space: Pid(9) }).unwrap();
    assert_eq!(peak(&mut world, ROOT), Ok(Reply::Count(most)));
    assert_eq!(peak(&mut world, ROOT), Ok(Reply::Count(before)));
    assert_eq!(peak(&mut world, Pid(1)), Err(Errno::EPERM));
}

#[test]
fn a_server_can_fill_what_it_was_granted_even_when_programs_take_all() {
    let mut world = world();
    let file = object(&mut world, 50 * PAGE);
    let server = world
        .address(VFS, map(0, file, 50, 3, flags::SHARED))
        .unwrap();
    let start = world.map(1, 400).unwrap();
    let taken = (0..400)
        .take_while(|page| world.write(1, start + page * PAGE, 1).is_ok())
        .count();
    assert!(taken > 100);
    (0..50).for_each(|page| world.write(VFS.0, server + page * PAGE, 7).unwrap());
    assert_eq!(
        world.object(VFS, Request::ObjectCreate { bytes: PAGE }),
        Err(Errno::ENOMEM)
    );
    let resize = |bytes| Request::ObjectResize {
        object: file,
        bytes,
    };
    assert_eq!(world.ask(VFS, resize(51 * PAGE)), Err(Errno::ENOMEM));
    world.ask(VFS, resize(10 * PAGE)).unwrap();
    world.ask(VFS, resize(20 * PAGE)).unwrap();
    world
        .ask(VFS, Request::ObjectRelease { object: file })
        .unwrap();
    world.check();
}

#[test]
fn promises_end_with_the_object() {
    let mut world = world();
    let file = object(&mut world, 220 * PAGE);
    assert_eq!(
        world.object(VFS, Request::ObjectCreate { bytes: 220 * PAGE }),
        Err(Errno::ENOMEM)
    );
    world
        .ask(
            VFS,
            Request::ObjectResize {
                object: file,
                bytes: PAGE,
            },
        )
        .unwrap();
    let other = object(&mut world, 220 * PAGE);
    world
        .ask(VFS, Request::ObjectRelease { object: other })
        .unwrap();
    object(&mut world, 220 * PAGE);
}
