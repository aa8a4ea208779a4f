//! Regular files: reading, writing, growing, sharing offsets, and memory that is not there.

mod common;

use abi::Errno;
use common::*;
use proto::port::{Refusal, TokenState};
use proto::vfs::{AT_FDCWD, Reply, Request};
use vfs::linux::*;

#[test]
fn what_is_written_is_read_at_any_size() {
    let mut machine = Machine::new();
    for size in [0, 1, 2047, 2048, 2049, 4096, 100_000] {
        let content: Vec<u8> = (0..size).map(|index| (index * 7) as u8).collect();
        machine.create(INIT, "/file", &content);
        assert_eq!(machine.content(INIT, "/file"), Ok(content), "{size}");
        assert_eq!(machine.stat(INIT, "/file", 0).unwrap().size(), size as u64);
    }
}

#[test]
fn appending_costs_few_messages() {
    let mut machine = Machine::new();
    let fd = machine
        .open(INIT, "/log", O_CREAT | O_WRONLY | O_APPEND)
        .unwrap();
    for _ in 0..1024 {
        assert_eq!(machine.write(INIT, fd, &[1; 1024]), Ok(1024));
    }
    assert!(
        machine.ports.memory.messages < 40,
        "{}",
        machine.ports.memory.messages
    );
}

#[test]
fn descriptors_of_parent_and_child_share_one_offset() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"abcdef");
    let fd = machine.open(INIT, "/file", O_RDONLY).unwrap();
    let child = machine.child(2, 0, 0);
    assert_eq!(machine.read(child, fd, 2), Ok(b"ab".to_vec()));
    assert_eq!(machine.read(INIT, fd, 2), Ok(b"cd".to_vec()));
    machine.proc(Request::Exit { process: child }).unwrap();
    assert_eq!(machine.read(INIT, fd, 2), Ok(b"ef".to_vec()));
}

#[test]
fn holes_and_truncated_parts_read_as_zero() {
    let mut machine = Machine::new();
    let fd = machine.open(INIT, "/file", O_CREAT | O_RDWR).unwrap();
    for (first, offset) in [(100u64, 1000u64), (3000, 9000)] {
        machine.write(INIT, fd, &vec![7; first as usize]).unwrap();
        machine
            .ask(
                INIT,
                Request::TruncateDescriptor { fd, length: 10 },
                [b"", b""],
            )
            .0
            .unwrap();
        let at = Request::WriteAt { fd, offset };
        machine.ask(INIT, at, [b"end", b""]).0.unwrap();
        let content = machine.content(INIT, "/file").unwrap();
        assert_eq!(content.len() as u64, offset + 3);
        assert_eq!(content[..10], [7; 10]);
        assert!(content[10..offset as usize].iter().all(|&byte| byte == 0));
        machine
            .ask(
                INIT,
                Request::TruncateDescriptor { fd, length: 0 },
                [b"", b""],
            )
            .0
            .unwrap();
        machine
            .ask(
                INIT,
                Request::Seek {
                    fd,
                    offset: 0,
                    whence: SEEK_SET,
                },
                [b"", b""],
            )
            .0
            .unwrap();
    }
}

#[test]
fn an_unlinked_file_lives_until_its_last_close_and_then_gives_its_memory_back() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", &[5; 10_000]);
    let fd = machine.open(INIT, "/file", O_RDONLY).unwrap();
    machine
        .path(
            INIT,
            Request::Unlink {
                directory: AT_FDCWD,
                flags: 0,
            },
            "/file",
        )
        .unwrap();
    assert_eq!(machine.open(INIT, "/file", O_RDONLY), Err(Errno::ENOENT));
    assert_eq!(machine.read(INIT, fd, 10), Ok(vec![5; 10]));
    assert_eq!(machine.ports.memory.objects.len(), 1);
    machine.close(INIT, fd).unwrap();
    assert_eq!(
        (
            machine.ports.memory.objects.len(),
            machine.ports.memory.windows
        ),
        (0, 0)
    );
}

#[test]
fn the_access_mode_is_obeyed() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"x");
    let reader = machine.open(INIT, "/file", O_RDONLY).unwrap();
    let writer = machine.open(INIT, "/file", O_WRONLY).unwrap();
    assert_eq!(machine.write(INIT, reader, b"y"), Err(Errno::EBADF));
    assert_eq!(machine.read(INIT, writer, 1), Err(Errno::EBADF));
    assert_eq!(machine.read(INIT, 63, 1), Err(Errno::EBADF));
    assert_eq!(machine.read(INIT, -1, 1), Err(Errno::EBADF));
    let directory = machine.open(INIT, "/dev", O_RDONLY).unwrap();
    assert_eq!(machine.read(INIT, directory, 1), Err(Errno::EISDIR));
    assert_eq!(machine.open(INIT, "/dev", O_WRONLY), Err(Errno::EISDIR));
}

