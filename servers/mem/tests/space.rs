//! What a program sees of its own memory: heap, mappings, permissions, exec.

mod common;

use abi::message::decline;
use abi::{Errno, layout::MMAP_BASE};
use common::{IMAGE, PAGE, PROC, STACK_TOP, World, image, running};
use mem::policy::CopyOnWrite;
use proto::Pid;
use proto::mem::{Reply, Request, flags};

const HEAP: u64 = IMAGE + 7 * PAGE;

fn world() -> World<CopyOnWrite> {
    running(CopyOnWrite, 200)
}

#[test]
fn an_image_is_where_it_was_asked_for() {
    let mut world = world();
    assert_eq!(world.read(1, IMAGE), Ok(1));
    assert_eq!(world.fetch(1, IMAGE + PAGE), Ok(()));
    assert_eq!(world.read(1, IMAGE + 2 * PAGE), Ok(3));
    assert_eq!(world.read(1, IMAGE + 3 * PAGE + 99), Ok(4));
    assert_eq!(
        world.read(1, IMAGE + 3 * PAGE + 100),
        Ok(0),
        "zero behind the file's bytes"
    );
    assert_eq!(world.read(1, IMAGE + 6 * PAGE), Ok(0));
    assert_eq!(world.read(1, STACK_TOP - 1), Ok(b'b'));
    assert_eq!(world.read(1, STACK_TOP - 3), Ok(0));
    world.check();
}

#[test]
fn a_program_cannot_write_its_text_nor_execute_its_data() {
    let mut world = world();
    assert_eq!(world.write(1, IMAGE, 0), Err(decline::NOT_ALLOWED));
    assert_eq!(world.fetch(1, IMAGE + 2 * PAGE), Err(decline::NOT_ALLOWED));
    assert_eq!(world.read(1, IMAGE - 1), Err(decline::NOT_MAPPED));
    assert_eq!(world.read(1, 0), Err(decline::NOT_MAPPED));
}

#[test]
fn writing_data_leaves_the_file_alone() {
    let mut world = world();
    world.write(1, IMAGE + 2 * PAGE, 77).unwrap();
    world.create(2).unwrap();
    world.exec(2, &image()).unwrap();
    assert_eq!(world.read(2, IMAGE + 2 * PAGE), Ok(3));
}

#[test]
fn the_stack_grows_to_its_limit_and_no_further() {
    let mut world = world();
    assert_eq!(world.write(1, STACK_TOP - 64 * PAGE, 5), Ok(()));
    assert_eq!(
        world.write(1, STACK_TOP - 64 * PAGE - 1, 5),
        Err(decline::NOT_MAPPED)
    );
    let limits = Request::Limits {
        space: Pid(1),
        memory: u64::MAX,
        stack: 8 * PAGE,
        data: u64::MAX,
    };
    world.ask(PROC, limits).unwrap();
    assert_eq!(world.write(1, STACK_TOP - 8 * PAGE, 5), Ok(()));
    assert_eq!(
        world.write(1, STACK_TOP - 9 * PAGE, 5),
        Err(decline::NOT_MAPPED)
    );
}

#[test]
fn the_heap_grows_with_zeros_and_shrinks() {
    let mut world = world();
    assert_eq!(world.brk(1, 0), HEAP);
    assert_eq!(world.brk(1, HEAP + 10), HEAP + 10);
    assert_eq!(world.read(1, HEAP + PAGE - 1), Ok(0));
    assert_eq!(world.read(1, HEAP + PAGE), Err(decline::NOT_MAPPED));
    assert_eq!(world.brk(1, HEAP + 3 * PAGE), HEAP + 3 * PAGE);
    world.write(1, HEAP + 2 * PAGE, 9).unwrap();
    assert_eq!(world.brk(1, HEAP + PAGE), HEAP + PAGE);
    assert_eq!(world.read(1, HEAP + 2 * PAGE), Err(decline::NOT_MAPPED));
    world.brk(1, HEAP + 3 * PAGE);
    assert_eq!(
        world.read(1, HEAP + 2 * PAGE),
        Ok(0),
        "memory that came back is zero"
    );
    assert_eq!(
        world.brk(1, HEAP - 1),
        HEAP + 3 * PAGE,
        "below its start is refused"
    );
    assert_eq!(world.brk(1, u64::MAX), HEAP + 3 * PAGE);
}

