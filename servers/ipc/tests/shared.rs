//! Shared memory as programs see it.

mod common;

use abi::Errno;
use common::*;
use proto::{
    Pid,
    ipc::{Reply, Request},
};

const RDONLY: u32 = 0o10000;
const RND: u32 = 0o20000;
const REMAP: u32 = 0o40000;
const EXEC: u32 = 0o100000;
const RMID: u32 = 0;
const STAT: u32 = 2;

fn segment(system: &mut System, bytes: u64) -> i32 {
    system
        .number(
            1,
            Request::SharedGet {
                key: 7,
                bytes,
                flags: CREAT | 0o640,
            },
        )
        .unwrap()
}

fn attach(system: &mut System, pid: u32, id: i32, address: u64, flags: u32) -> Result<u64> {
    match system.ask(pid, Request::SharedAttach { id, address, flags }, vec![])? {
        Reply::Address(address) => Ok(address),
        other => panic!("{other:?}"),
    }
}

fn detach(system: &mut System, pid: u32, address: u64) -> Result<Reply> {
    system.ask(pid, Request::SharedDetach { address }, vec![])
}

fn control(system: &mut System, id: i32, command: u32) -> Result<i32> {
    system.number(1, Request::SharedControl { id, command })
}

/// Mode and attachments.
fn status(system: &mut System, id: i32) -> Result<(u32, u64)> {
    let (_, bytes) = system.ask_for(1, Request::SharedControl { id, command: STAT }, 112)?;
    let mode = u32::from_le_bytes(bytes[20..24].try_into().unwrap());
    Ok((mode, u64::from_le_bytes(bytes[88..96].try_into().unwrap())))
}

#[test]
fn processes_map_the_same_object() {
    let mut system = System::new();
    let id = segment(&mut system, 5000);
    attach(&mut system, 1, id, 0, 0).unwrap();
    attach(&mut system, 2, id, 0, RDONLY).unwrap();
    let mappings = &system.world.mappings;
    assert_eq!(mappings[0].object, mappings[1].object);
    assert_eq!(
        (mappings[0].space, mappings[0].prot, mappings[0].bytes),
        (Pid(1), 3, 8192)
    );
    assert_eq!((mappings[1].space, mappings[1].prot), (Pid(2), 1));
    assert_eq!(status(&mut system, id), Ok((0o640, 2)));
}

#[test]
fn a_removed_segment_lives_until_its_last_detach() {
    let mut system = System::new();
    let id = segment(&mut system, 4096);
    let first = attach(&mut system, 1, id, 0, 0).unwrap();
    let second = attach(&mut system, 2, id, 0, 0).unwrap();
    assert_eq!(control(&mut system, id, RMID), Ok(0));
    assert_eq!(status(&mut system, id), Ok((0o1640, 2)));
    let get = Request::SharedGet {
        key: 7,
        bytes: 0,
        flags: 0,
    };
    assert_eq!(
        system.number(1, get),
        errno(Errno::ENOENT),
        "its key is free"
    );
    assert_eq!(detach(&mut system, 1, first), Ok(Reply::Done));
    assert_eq!(system.world.objects.len(), 1);
    assert_eq!(detach(&mut system, 2, second), Ok(Reply::Done));
    assert_eq!(system.world.objects.len(), 0);
    assert_eq!(status(&mut system, id), errno(Errno::EINVAL));
}

#[test]
fn an_unattached_segment_goes_at_once() {
    let mut system = System::new();
    let id = segment(&mut system, 4096);
    assert_eq!(control(&mut system, id, RMID), Ok(0));
    assert_eq!(system.world.objects.len(), 0);
    assert_eq!(attach(&mut system, 1, id, 0, 0), errno(Errno::EINVAL));
}

