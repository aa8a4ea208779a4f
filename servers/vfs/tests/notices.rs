//! `inotify`: who hears of what.

mod common;

use abi::Errno;
use common::*;
use proto::Pid;
use proto::vfs::{AT_FDCWD, Request};
use vfs::linux::*;

/// Numbers of watches, masks and names of the events that wait.
fn events(machine: &mut Machine, fd: i32) -> Vec<(i32, u32, String)> {
    let bytes = match machine.read(INIT, fd, 4096) {
        Err(Errno::EAGAIN) => return Vec::new(),
        other => other.unwrap(),
    };
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut at, mut list) = (0, Vec::new());
    while at < bytes.len() {
        let length = word(at + 12) as usize;
        let name = &bytes[at + 16..at + 16 + length];
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(0);
        let name = String::from_utf8(name[..end].to_vec()).unwrap();
        list.push((word(at) as i32, word(at + 4), name));
        at += 16 + length;
    }
    list
}

fn queue(machine: &mut Machine) -> i32 {
    let request = Request::NoticeFile { flags: O_NONBLOCK };
    match machine.ask(INIT, request, [&[], &[]]).0.unwrap() {
        proto::vfs::Reply::Descriptor(fd) => fd,
        other => panic!("{other:?}"),
    }
}

fn watch(machine: &mut Machine, fd: i32, path: &str, mask: u32) -> Result1<i32> {
    let request = Request::AddNotice { fd, mask };
    machine
        .path(INIT, request, path)
        .map(|reply| count(reply) as i32)
}

fn text(mask: u32, name: &str) -> (i32, u32, String) {
    (1, mask, name.to_owned())
}

#[test]
fn a_directory_hears_of_its_files_and_a_file_of_itself() {
    let mut machine = Machine::new();
    let fd = queue(&mut machine);
    assert_eq!(
        watch(&mut machine, fd, "/tmp", IN_ALL_EVENTS),
        Err(Errno::ENOENT)
    );
    let mode = 0o755;
    let make = Request::MakeDirectory {
        directory: AT_FDCWD,
        mode,
    };
    machine.path(INIT, make, "/d").unwrap();
    assert_eq!(
        watch(&mut machine, fd, "/d", IN_ALL_EVENTS & !IN_ACCESS),
        Ok(1)
    );
    machine.create(INIT, "/d/file", b"text");
    let open = machine.open(INIT, "/d/file", O_RDONLY).unwrap();
    machine.read(INIT, open, 4).unwrap();
    machine.close(INIT, open).unwrap();
    let told = events(&mut machine, fd);
    let expected = [
        text(IN_CREATE, "file"),
        text(IN_OPEN, "file"),
        text(IN_MODIFY, "file"),
        text(IN_CLOSE_WRITE, "file"),
        text(IN_OPEN, "file"),
        text(IN_CLOSE_NOWRITE, "file"),
    ];
    assert_eq!(told, expected);
    assert_eq!(watch(&mut machine, fd, "/d/file", IN_DELETE_SELF), Ok(2));
    let unlink = Request::Unlink {
        directory: AT_FDCWD,
        flags: 0,
    };
    machine.path(INIT, unlink, "/d/file").unwrap();
    let expected = [
        text(IN_DELETE, "file"),
        (2, IN_DELETE_SELF, String::new()),
        (2, IN_IGNORED, String::new()),
    ];
    assert_eq!(events(&mut machine, fd), expected);
}

#[test]
fn equal_events_are_one_and_too_many_are_told_as_such() {
    let mut machine = Machine::new();
    let fd = queue(&mut machine);
    machine.create(INIT, "/file", b"");
    watch(
        &mut machine,
        fd,
        "/file",
        IN_MODIFY | IN_OPEN | IN_CLOSE_WRITE,
    )
    .unwrap();
    let open = machine.open(INIT, "/file", O_WRONLY).unwrap();
    for _ in 0..3 {
        machine.write(INIT, open, b"x").unwrap();
    }
    assert_eq!(
        events(&mut machine, fd),
        [text(IN_OPEN, ""), text(IN_MODIFY, "")]
    );
    let most = vfs::object::inotify::MOST_EVENTS;
    for _ in 0..most {
        let again = machine.open(INIT, "/file", O_WRONLY).unwrap();
        machine.close(INIT, again).unwrap();
    }
    let mut last = Vec::new();
    let mut total = 0;
    loop {
        let some = events(&mut machine, fd);
        if some.is_empty() {
            break;
        }
        total += some.len();
        last = some;
    }
    assert_eq!(total, most + 1);
    assert_eq!(last.pop(), Some((-1, IN_Q_OVERFLOW, String::new())));
}

#[test]
fn a_watch_ends_with_its_queue_and_its_owner_may_end_it() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"");
    let first = queue(&mut machine);
    let second = queue(&mut machine);
    watch(&mut machine, first, "/file", IN_OPEN).unwrap();
    watch(&mut machine, second, "/file", IN_OPEN).unwrap();
    machine.close(INIT, first).unwrap();
    machine.open(INIT, "/file", O_RDONLY).unwrap();
    assert_eq!(events(&mut machine, second), [text(IN_OPEN, "")]);
    let remove = |watch| Request::RemoveNotice { fd: second, watch };
    machine.ask(INIT, remove(1), [&[], &[]]).0.unwrap();
    assert_eq!(events(&mut machine, second), [text(IN_IGNORED, "")]);
    let again = machine.ask(INIT, remove(1), [&[], &[]]).0;
    assert_eq!(again, Err(Errno::EINVAL));
    machine.open(INIT, "/file", O_RDONLY).unwrap();
    assert_eq!(events(&mut machine, second), []);
}

#[test]
fn who_may_not_read_a_file_does_not_hear_of_it_and_queues_are_few() {
    let mut machine = Machine::new();
    machine.create(INIT, "/secret", b"");
    let change = Request::ChangeMode {
        directory: AT_FDCWD,
        mode: 0o600,
        flags: 0,
    };
    machine.path(INIT, change, "/secret").unwrap();
    let user = machine.child(7, 100, 100);
    let made = machine.ask(user, Request::NoticeFile { flags: 0 }, [&[], &[]]);
    let Ok(proto::vfs::Reply::Descriptor(fd)) = made.0 else {
        panic!("{made:?}");
    };
    let wish = Request::AddNotice { fd, mask: IN_OPEN };
    assert_eq!(machine.path(user, wish, "/secret"), Err(Errno::EACCES));
    let mut made = 1;
    for pid in 8..12 {
        let child = machine.child(pid, 0, 0);
        let make = Request::NoticeFile { flags: 0 };
        while machine.ask(child, make, [&[], &[]]).0.is_ok() {
            made += 1;
        }
    }
    assert_eq!(made, vfs::object::inotify::MOST_QUEUES);
    machine.proc(Request::Exit { process: Pid(7) }).unwrap();
    queue(&mut machine);
}