#[test]
fn the_data_limit_holds_the_heap() {
    let mut world = world();
    world
        .ask(
            PROC,
            Request::Limits {
                space: Pid(1),
                memory: u64::MAX,
                stack: u64::MAX,
                data: PAGE,
            },
        )
        .unwrap();
    assert_eq!(world.brk(1, HEAP + PAGE), HEAP + PAGE);
    assert_eq!(world.brk(1, HEAP + PAGE + 1), HEAP + PAGE);
}

#[test]
fn mappings_are_zero_take_nothing_untouched_and_return_their_frames() {
    let mut world = world();
    let free = world.free();
    let start = world.map(1, 100).unwrap();
    assert_eq!((start, world.free()), (MMAP_BASE, free));
    world.write(1, start + 50 * PAGE, 1).unwrap();
    assert_eq!(world.read(1, start + 51 * PAGE), Ok(0));
    world.unmap(1, start, 100).unwrap();
    assert_eq!(world.read(1, start), Err(decline::NOT_MAPPED));
    assert_eq!(free - world.free(), 2, "the two page tables stay");
    assert_eq!(world.map(1, 1), Ok(start), "the lowest place is used again");
}

#[test]
fn unmapping_the_middle_leaves_both_ends() {
    let mut world = world();
    let start = world.map(1, 10).unwrap();
    (0..10).for_each(|page| world.write(1, start + page * PAGE, page as u8).unwrap());
    world.unmap(1, start + 3 * PAGE, 4).unwrap();
    for page in 0..10 {
        let expected = if (3..7).contains(&page) {
            Err(decline::NOT_MAPPED)
        } else {
            Ok(page as u8)
        };
        assert_eq!(world.read(1, start + page * PAGE), expected);
    }
    world.check();
}

#[test]
fn permissions_follow_mprotect_page_by_page() {
    let mut world = world();
    let start = world.map(1, 3).unwrap();
    (0..3).for_each(|page| world.write(1, start + page * PAGE, 7).unwrap());
    let protect = |prot| Request::Protect {
        address: start + PAGE,
        bytes: PAGE,
        prot,
    };
    world.ask(Pid(1), protect(1)).unwrap();
    world.check();
    assert_eq!(world.write(1, start + PAGE, 8), Err(decline::NOT_ALLOWED));
    assert_eq!(world.write(1, start + 2 * PAGE, 8), Ok(()));
    world.ask(Pid(1), protect(0)).unwrap();
    assert_eq!(world.read(1, start + PAGE), Err(decline::NOT_ALLOWED));
    world.ask(Pid(1), protect(5)).unwrap();
    assert_eq!(world.fetch(1, start + PAGE), Ok(()));
    world.ask(Pid(1), protect(3)).unwrap();
    assert_eq!(world.read(1, start + PAGE), Ok(7), "the content stays");
    assert_eq!(world.write(1, start + PAGE, 9), Ok(()));
    assert_eq!(world.ask(Pid(1), protect(8)), Err(Errno::EINVAL));
    let hole = Request::Protect {
        address: start + 2 * PAGE,
        bytes: 2 * PAGE,
        prot: 1,
    };
    assert_eq!(world.ask(Pid(1), hole), Err(Errno::ENOMEM));
}

