//! `splice`, `tee`, writes at the end, and paths that stay within a directory.

mod common;

use abi::Errno;
use common::*;
use proto::vfs::{AT_FDCWD, Reply, Request};
use vfs::linux::*;

fn splice(
    machine: &mut Machine,
    from: i32,
    to: i32,
    offsets: [i64; 2],
    bytes: u64,
) -> Result1<u64> {
    let lease: Vec<u8> = offsets
        .iter()
        .flat_map(|offset| offset.to_le_bytes())
        .collect();
    let request = Request::Splice {
        from,
        to,
        bytes,
        flags: SPLICE_F_NONBLOCK,
    };
    let (answer, [back, _]) = machine.ask(INIT, request, [&lease, &[]]);
    let moved = count(answer?);
    for (at, offset) in [(0, offsets[0]), (8, offsets[1])] {
        let now = i64::from_le_bytes(back[at..at + 8].try_into().unwrap());
        let expected = if offset < 0 {
            offset
        } else {
            offset + moved as i64
        };
        assert_eq!(now, expected, "offsets move by what was moved");
    }
    Ok(moved)
}

fn tee(machine: &mut Machine, from: i32, to: i32) -> Result1<u64> {
    let request = Request::Tee {
        from,
        to,
        bytes: 100,
        flags: SPLICE_F_NONBLOCK,
    };
    machine.ask(INIT, request, [&[], &[]]).0.map(count)
}

#[test]
fn bytes_go_from_a_file_through_pipes_to_a_file() {
    let mut machine = Machine::new();
    machine.create(INIT, "/from", b"0123456789");
    machine.create(INIT, "/to", b"----------");
    let from = machine.open(INIT, "/from", O_RDONLY).unwrap();
    let to = machine.open(INIT, "/to", O_RDWR).unwrap();
    let (read, write) = machine.pipe(INIT, 0);
    let (last, first) = machine.pipe(INIT, 0);
    assert_eq!(splice(&mut machine, from, write, [2, -1], 5), Ok(5));
    assert_eq!(tee(&mut machine, read, first), Ok(5));
    assert_eq!(splice(&mut machine, read, to, [-1, 1], 3), Ok(3));
    assert_eq!(splice(&mut machine, last, to, [-1, -1], 1), Ok(1));
    assert_eq!(machine.content(INIT, "/to"), Ok(b"2234------".to_vec()));
    assert_eq!(machine.read(INIT, read, 9), Ok(b"56".to_vec()));
    assert_eq!(machine.read(INIT, last, 9), Ok(b"3456".to_vec()));
    assert_eq!(
        machine.read(INIT, from, 1),
        Ok(b"0".to_vec()),
        "its offset stayed"
    );
    assert_eq!(
        splice(&mut machine, read, to, [-1, -1], 3),
        Err(Errno::EAGAIN)
    );
    machine.close(INIT, write).unwrap();
    assert_eq!(splice(&mut machine, read, to, [-1, -1], 3), Ok(0));
}

#[test]
fn what_cannot_be_spliced_is_refused_and_nothing_is_lost() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"file");
    let file = machine.open(INIT, "/file", O_RDWR).unwrap();
    let added = machine.open(INIT, "/file", O_WRONLY | O_APPEND).unwrap();
    let (read, write) = machine.pipe(INIT, 0);
    machine.write(INIT, write, b"abc").unwrap();
    let wrong = [
        (file, file, [-1, -1], Errno::EINVAL),
        (read, write, [-1, -1], Errno::EINVAL),
        (read, added, [-1, -1], Errno::EINVAL),
        (read, file, [0, -1], Errno::ESPIPE),
        (file, write, [-1, 0], Errno::ESPIPE),
        (file, write, [-2, -1], Errno::EINVAL),
        (write, file, [-1, -1], Errno::EBADF),
        (99, file, [-1, -1], Errno::EBADF),
    ];
    for (from, to, offsets, errno) in wrong {
        let refused = splice(&mut machine, from, to, offsets, 1);
        assert_eq!(refused, Err(errno), "{from} to {to} at {offsets:?}");
    }
    assert_eq!(tee(&mut machine, file, write), Err(Errno::EINVAL));
    assert_eq!(machine.read(INIT, read, 9), Ok(b"abc".to_vec()));
    machine.close(INIT, read).unwrap();
    assert_eq!(
        splice(&mut machine, file, write, [-1, -1], 1),
        Err(Errno::EPIPE)
    );
}

