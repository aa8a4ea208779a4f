//! Listings: complete, however small the buffer and whatever changes meanwhile.

mod common;

use abi::Errno;
use common::*;
use proto::vfs::{AT_FDCWD, Request};
use std::collections::BTreeSet;
use vfs::linux::*;

fn list_all(machine: &mut Machine, path: &str, room: usize) -> Vec<String> {
    let fd = machine.open(INIT, path, O_RDONLY | O_DIRECTORY).unwrap();
    let mut all = Vec::new();
    loop {
        let names = machine.list(INIT, fd, room).unwrap();
        if names.is_empty() {
            machine.close(INIT, fd).unwrap();
            return all;
        }
        all.extend(names);
    }
}

#[test]
fn every_entry_comes_once_with_any_buffer() {
    let mut machine = Machine::new();
    machine
        .path(
            INIT,
            Request::MakeDirectory {
                directory: AT_FDCWD,
                mode: 0o755,
            },
            "/d",
        )
        .unwrap();
    let names: BTreeSet<String> = (0..200)
        .map(|number| format!("{number}{}", "x".repeat(number % 60)))
        .collect();
    for name in &names {
        machine.create(INIT, &format!("/d/{name}"), b"");
    }
    for room in [104, 200, 1024, 1500, 4096, 32768] {
        let listed = list_all(&mut machine, "/d", room);
        assert_eq!(listed.len(), 202, "{room}");
        assert_eq!(listed[..2], [".", ".."]);
        assert_eq!(
            listed[2..].iter().cloned().collect::<BTreeSet<_>>(),
            names,
            "{room}"
        );
    }
    let fd = machine.open(INIT, "/d", O_RDONLY).unwrap();
    assert_eq!(machine.list(INIT, fd, 20), Err(Errno::EINVAL));
    let file = machine.open(INIT, "/dev/null", O_RDONLY).unwrap();
    assert_eq!(machine.list(INIT, file, 200), Err(Errno::ENOTDIR));
}

#[test]
fn entries_that_stay_are_seen_once_while_others_come_and_go() {
    let mut machine = Machine::new();
    for number in 0..100 {
        machine.create(INIT, &format!("/dev/shm/{number}"), b"");
    }
    let fd = machine.open(INIT, "/dev/shm", O_RDONLY).unwrap();
    let mut seen = Vec::new();
    for round in 0.. {
        let names = machine.list(INIT, fd, 100).unwrap();
        if names.is_empty() {
            break;
        }
        seen.extend(names);
        if round < 40 {
            let gone = format!("/dev/shm/{}", round * 2);
            machine
                .path(
                    INIT,
                    Request::Unlink {
                        directory: AT_FDCWD,
                        flags: 0,
                    },
                    &gone,
                )
                .unwrap();
            machine.create(INIT, &format!("/dev/shm/new{round}"), b"");
        }
    }
    for number in (1..100).step_by(2) {
        let times = seen
            .iter()
            .filter(|name| **name == number.to_string())
            .count();
        assert_eq!(times, 1, "{number}");
    }
}

#[test]
fn a_listing_into_absent_memory_starts_again() {
    let mut machine = Machine::new();
    let fd = machine.open(INIT, "/dev", O_RDONLY).unwrap();
    let caller = Caller {
        leases: [vec![0; 4096], vec![]],
        absent: [Some(0), None],
        ..Caller::default()
    };
    assert!(
        machine
            .send(INIT, Request::List { fd }, caller)
            .0
            .unwrap()
            .is_err()
    );
    let names = machine.list(INIT, fd, 4096).unwrap();
    assert!(
        names.contains(&"null".to_string()) && names.contains(&"stdin".to_string()),
        "{names:?}"
    );
    // `.` and `..`, the devices, the links, the directories `shm` and `pts`.
    assert_eq!(names.len(), 2 + 9 + 4 + 2);
}