#[test]
fn fixed_mappings_replace_or_refuse() {
    let mut world = world();
    let start = world.map(1, 4).unwrap();
    world.write(1, start + PAGE, 1).unwrap();
    let map = |address, flags| Request::Map {
        address,
        bytes: PAGE,
        prot: 3,
        flags,
    };
    assert_eq!(
        world.address(Pid(1), map(start + PAGE, flags::FIXED_NOREPLACE)),
        Err(Errno::EEXIST)
    );
    assert_eq!(world.read(1, start + PAGE), Ok(1));
    assert_eq!(
        world.address(Pid(1), map(start + PAGE, flags::FIXED)),
        Ok(start + PAGE)
    );
    assert_eq!(world.read(1, start + PAGE), Ok(0));
    assert_eq!(
        world.address(Pid(1), map(0, flags::FIXED)),
        Err(Errno::EPERM)
    );
    assert_eq!(
        world.address(Pid(1), map(start + 1, flags::FIXED)),
        Err(Errno::EINVAL)
    );
    assert_eq!(
        world.address(Pid(1), map(u64::MAX - 4095, flags::FIXED)),
        Err(Errno::ENOMEM)
    );
    assert_eq!(
        world.address(Pid(1), map(0x5000_0123, 0)),
        Ok(0x5000_0000),
        "a hint is taken where free"
    );
    assert_eq!(world.address(Pid(1), map(0, 1 << 20)), Err(Errno::EINVAL));
}

#[test]
fn absurd_lengths_are_refused_and_reservations_are_not() {
    let mut world = world();
    let map = |bytes, prot| Request::Map {
        address: 0,
        bytes,
        prot,
        flags: 0,
    };
    assert_eq!(world.address(Pid(1), map(0, 3)), Err(Errno::EINVAL));
    assert_eq!(world.address(Pid(1), map(u64::MAX, 3)), Err(Errno::ENOMEM));
    assert_eq!(world.address(Pid(1), map(1 << 30, 3)), Err(Errno::ENOMEM));
    assert!(world.address(Pid(1), map(1 << 30, 0)).is_ok());
    world
        .ask(
            PROC,
            Request::Limits {
                space: Pid(1),
                memory: 1 << 31,
                stack: u64::MAX,
                data: u64::MAX,
            },
        )
        .unwrap();
    assert_eq!(world.address(Pid(1), map(1 << 30, 0)), Err(Errno::ENOMEM));
}

#[test]
fn remap_grows_shrinks_and_moves_with_the_content() {
    let mut world = world();
    let start = world.map(1, 2).unwrap();
    world.write(1, start + PAGE, 42).unwrap();
    let remap = |address, old, new, flags| Request::Remap {
        address,
        old_bytes: old * PAGE,
        new_bytes: new * PAGE,
        flags,
    };
    assert_eq!(world.address(Pid(1), remap(start, 2, 4, 0)), Ok(start));
    assert_eq!(world.address(Pid(1), remap(start, 4, 2, 0)), Ok(start));
    world
        .address(
            Pid(1),
            Request::Map {
                address: start + 2 * PAGE,
                bytes: PAGE,
                prot: 1,
                flags: 0,
            },
        )
        .unwrap();
    assert_eq!(
        world.address(Pid(1), remap(start, 2, 4, 0)),
        Err(Errno::ENOMEM)
    );
    let moved = world.address(Pid(1), remap(start, 2, 4, 1)).unwrap();
    assert_ne!(moved, start);
    assert_eq!(world.read(1, moved + PAGE), Ok(42));
    assert_eq!(world.read(1, moved + 3 * PAGE), Ok(0));
    assert_eq!(world.read(1, start), Err(decline::NOT_MAPPED));
    world.check();
}

#[test]
fn dont_need_gives_zeros_again() {
    let mut world = world();
    let start = world.map(1, 2).unwrap();
    world.write(1, start, 42).unwrap();
    let advise = |advice| Request::Advise {
        address: start,
        bytes: PAGE,
        advice,
    };
    world.ask(Pid(1), advise(4)).unwrap();
    assert_eq!(world.read(1, start), Ok(0));
    assert_eq!(world.ask(Pid(1), advise(3)), Ok(Reply::Done));
    assert_eq!(world.ask(Pid(1), advise(5)), Err(Errno::EINVAL));
}