#[test]
fn a_splice_waits_for_a_writer_and_a_full_file_keeps_the_rest() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"");
    let file = machine.open(INIT, "/file", O_RDWR).unwrap();
    let (read, write) = machine.pipe(INIT, 0);
    let request = Request::Splice {
        from: read,
        to: file,
        bytes: 10,
        flags: 0,
    };
    let none = [0xff; 16];
    let token = machine.wait(INIT, request, [&none, &[]]);
    machine.write(INIT, write, b"late").unwrap();
    assert_eq!(machine.answer(token).unwrap().0, Ok(Reply::Count(4)));
    assert_eq!(machine.content(INIT, "/file"), Ok(b"late".to_vec()));
    let mut limited = entry(INIT.0, 0, 0);
    limited.limit_file_bytes = 6;
    machine.publish(limited);
    machine.write(INIT, write, b"more").unwrap();
    assert_eq!(splice(&mut machine, read, file, [-1, -1], 9), Ok(2));
    assert_eq!(
        splice(&mut machine, read, file, [-1, -1], 9),
        Err(Errno::EFBIG)
    );
    assert_eq!(machine.read(INIT, read, 9), Ok(b"re".to_vec()));
}

#[test]
fn a_write_at_the_end_leaves_the_offset_unless_it_shall_move() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"one");
    let fd = machine.open(INIT, "/file", O_RDWR).unwrap();
    let append = |moves| Request::Append { fd, moves };
    let written = machine.ask(INIT, append(false), [b"two", &[]]).0;
    assert_eq!(written.map(count), Ok(3));
    assert_eq!(machine.read(INIT, fd, 2), Ok(b"on".to_vec()));
    machine.ask(INIT, append(true), [b"!", &[]]).0.unwrap();
    assert_eq!(machine.read(INIT, fd, 2), Ok(b"".to_vec()));
    machine.write(INIT, fd, b"?").unwrap();
    assert_eq!(machine.content(INIT, "/file"), Ok(b"onetwo!?".to_vec()));
}

#[test]
fn a_path_stays_where_it_is_held() {
    let mut machine = Machine::new();
    let make = Request::MakeDirectory {
        directory: AT_FDCWD,
        mode: 0o755,
    };
    machine.path(INIT, make, "/top").unwrap();
    machine.create(INIT, "/top/file", b"in");
    machine.create(INIT, "/file", b"out");
    let directory = machine.open(INIT, "/top", O_PATH | O_DIRECTORY).unwrap();
    let mut within = |path: &str, flags, resolve| {
        let request = Request::OpenWithin {
            directory,
            flags,
            mode: 0,
            resolve,
        };
        machine.path(INIT, request, path).map(|_| ())
    };
    assert_eq!(within("file", O_RDONLY, RESOLVE_BENEATH), Ok(()));
    for path in ["../file", "/file", "..", "./../top/file"] {
        assert_eq!(
            within(path, O_RDONLY, RESOLVE_BENEATH),
            Err(Errno::EXDEV),
            "{path}"
        );
    }
    for path in ["../file", "/file", "../../file", "/.."] {
        assert_eq!(within(path, O_RDONLY, RESOLVE_IN_ROOT), Ok(()), "{path}");
    }
    assert_eq!(
        within("/proc", O_RDONLY, RESOLVE_IN_ROOT),
        Err(Errno::ENOENT)
    );
    assert_eq!(
        within("/proc/1", O_RDONLY, RESOLVE_NO_XDEV),
        Err(Errno::EXDEV)
    );
    assert_eq!(within("file", 1 << 30, 0), Err(Errno::EINVAL));
    assert_eq!(within("file", O_RDONLY, 64), Err(Errno::EINVAL));
    assert_eq!(within("file", O_PATH | O_RDWR, 0), Err(Errno::EINVAL));
    assert_eq!(
        within("file", O_TRUNC | O_RDWR, RESOLVE_CACHED),
        Err(Errno::EAGAIN)
    );
}