#[test]
fn fork_inherits_attachments_and_exit_and_exec_end_them() {
    let mut system = System::new();
    let id = segment(&mut system, 4096);
    let address = attach(&mut system, 1, id, 0, 0).unwrap();
    system.fork(1, 2);
    system.fork(1, 3);
    assert_eq!(status(&mut system, id), Ok((0o640, 3)));
    assert!(system.ipc.has_state(Pid(2)));
    assert_eq!(system.world.noted, [1, 2, 3].into());
    control(&mut system, id, RMID).unwrap();
    assert_eq!(detach(&mut system, 2, address), Ok(Reply::Done));
    system.exit(3, true);
    assert!(!system.ipc.has_state(Pid(3)));
    assert_eq!(status(&mut system, id), Ok((0o1640, 1)));
    system.exit(1, false);
    assert_eq!(system.world.objects.len(), 0);
    assert_eq!(system.world.noted, [2, 3].into());
}

#[test]
fn a_process_that_is_gone_attaches_nothing_and_is_not_noted() {
    let mut system = System::new();
    let id = segment(&mut system, 4096);
    system.world.deaf = true;
    let request = Request::SharedAttach {
        id,
        address: 0,
        flags: 0,
    };
    let token = system.send(1, request, Vec::new());
    assert_eq!(system.answer(token), None);
    assert!(!system.ipc.has_state(Pid(1)));
    assert_eq!(system.world.noted.len(), 0);
    assert_eq!(system.world.mappings.len(), 0);
}

#[test]
fn the_address_is_a_wish_a_rule_or_an_error() {
    let mut system = System::new();
    let id = segment(&mut system, 8192);
    assert_eq!(attach(&mut system, 1, id, 0x5123, 0), errno(Errno::EINVAL));
    assert_eq!(attach(&mut system, 1, id, 0x123, RND), errno(Errno::EINVAL));
    assert_eq!(attach(&mut system, 1, id, 0x5123, RND), Ok(0x5000));
    assert_eq!(
        attach(&mut system, 1, id, 0x6000, 0),
        errno(Errno::EINVAL),
        "something is there"
    );
    assert_eq!(attach(&mut system, 1, id, 0, REMAP), errno(Errno::EINVAL));
    assert_eq!(attach(&mut system, 1, id, 0x5000, REMAP), Ok(0x5000));
    assert_eq!(
        status(&mut system, id),
        Ok((0o640, 1)),
        "the replaced attachment is forgotten"
    );
    assert_eq!(detach(&mut system, 1, 0x5001), errno(Errno::EINVAL));
    assert_eq!(detach(&mut system, 2, 0x5000), errno(Errno::EINVAL));
    assert_eq!(detach(&mut system, 1, 0x5000), Ok(Reply::Done));
    assert_eq!(detach(&mut system, 1, 0x5000), errno(Errno::EINVAL));
}

#[test]
fn what_was_unmapped_behind_our_back_is_noticed() {
    let mut system = System::new();
    let id = segment(&mut system, 4096);
    attach(&mut system, 1, id, 0, 0).unwrap();
    system.world.mappings.clear();
    assert_eq!(status(&mut system, id), Ok((0o640, 0)));
    let address = attach(&mut system, 1, id, 0, 0).unwrap();
    system.world.mappings.clear();
    assert_eq!(detach(&mut system, 1, address), errno(Errno::EINVAL));
    assert_eq!(control(&mut system, id, RMID), Ok(0));
    assert_eq!(system.world.objects.len(), 0);
}

#[test]
fn permissions_are_checked() {
    let mut system = System::new();
    let id = segment(&mut system, 4096);
    assert_eq!(
        attach(&mut system, 100, id, 0, RDONLY),
        errno(Errno::EACCES)
    );
    system.world.processes.get_mut(&100).unwrap().gid = [1000; 3];
    assert!(
        attach(&mut system, 100, id, 0, RDONLY).is_ok(),
        "the group may read"
    );
    assert_eq!(attach(&mut system, 100, id, 0, 0), errno(Errno::EACCES));
    assert_eq!(attach(&mut system, 1, id, 0, EXEC), errno(Errno::EACCES));
    for command in [RMID, 11, 12] {
        let request = Request::SharedControl { id, command };
        assert_eq!(system.ask(100, request, vec![]), errno(Errno::EPERM));
    }
    let set = Request::SharedControl { id, command: 1 };
    assert_eq!(system.ask(100, set, vec![0; 48]), errno(Errno::EPERM));
    let mut owner = vec![0; 48];
    owner[4..8].copy_from_slice(&2000u32.to_le_bytes());
    owner[20..24].copy_from_slice(&0o600u32.to_le_bytes());
    assert_eq!(system.ask(1, set, owner), Ok(Reply::Value(0)));
    assert!(
        attach(&mut system, 100, id, 0, 0).is_ok(),
        "it is the new owner"
    );
}