#[test]
fn touch_does_what_an_access_would() {
    let mut world = world();
    let start = world.map(1, 2).unwrap();
    let touch = |address, bytes, write| Request::Touch {
        address,
        bytes,
        write,
    };
    assert_eq!(
        world.ask(Pid(1), touch(start + 5, PAGE, true)),
        Ok(Reply::Done)
    );
    assert_eq!(
        world.ask(Pid(1), touch(start, 3 * PAGE, false)),
        Err(Errno::EFAULT)
    );
    assert_eq!(world.ask(Pid(1), touch(IMAGE, 1, true)), Err(Errno::EFAULT));
    assert_eq!(world.ask(Pid(1), touch(IMAGE, 1, false)), Ok(Reply::Done));
    assert_eq!(
        world.ask(Pid(1), touch(u64::MAX, 2, false)),
        Err(Errno::EFAULT)
    );
}

#[test]
fn a_refused_image_changes_nothing() {
    let mut world = world();
    world.write(1, IMAGE + 2 * PAGE, 55).unwrap();
    let free = world.free();
    let bad: [fn(&mut proto::mem::Image); 10] = [
        |image| image.segments[0].prot = 8,
        |image| image.segments[0].address += 8,
        |image| image.segments[1].address = IMAGE + PAGE,
        |image| image.segments[1].file_bytes = u64::MAX,
        |image| image.segments[1].bytes = u64::MAX - IMAGE,
        |image| image.segments[0].object = proto::mem::ObjectId(99),
        |image| image.segments[0].offset = 1 << 30,
        |image| image.stack_top += 1,
        |image| image.stack_bytes = u64::MAX,
        |image| image.heap = u64::MAX,
    ];
    for change in bad {
        let mut image = image();
        change(&mut image);
        assert_eq!(world.exec(1, &image), Err(Errno::ENOEXEC));
    }
    let mut large = image();
    large.stack = vec![1; 65 * PAGE as usize];
    assert_eq!(world.exec(1, &large), Err(Errno::ENOMEM));
    assert_eq!(world.read(1, IMAGE + 2 * PAGE), Ok(55));
    assert_eq!(world.free(), free);
}

#[test]
fn a_small_program_starts_without_a_fault() {
    let mut world = world();
    let faults = world.mem.memory().faults;
    world.fetch(1, IMAGE).unwrap();
    world.fetch(1, IMAGE + PAGE).unwrap();
    world.write(1, IMAGE + 2 * PAGE, 1).unwrap();
    world.write(1, IMAGE + 3 * PAGE, 1).unwrap();
    world.write(1, IMAGE + 4 * PAGE, 1).unwrap();
    world.write(1, STACK_TOP - 1, 1).unwrap();
    assert_eq!(world.mem.memory().faults, faults);
}

#[test]
fn programs_can_ask_only_about_themselves() {
    let mut world = world();
    world.create(2).unwrap();
    for request in [
        Request::Fork {
            parent: Pid(1),
            child: Pid(3),
        },
        Request::Create {
            space: Pid(3),
            priority: 1,
        },
        Request::Exec { space: Pid(1) },
        Request::Destroy { space: Pid(1) },
        Request::AddThread {
            space: Pid(1),
            priority: 1,
            tid: 9,
        },
        Request::RemoveThread {
            space: Pid(1),
            frame: 1,
        },
        Request::Limits {
            space: Pid(1),
            memory: 0,
            stack: 0,
            data: 0,
        },
        Request::MapDevice {
            space: Pid(1),
            device: 0,
            bytes: 1,
        },
        Request::HandleSlots {
            space: Pid(1),
            slots: 1,
        },
        Request::ObjectCreate { bytes: 1 },
        Request::ObjectRelease {
            object: mem::object::ARCHIVE,
        },
        Request::Peek {
            space: Pid(2),
            address: 0,
        },
        Request::Poke {
            space: Pid(2),
            address: 0,
        },
        Request::Usage { space: Pid(2) },
        Request::Regions {
            space: Pid(2),
            skip: 0,
        },
    ] {
        assert_eq!(world.ask(Pid(1), request), Err(Errno::EPERM), "{request:?}");
    }
    assert!(matches!(
        world.ask(Pid(1), Request::Usage { space: Pid(0) }),
        Ok(Reply::Usage { size: 8, .. })
    ));
}

