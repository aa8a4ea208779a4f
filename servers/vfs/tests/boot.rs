//! The boot archive, programs, mapped files, devices.

mod common;

use abi::Errno;
use common::*;
use proto::mem::ObjectId;
use proto::server_id;
use proto::vfs::{AT_FDCWD, Reply, Request};
use vfs::linux::*;
use vfs::ports::Tracing;

#[test]
fn the_archive_is_the_root_file_system() {
    let mut machine = Machine::boot(&archive()).unwrap();
    assert_eq!(
        machine.content(INIT, "/etc/motd"),
        Ok(b"welcome\n".to_vec())
    );
    assert_eq!(machine.content(INIT, "/bin/ash"), Ok(vec![b's'; 5000]));
    assert_eq!(
        machine.stat(INIT, "/tmp", 0).unwrap().mode(),
        S_IFDIR | 0o1777
    );
    assert_eq!(
        machine.stat(INIT, "/bin/sh", 0).unwrap().mode(),
        S_IFREG | 0o755
    );
    assert!(
        machine.stat(INIT, "/dev/null", 0).is_ok(),
        "the devices are there"
    );
}

#[test]
fn a_damaged_archive_is_named_and_not_a_panic() {
    let whole = archive();
    assert!(Machine::boot(b"").is_err());
    for cut in (0..whole.len() - 16).step_by(37) {
        assert!(Machine::boot(&whole[..cut]).is_err(), "{cut}");
    }
    for at in (0..whole.len()).step_by(11) {
        let mut damaged = whole.clone();
        damaged[at] = 0xff;
        let _ = Machine::boot(&damaged);
    }
    assert_eq!(
        Machine::boot(&[b'x'; 200]).err().unwrap(),
        "boot archive: an entry does not start with 070701 at byte 0"
    );
}

#[test]
fn files_of_the_archive_are_copied_when_they_are_written() {
    let mut machine = Machine::boot(&archive()).unwrap();
    let fd = machine.open(INIT, "/bin/sh", O_RDWR).unwrap();
    machine.write(INIT, fd, b"new").unwrap();
    let content = machine.content(INIT, "/bin/sh").unwrap();
    assert_eq!((&content[..4], content.len()), (b"news".as_slice(), 5000));
    assert_eq!(
        machine.ports.memory.objects[&1],
        archive(),
        "the archive itself is not touched"
    );
}

fn open_program(machine: &mut Machine, path: &str) -> Result1 {
    let request = Request::OpenProgram { process: INIT };
    machine
        .ask(server_id::PROC, request, [path.as_bytes(), &[0; 64]])
        .0
}