#[test]
fn open_flags_decide_what_may_exist() {
    let mut machine = Machine::new();
    let create = O_CREAT | O_WRONLY;
    assert_eq!(machine.open(INIT, "/a", O_RDONLY), Err(Errno::ENOENT));
    assert_eq!(machine.open(INIT, "/a/", create), Err(Errno::EISDIR));
    assert_eq!(machine.open(INIT, "/a", create | O_EXCL), Ok(0));
    assert_eq!(
        machine.open(INIT, "/a", create | O_EXCL),
        Err(Errno::EEXIST)
    );
    assert_eq!(machine.open(INIT, "/a", O_DIRECTORY), Err(Errno::ENOTDIR));
    assert_eq!(
        machine.open(INIT, "/a", O_TMPFILE_BIT | O_DIRECTORY | O_RDWR),
        Err(Errno::ENOTDIR)
    );
    assert_eq!(machine.open(INIT, "/a", O_ACCMODE), Err(Errno::EINVAL));
}

#[test]
fn the_number_of_descriptors_is_limited() {
    let mut machine = Machine::new();
    for expected in 0..64 {
        assert_eq!(machine.open(INIT, "/dev/null", O_RDONLY), Ok(expected));
    }
    assert_eq!(
        machine.open(INIT, "/dev/null", O_RDONLY),
        Err(Errno::EMFILE)
    );
    assert_eq!(machine.open(INIT, "/new", O_CREAT), Err(Errno::EMFILE));
    assert_eq!(machine.open(INIT, "/new", O_RDONLY), Err(Errno::EMFILE));
    assert!(
        machine.stat(INIT, "/new", 0).is_err(),
        "a refused open creates nothing"
    );
    machine.close(INIT, 10).unwrap();
    assert_eq!(
        machine.ask(INIT, Request::Pipe { flags: 0 }, [b"", b""]).0,
        Err(Errno::EMFILE)
    );
    assert_eq!(
        machine.open(INIT, "/dev/null", O_RDONLY),
        Ok(10),
        "the failed pipe left it free"
    );
}

#[test]
fn a_read_into_an_absent_page_keeps_what_was_copied() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", &(0..100).collect::<Vec<u8>>());
    let fd = machine.open(INIT, "/file", O_RDONLY).unwrap();
    let caller = Caller {
        leases: [vec![0; 50], vec![]],
        absent: [Some(20), None],
        ..Caller::default()
    };
    let (answer, _) = machine.send(INIT, Request::Read { fd }, caller);
    assert_eq!(
        answer,
        Some(Err(Refusal::Touch {
            lease: 0,
            offset: 20,
            done: 20
        }))
    );
    assert_eq!(machine.read(INIT, fd, 2), Ok(vec![20, 21]));
}

#[test]
fn a_write_from_an_absent_page_keeps_what_was_copied() {
    let mut machine = Machine::new();
    for size in [100, 6000] {
        let fd = machine
            .open(INIT, "/file", O_CREAT | O_TRUNC | O_RDWR)
            .unwrap();
        let absent = [Some(size - 10), None];
        let caller = Caller {
            leases: [vec![3; size], vec![]],
            absent,
            ..Caller::default()
        };
        let (answer, _) = machine.send(INIT, Request::Write { fd }, caller.clone());
        let at = (size - 10) as u64;
        assert_eq!(
            answer,
            Some(Err(Refusal::Touch {
                lease: 0,
                offset: at,
                done: at
            }))
        );
        assert_eq!(machine.stat(INIT, "/file", 0).unwrap().size(), at);
        let again = Caller {
            absent: [Some(0), None],
            ..caller
        };
        let (answer, _) = machine.send(INIT, Request::Write { fd }, again);
        assert_eq!(
            answer,
            Some(Err(Refusal::Touch {
                lease: 0,
                offset: 0,
                done: 0
            }))
        );
        assert_eq!(
            machine.stat(INIT, "/file", 0).unwrap().size(),
            at,
            "nothing was written"
        );
    }
}