#[test]
fn peek_and_poke_go_through_to_the_program() {
    let mut world = world();
    world.leases.0[0] = vec![5; 10];
    let address = IMAGE + 4 * PAGE - 5;
    assert_eq!(
        world.ask(
            PROC,
            Request::Poke {
                space: Pid(1),
                address
            }
        ),
        Ok(Reply::Count(10))
    );
    assert_eq!(world.read(1, address + 9), Ok(5));
    world.leases.0[0] = vec![0; 11];
    assert_eq!(
        world.ask(
            PROC,
            Request::Peek {
                space: Pid(1),
                address
            }
        ),
        Ok(Reply::Count(11))
    );
    assert_eq!(world.leases.0[0], [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0]);
    assert_eq!(
        world.ask(
            PROC,
            Request::Peek {
                space: Pid(1),
                address: 0
            }
        ),
        Err(Errno::EFAULT)
    );
    assert_eq!(
        world.ask(
            PROC,
            Request::Poke {
                space: Pid(1),
                address: IMAGE
            }
        ),
        Err(Errno::EFAULT)
    );
}

#[test]
fn regions_are_listed_by_address() {
    let mut world = world();
    world.brk(1, HEAP + 1);
    world.leases.0[0] = vec![0; 400];
    assert_eq!(
        world.ask(
            Pid(1),
            Request::Regions {
                space: Pid(0),
                skip: 0
            }
        ),
        Ok(Reply::Count(5))
    );
    let bytes = world.leases.0[0].clone();
    let (mut rest, mut kinds) = (&bytes[..], vec![]);
    for _ in 0..5 {
        let (region, behind) = postcard::take_from_bytes::<proto::mem::Region>(rest).unwrap();
        kinds.push((region.start, region.kind, region.object.is_some()));
        rest = behind;
    }
    // Of the stack only what is used.
    let stack = STACK_TOP - PAGE;
    let at = |page| IMAGE + page * PAGE;
    let expected = [
        (at(0), 0, true),
        (at(2), 0, true),
        (at(4), 0, false),
        (HEAP, b'h', false),
        (stack, b's', false),
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn the_number_of_regions_is_limited() {
    let mut world = running(CopyOnWrite, 200);
    let start = world
        .address(
            Pid(1),
            Request::Map {
                address: 0,
                bytes: 9000 * PAGE,
                prot: 0,
                flags: 0,
            },
        )
        .unwrap();
    let protect = |page| Request::Protect {
        address: start + page * PAGE,
        bytes: PAGE,
        prot: 1,
    };
    let done = (0..4500)
        .take_while(|page| world.ask(Pid(1), protect(2 * page + 1)).is_ok())
        .count();
    assert!((2000..2100).contains(&done), "{done}");
    assert_eq!(world.ask(Pid(1), protect(8999)), Err(Errno::ENOMEM));
    assert_eq!(world.unmap(1, start, 1), Err(Errno::ENOMEM));
    world.destroy(1).unwrap();
}

#[test]
fn touching_in_a_row_takes_few_faults_and_at_most_twice_the_memory() {
    let mut world = running(CopyOnWrite, 3000);
    let start = world.map(1, 100).unwrap();
    let (free, faults) = (world.free(), world.mem.memory().faults);
    world.write(1, start + 50 * PAGE, 1).unwrap();
    assert_eq!(free - world.free(), 3, "one page and two tables");
    (0..16).for_each(|page| world.write(1, start + page * PAGE, 1).unwrap());
    assert_eq!(world.mem.memory().faults - faults, 6);
    (0..23)
        .for_each(|page| assert_eq!(world.read(1, start + page * PAGE), Ok(u8::from(page < 16))));
    assert!(free - world.free() <= 3 + 32);
    world.check();
}