#[test]
fn sizes_are_checked() {
    let mut system = System::new();
    let get = |key, bytes, flags| Request::SharedGet { key, bytes, flags };
    assert_eq!(system.number(1, get(0, 0, 0)), errno(Errno::EINVAL));
    assert_eq!(system.number(1, get(0, u64::MAX, 0)), errno(Errno::EINVAL));
    assert_eq!(system.number(1, get(0, 1 << 37, 0)), errno(Errno::ENOMEM));
    let id = segment(&mut system, 5000);
    assert_eq!(system.number(1, get(7, 5001, 0)), errno(Errno::EINVAL));
    assert_eq!(system.number(1, get(7, 0, 0)), Ok(id));
    assert_eq!(
        system.number(1, get(7, 1, CREAT | EXCL)),
        errno(Errno::EEXIST)
    );
    assert_eq!(
        system.number(1, get(0, 4096, 0o4000)),
        errno(Errno::EINVAL),
        "no huge pages"
    );
}

#[test]
fn locking_only_shows() {
    let mut system = System::new();
    let id = segment(&mut system, 4096);
    control(&mut system, id, 11).unwrap();
    assert_eq!(status(&mut system, id), Ok((0o2640, 0)));
    control(&mut system, id, 12).unwrap();
    assert_eq!(status(&mut system, id), Ok((0o640, 0)));
    assert_eq!(control(&mut system, id, 99), errno(Errno::EINVAL));
}

#[test]
fn only_servers_tell_of_forks_and_ends() {
    let mut system = System::new();
    let exit = Request::Exit {
        process: Pid(1),
        exec: false,
    };
    assert_eq!(system.ask(1, exit, vec![]), errno(Errno::EPERM));
    let fork = Request::Fork {
        parent: Pid(1),
        child: Pid(2),
    };
    assert_eq!(system.ask(200, fork, vec![]), errno(Errno::EPERM));
}

#[test]
fn status_has_linuxs_layout() {
    let mut system = System::new();
    let other = segment(&mut system, 1);
    control(&mut system, other, RMID).unwrap();
    system.world.now_ns = 1_000_000_000;
    let id = segment(&mut system, 5000);
    system.world.now_ns = 2_000_000_000;
    let address = attach(&mut system, 2, id, 0, 0).unwrap();
    attach(&mut system, 1, id, 0, 0).unwrap();
    system.world.now_ns = 3_000_000_000;
    detach(&mut system, 2, address).unwrap();
    let mut expected = Vec::new();
    for word in [7u32, 1000, 1000, 1000, 1000, 0o640, 1, 0, 0, 0, 0, 0] {
        expected.extend(word.to_le_bytes());
    }
    for long in [5000u64, 1_000_002, 1_000_003, 1_000_001] {
        expected.extend(long.to_le_bytes());
    }
    for word in [1u32, 2, 1, 0, 0, 0, 0, 0] {
        expected.extend(word.to_le_bytes());
    }
    let (_, bytes) = system
        .ask_for(1, Request::SharedControl { id, command: STAT }, 112)
        .unwrap();
    assert_eq!(bytes, expected);
    let (reply, bytes) = system
        .ask_for(1, Request::SharedControl { id: 0, command: 13 }, 112)
        .unwrap();
    assert_eq!((reply, bytes), (Reply::Value(id), expected));
    let mut longs = |command, bytes| {
        let (_, bytes) = system
            .ask_for(1, Request::SharedControl { id: 0, command }, bytes)
            .unwrap();
        bytes
            .chunks(8)
            .map(|long| u64::from_le_bytes(long.try_into().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(longs(3, 72), [1 << 38, 1, 4096, 4096, 1 << 26, 0, 0, 0, 0]);
    assert_eq!(longs(14, 48), [1, 2, 0, 0, 0, 0]);
}