#[test]
fn leases_that_are_missing_or_too_short_are_bad_addresses() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"abc");
    let request = Request::Stat {
        directory: AT_FDCWD,
        flags: 0,
    };
    assert_eq!(
        machine.ask(INIT, request, [b"/file", &[0; 127]]).0,
        Err(Errno::EFAULT)
    );
    assert_eq!(
        machine.ask(INIT, request, [b"/file", b""]).0,
        Err(Errno::EFAULT)
    );
    assert_eq!(
        machine.ask(INIT, request, [b"", &[0; 128]]).0,
        Err(Errno::ENOENT)
    );
    let fd = machine.open(INIT, "/file", O_RDWR).unwrap();
    assert_eq!(
        machine
            .ask(
                INIT,
                Request::Lock {
                    fd,
                    command: F_GETLK
                },
                [&[0; 8], b""]
            )
            .0,
        Err(Errno::EFAULT)
    );
}

#[test]
fn memory_that_runs_out_is_a_full_file_system_and_changes_nothing() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", &[1; 3000]);
    machine.ports.memory.limit = 16384;
    let fd = machine.open(INIT, "/file", O_WRONLY | O_APPEND).unwrap();
    assert_eq!(machine.write(INIT, fd, &[2; 20_000]), Err(Errno::ENOSPC));
    assert_eq!(machine.content(INIT, "/file"), Ok(vec![1; 3000]));
    assert_eq!(
        machine.path(INIT, Request::Truncate { length: -1 }, "/file"),
        Err(Errno::EINVAL)
    );
    assert_eq!(
        machine.path(INIT, Request::Truncate { length: i64::MAX }, "/file"),
        Err(Errno::EFBIG)
    );
}

#[test]
fn the_file_size_limit_is_obeyed() {
    let mut machine = Machine::new();
    machine.publish(proto::publish::Entry {
        limit_file_bytes: 100,
        ..entry(1, 0, 0)
    });
    let fd = machine.open(INIT, "/file", O_CREAT | O_WRONLY).unwrap();
    assert_eq!(machine.write(INIT, fd, &[1; 150]), Ok(100));
    assert_eq!(machine.write(INIT, fd, &[1; 150]), Err(Errno::EFBIG));
}

#[test]
fn seeking_has_the_errors_of_linux() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"0123456789");
    let fd = machine.open(INIT, "/file", O_RDONLY).unwrap();
    let mut seek = |offset, whence| {
        machine
            .ask(INIT, Request::Seek { fd, offset, whence }, [b"", b""])
            .0
    };
    assert_eq!(seek(-3, SEEK_END), Ok(Reply::Count(7)));
    assert_eq!(seek(1, SEEK_CUR), Ok(Reply::Count(8)));
    assert_eq!(seek(100, SEEK_SET), Ok(Reply::Count(100)));
    assert_eq!(seek(-1, SEEK_SET), Err(Errno::EINVAL));
    assert_eq!(seek(i64::MAX, SEEK_CUR), Err(Errno::EOVERFLOW));
    assert_eq!(seek(0, 9), Err(Errno::EINVAL));
    assert_eq!(seek(3, SEEK_DATA), Ok(Reply::Count(3)));
    assert_eq!(seek(3, SEEK_HOLE), Ok(Reply::Count(10)));
    assert_eq!(seek(10, SEEK_DATA), Err(Errno::ENXIO));
    let (read, _) = machine.pipe(INIT, 0);
    let request = Request::Seek {
        fd: read,
        offset: 0,
        whence: SEEK_CUR,
    };
    assert_eq!(machine.ask(INIT, request, [b"", b""]).0, Err(Errno::ESPIPE));
}

#[test]
fn record_locks_exclude_others_and_go_with_any_close() {
    let mut machine = Machine::new();
    let child = machine.child(2, 0, 0);
    let fd = machine.open(INIT, "/file", O_CREAT | O_RDWR).unwrap();
    let other = machine.open(INIT, "/file", O_RDWR).unwrap();
    let theirs = machine.open(child, "/file", O_RDWR).unwrap();
    let lock = vfs::layout::Flock {
        kind: F_WRLCK,
        ..Default::default()
    }
    .to_bytes();
    let set = |fd, command| Request::Lock { fd, command };
    assert_eq!(
        machine.ask(INIT, set(fd, F_SETLK), [&lock, b""]).0,
        Ok(Reply::Done)
    );
    assert_eq!(
        machine.ask(child, set(theirs, F_SETLK), [&lock, b""]).0,
        Err(Errno::EAGAIN)
    );
    let (answer, [found, _]) = machine.ask(child, set(theirs, F_GETLK), [&lock, b""]);
    assert_eq!((answer, found[24]), (Ok(Reply::Done), 1));
    let waiting = machine.wait(child, set(theirs, F_SETLKW), [&lock, b""]);
    machine.close(INIT, other).unwrap();
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Done));
}