#[test]
fn programs_are_pages_of_an_object() {
    let mut machine = Machine::boot(&archive()).unwrap();
    match open_program(&mut machine, "/bin/ash") {
        Ok(Reply::Program {
            object,
            offset,
            bytes,
            set_uid,
            header_bytes,
            ..
        }) => {
            assert_eq!((object, offset % 4096, bytes), (ObjectId(1), 0, 5000));
            assert_eq!((set_uid, header_bytes), (u32::MAX, 64));
        }
        other => panic!("{other:?}"),
    }
    machine.create(INIT, "/script", b"#!/bin/sh\n");
    assert_eq!(
        open_program(&mut machine, "/script"),
        Err(Errno::EACCES),
        "not even root"
    );
    let chmod = Request::ChangeMode {
        directory: AT_FDCWD,
        mode: 0o6755,
        flags: 0,
    };
    machine.path(INIT, chmod, "/script").unwrap();
    match open_program(&mut machine, "/script") {
        Ok(Reply::Program {
            object,
            offset,
            bytes,
            set_uid,
            set_gid,
            ..
        }) => {
            assert_eq!((offset, bytes, set_uid, set_gid), (0, 10, 0, 0));
            assert_eq!(
                &machine.ports.memory.objects[&object.0][..11],
                b"#!/bin/sh\n\0"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        machine.content(INIT, "/script"),
        Ok(b"#!/bin/sh\n".to_vec())
    );
    assert_eq!(open_program(&mut machine, "/bin"), Err(Errno::EACCES));
    assert_eq!(open_program(&mut machine, "/no"), Err(Errno::ENOENT));
    assert_eq!(open_program(&mut machine, ""), Err(Errno::ENOENT));
}

#[test]
fn a_mapped_file_is_its_own_object() {
    let mut machine = Machine::boot(&archive()).unwrap();
    let map = |fd, prot, flags| Request::MapFile {
        fd,
        address: 0,
        bytes: 4096,
        prot,
        flags,
        offset: 0,
    };
    let fd = machine.open(INIT, "/bin/sh", O_RDONLY).unwrap();
    assert_eq!(
        machine.ask(INIT, map(fd, 1, MAP_PRIVATE), [b"", b""]).0,
        Ok(Reply::Count(0x4000_0000))
    );
    let (_, object, _) = machine.ports.memory.mapped[0];
    assert_ne!(
        object,
        ObjectId(1),
        "what is behind the file's end stays hidden"
    );
    assert_eq!(
        machine.ask(INIT, map(fd, 3, MAP_SHARED), [b"", b""]).0,
        Err(Errno::EACCES)
    );
    assert_eq!(
        machine.ask(INIT, map(fd, 1, 0), [b"", b""]).0,
        Err(Errno::EINVAL)
    );
    let fd = machine.open(INIT, "/bin/sh", O_RDWR).unwrap();
    machine
        .ask(INIT, map(fd, 3, MAP_SHARED), [b"", b""])
        .0
        .unwrap();
    let (_, object, wish) = machine.ports.memory.mapped[1];
    assert_ne!(wish.flags & proto::mem::flags::MAY_WRITE, 0);
    machine.write(INIT, fd, b"seen").unwrap();
    assert_eq!(
        &machine.ports.memory.objects[&object.0][..4],
        b"seen",
        "write and mmap share the frames"
    );
    let null = machine.open(INIT, "/dev/null", O_RDWR).unwrap();
    assert_eq!(
        machine.ask(INIT, map(null, 1, MAP_PRIVATE), [b"", b""]).0,
        Err(Errno::ENODEV)
    );
}

#[test]
fn the_trace_device_gives_whole_records_and_takes_who_is_traced() {
    let mut machine = Machine::new();
    machine
        .ports
        .system
        .table
        .get_mut(&INIT)
        .unwrap()
        .thread_frame = 55;
    let trace = machine.open(INIT, "/dev/trace", O_RDWR).unwrap();
    for (text, who) in [
        (&b"on"[..], Tracing::Thread(55)),
        (b"on 1\n", Tracing::Thread(55)),
        (b"all", Tracing::All),
        (b"off", Tracing::Off),
    ] {
        assert_eq!(machine.write(INIT, trace, text), Ok(text.len() as u64));
        assert_eq!(machine.ports.system.tracing.pop(), Some(who));
    }
    assert_eq!(machine.write(INIT, trace, b"on 77"), Err(Errno::ESRCH));
    assert_eq!(machine.write(INIT, trace, b"on x"), Err(Errno::EINVAL));
    assert_eq!(machine.write(INIT, trace, &[b' '; 40]), Err(Errno::EINVAL));
    machine.ports.system.trace = vec![7; 3 * 128];
    assert_eq!(machine.read(INIT, trace, 300), Ok(vec![7; 256]));
    assert_eq!(machine.read(INIT, trace, 300), Ok(vec![7; 128]));
    assert_eq!(machine.read(INIT, trace, 300), Ok(vec![]));
    let user = machine.child(2, 100, 100);
    assert_eq!(
        machine.open(user, "/dev/trace", O_RDONLY),
        Err(Errno::EACCES)
    );
}

#[test]
fn tracing_belongs_to_the_open_file_that_began_it_and_ends_with_it() {
    let mut machine = Machine::new();
    let trace = machine.open(INIT, "/dev/trace", O_RDWR).unwrap();
    let other = machine.open(INIT, "/dev/trace", O_RDWR).unwrap();
    assert_eq!(machine.write(INIT, trace, b"all"), Ok(3));
    assert_eq!(machine.write(INIT, other, b"all"), Err(Errno::EBUSY));
    assert_eq!(machine.read(INIT, other, 128), Err(Errno::EBUSY));
    assert_eq!(machine.read(INIT, trace, 128), Ok(vec![]));
    let child = machine.child(2, 0, 0);
    machine.close(INIT, trace).unwrap();
    assert_eq!(
        machine.ports.system.tracing,
        [Tracing::All],
        "the child still has the file"
    );
    machine.proc(Request::Exit { process: child }).unwrap();
    assert_eq!(machine.ports.system.tracing, [Tracing::All, Tracing::Off]);
    assert_eq!(machine.write(INIT, other, b"all"), Ok(3));
    assert_eq!(machine.write(INIT, other, b"off"), Ok(3));
    machine.close(INIT, other).unwrap();
    assert_eq!(machine.ports.system.tracing.len(), 4, "it was off already");
    let writer = machine.open(INIT, "/dev/trace", O_WRONLY).unwrap();
    assert_eq!(machine.write(INIT, writer, b"all"), Ok(3));
    machine.close(INIT, writer).unwrap();
    assert_eq!(
        machine.ports.system.tracing.len(),
        5,
        "`echo all` stays in force"
    );
}

#[test]
fn devices_do_what_their_names_say() {
    let mut machine = Machine::new();
    let mut open = |name: &str| machine.open(INIT, &format!("/dev/{name}"), O_RDWR).unwrap();
    let (null, zero, full, random) = (open("null"), open("zero"), open("full"), open("urandom"));
    assert_eq!(machine.read(INIT, null, 10), Ok(vec![]));
    assert_eq!(machine.write(INIT, null, b"gone"), Ok(4));
    assert_eq!(machine.read(INIT, zero, 10_000), Ok(vec![0; 10_000]));
    assert_eq!(machine.write(INIT, full, b"x"), Err(Errno::ENOSPC));
    let (one, two) = (
        machine.read(INIT, random, 600).unwrap(),
        machine.read(INIT, random, 600).unwrap(),
    );
    assert!(one != two && one.len() == 600);
    assert!((100..156).contains(&(one.iter().map(|&byte| u32::from(byte)).sum::<u32>() / 600)));
    let device = Request::MakeNode {
        directory: AT_FDCWD,
        mode: S_IFCHR | 0o666,
        device: 0x999,
    };
    let user = machine.child(2, 100, 100);
    assert_eq!(machine.path(user, device, "/dev/shm/x"), Err(Errno::EPERM));
    machine.path(INIT, device, "/dev/shm/x").unwrap();
    assert_eq!(
        machine.open(INIT, "/dev/shm/x", O_RDONLY),
        Err(Errno::ENXIO)
    );
}