#[test]
fn dup_shares_and_close_on_exec_does_not_last() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"abcdef");
    let fd = machine.open(INIT, "/file", O_RDONLY | O_CLOEXEC).unwrap();
    let to = |to| Request::DuplicateTo {
        fd,
        to,
        flags: 0,
        same_is_fine: false,
    };
    assert_eq!(
        machine.ask(INIT, to(9), [b"", b""]).0,
        Ok(Reply::Descriptor(9))
    );
    assert_eq!(machine.ask(INIT, to(0), [b"", b""]).0, Err(Errno::EINVAL));
    assert_eq!(machine.ask(INIT, to(64), [b"", b""]).0, Err(Errno::EBADF));
    let control = |command, argument| Request::Control {
        fd: 9,
        command,
        argument,
    };
    assert_eq!(
        machine.ask(INIT, control(F_DUPFD, 20), [b"", b""]).0,
        Ok(Reply::Count(20))
    );
    assert_eq!(
        machine.ask(INIT, control(F_DUPFD, u64::MAX), [b"", b""]).0,
        Err(Errno::EINVAL)
    );
    assert_eq!(
        machine.ask(INIT, control(F_SETFD, 1), [b"", b""]).0,
        Ok(Reply::Count(0))
    );
    let commit = Request::CommitProgram { process: INIT };
    machine
        .ask(proto::server_id::PROC, commit, [b"/bin/sh", b""])
        .0
        .unwrap();
    assert_eq!(machine.read(INIT, fd, 1), Err(Errno::EBADF));
    assert_eq!(machine.read(INIT, 9, 1), Err(Errno::EBADF));
    assert_eq!(machine.read(INIT, 20, 3), Ok(b"abc".to_vec()));
}

#[test]
fn requests_of_the_process_server_come_from_nobody_else() {
    let mut machine = Machine::new();
    let child = machine.child(2, 0, 0);
    for request in [
        Request::Exit { process: INIT },
        Request::Start {
            process: proto::Pid(5),
            console: false,
        },
        Request::Fork {
            parent: INIT,
            child: proto::Pid(7),
        },
        Request::Publish {
            table: proto::mem::ObjectId(3),
        },
    ] {
        assert_eq!(machine.ask(child, request, [b"", b""]).0, Err(Errno::EPERM));
    }
}

#[test]
fn a_dead_caller_takes_nothing() {
    let mut machine = Machine::new();
    let child = machine.child(2, 0, 0);
    let (read, write) = machine.pipe(INIT, 0);
    machine
        .proc(Request::Fork {
            parent: INIT,
            child: proto::Pid(3),
        })
        .unwrap();
    machine.publish(entry(3, 0, 0));
    let waiting = machine.wait(proto::Pid(3), Request::Read { fd: read }, [&[0; 10], b""]);
    machine.ports.callers.all.get_mut(&waiting.0).unwrap().state = Some(TokenState::Gone);
    assert_eq!(machine.write(INIT, write, b"hello"), Ok(5));
    assert_eq!(machine.read(INIT, read, 10), Ok(b"hello".to_vec()));
    machine.proc(Request::Exit { process: child }).unwrap();
}

#[test]
fn files_and_pipes_end_before_the_server_s_memory() {
    let mut machine = Machine::new();
    let create = O_CREAT | O_WRONLY;
    let mut made = 0;
    loop {
        match machine.open(INIT, &format!("/dev/shm/{made}"), create) {
            Ok(fd) => machine.close(INIT, fd).unwrap(),
            Err(errno) => break assert_eq!(errno, Errno::ENOSPC),
        };
        made += 1;
    }
    assert!(made > 900, "{made}");
    let unlink = Request::Unlink {
        directory: AT_FDCWD,
        flags: 0,
    };
    for number in 0..made {
        machine
            .path(INIT, unlink, &format!("/dev/shm/{number}"))
            .unwrap();
    }
    for round in 0..3 {
        let mut pipes = 0;
        while machine
            .ask(INIT, Request::Pipe { flags: 0 }, [b"", b""])
            .0
            .is_ok()
        {
            pipes += 1;
        }
        assert_eq!(pipes, 7, "{round}: an eighth of 4 MB in pieces of 64 KiB");
        for fd in 0..14 {
            machine.close(INIT, fd).unwrap();
        }
    }
    assert!(machine.open(INIT, "/dev/shm/0", create).is_ok());
}

#[test]
fn a_lock_of_a_file_belongs_to_the_open_file_and_ends_with_it() {
    let mut machine = Machine::new();
    machine.create(INIT, "/lock", b"");
    let one = machine.open(INIT, "/lock", O_RDWR).unwrap();
    let two = machine.open(INIT, "/lock", O_RDWR).unwrap();
    let child = machine.child(2, 0, 0);
    let lock = |fd, operation| Request::LockFile { fd, operation };
    machine.ask(INIT, lock(one, LOCK_EX), [b"", b""]).0.unwrap();
    let again = machine.ask(child, lock(one, LOCK_EX), [b"", b""]).0;
    assert_eq!(again, Ok(Reply::Done), "the child has the same open file");
    let busy = machine
        .ask(INIT, lock(two, LOCK_SH | LOCK_NB), [b"", b""])
        .0;
    assert_eq!(busy, Err(Errno::EAGAIN));
    let waiting = machine.wait(INIT, lock(two, LOCK_SH), [b"", b""]);
    machine.close(INIT, one).unwrap();
    assert!(machine.answer(waiting).is_none(), "the child has it open");
    machine.close(child, one).unwrap();
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Done));
}

#[test]
fn a_sealed_file_keeps_its_length() {
    let mut machine = Machine::new();
    let flags = MFD_ALLOW_SEALING;
    let answer = machine
        .ask(INIT, Request::MemoryFile { flags }, [b"name", b""])
        .0;
    let Ok(Reply::Descriptor(fd)) = answer else {
        panic!("{answer:?}");
    };
    machine.write(INIT, fd, b"12345").unwrap();
    let control = |command, argument| Request::Control {
        fd,
        command,
        argument,
    };
    let seals = u64::from(F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    let added = machine.ask(INIT, control(F_ADD_SEALS, seals), [b"", b""]).0;
    assert_eq!(added, Ok(Reply::Count(0)));
    assert_eq!(machine.write(INIT, fd, b"6"), Err(Errno::EPERM));
    for length in [4, 6] {
        let request = Request::TruncateDescriptor { fd, length };
        assert_eq!(machine.ask(INIT, request, [b"", b""]).0, Err(Errno::EPERM));
    }
    let more = machine.ask(INIT, control(F_ADD_SEALS, 8), [b"", b""]).0;
    assert_eq!(more, Err(Errno::EPERM));
    machine.close(INIT, fd).unwrap();
}

#[test]
fn a_long_write_from_memory_that_is_not_there_needs_no_room() {
    let mut machine = Machine::new();
    machine.ports.memory.limit = 8 << 20;
    let fd = machine.open(INIT, "/big", O_CREAT | O_WRONLY).unwrap();
    let caller = Caller {
        leases: [vec![1; 32 << 20], Vec::new()],
        absent: [Some(0), None],
        ..Caller::default()
    };
    let (answer, _) = machine.send(INIT, Request::Write { fd }, caller);
    let touch = Refusal::Touch {
        lease: 0,
        offset: 0,
        done: 0,
    };
    assert_eq!(answer, Some(Err(touch)));
}

#[test]
fn a_program_stays_while_its_exec_goes_on() {
    for abandoned in [false, true] {
        let mut machine = Machine::new();
        let open = |machine: &mut Machine| {
            let request = Request::OpenProgram { process: INIT };
            machine
                .ask(proto::server_id::PROC, request, [b"/program", &[0; 64]])
                .0
                .map(drop)
        };
        machine.create(INIT, "/program", &[7; 5000]);
        machine.create(INIT, "/other", &[8; 5000]);
        let change = Request::ChangeMode {
            directory: AT_FDCWD,
            mode: 0o755,
            flags: 0,
        };
        machine.path(INIT, change, "/program").unwrap();
        let before = machine.ports.memory.objects.len();
        open(&mut machine).unwrap();
        let rename = Request::Rename {
            old_directory: AT_FDCWD,
            new_directory: AT_FDCWD,
            flags: 0,
        };
        machine
            .ask(INIT, rename, [b"/other", b"/program"])
            .0
            .unwrap();
        assert_eq!(
            machine.ports.memory.objects.len(),
            before,
            "it is still there"
        );
        let end = match abandoned {
            true => Request::AbandonProgram { process: INIT },
            false => Request::CommitProgram { process: INIT },
        };
        machine
            .ask(proto::server_id::PROC, end, [b"/program", &[]])
            .0
            .unwrap();
        assert_eq!(machine.ports.memory.objects.len(), before - 1);
        assert_eq!(
            open(&mut machine),
            Err(Errno::EACCES),
            "the other is no program"
        );
    }
}
