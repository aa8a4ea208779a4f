//! What every design owes, whatever it does inside.

mod common;

use common::*;
use proptest::prelude::*;
use proto::Pid;
use proto::vfs::{AT_FDCWD, PIPE_BUF, Reply, Request};
use std::collections::VecDeque;
use vfs::linux::*;
use vfs::pipe::CAPACITY;
use vfs::policy::{Buffer, Designs, PathDesign, PipeBuffer, PipeDesign};

const PIPES: [PipeDesign; 3] = [PipeDesign::Doubling, PipeDesign::Ring, PipeDesign::List];

fn with_pipes(pipe: PipeDesign) -> Machine {
    Machine::with(Designs {
        pipe,
        ..Designs::default()
    })
}

fn with_cache() -> Machine {
    Machine::with(Designs {
        path: PathDesign::Cache,
        ..Designs::default()
    })
}

#[test]
fn designs_are_chosen_by_name_and_others_refused() {
    let mut designs = Designs::default();
    assert!(designs.choose("pipe", b"list") && designs.choose("path", b"cache"));
    let expected = Designs {
        pipe: PipeDesign::List,
        path: PathDesign::Cache,
    };
    assert_eq!(designs, expected);
    assert!(!designs.choose("pipe", b"cache") && !designs.choose("disk", b"ring"));
    assert_eq!(designs, expected, "what is refused changes nothing");
}

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Consume(usize),
    /// Fails at the piece in which that byte is.
    FailAppend(usize, usize),
    FailConsume(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop_oneof![0usize..40, 3000usize..9000, 0usize..70_000];
    prop_oneof![
        bytes().prop_map(Step::Append),
        bytes().prop_map(Step::Consume),
        (bytes(), bytes()).prop_map(|(count, at)| Step::FailAppend(count, at)),
        (bytes(), bytes()).prop_map(|(count, at)| Step::FailConsume(count, at)),
    ]
}

/// Appends `count` bytes of a sequence that starts with `next`.
fn append(buffer: &mut Buffer, count: usize, next: u64, fail_at: usize) -> Result<(), ()> {
    buffer.append(count, |offset, into| {
        if (offset..offset + into.len()).contains(&fail_at) {
            return Err(());
        }
        for (index, byte) in into.iter_mut().enumerate() {
            *byte = (next + (offset + index) as u64).wrapping_mul(0x9e37) as u8;
        }
        Ok(())
    })
}

fn consume(buffer: &mut Buffer, count: usize, fail_at: usize) -> Result<Vec<u8>, ()> {
    let mut taken = vec![0; count];
    buffer.consume(count, |offset, from| {
        if (offset..offset + from.len()).contains(&fail_at) {
            return Err(());
        }
        taken[offset..offset + from.len()].copy_from_slice(from);
        Ok(())
    })?;
    Ok(taken)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_pipe_is_a_queue_of_bytes_and_failures_change_nothing(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        const NEVER: usize = usize::MAX;
        for design in PIPES {
            let mut buffer = Buffer::new(design);
            let (mut model, mut next) = (VecDeque::new(), 0u64);
            for step in &steps {
                let room = buffer.capacity() - buffer.len();
                match *step {
                    Step::Append(count) => {
                        let count = count.min(room);
                        append(&mut buffer, count, next, NEVER).unwrap();
                        model.extend((next..next + count as u64).map(|byte| byte.wrapping_mul(0x9e37) as u8));
                        next += count as u64;
                    }
                    Step::Consume(count) => {
                        let count = count.min(buffer.len());
                        let expected: Vec<u8> = model.drain(..count).collect();
                        prop_assert_eq!(consume(&mut buffer, count, NEVER).unwrap(), expected);
                    }
                    Step::FailAppend(count, at) => {
                        let count = count.min(room);
                        prop_assert_eq!(append(&mut buffer, count, next, at).is_err(), at < count);
                        if at >= count {
                            model.extend((next..next + count as u64).map(|byte| byte.wrapping_mul(0x9e37) as u8));
                            next += count as u64;
                        }
                    }
                    Step::FailConsume(count, at) => {
                        let count = count.min(buffer.len());
                        if at < count {
                            prop_assert!(consume(&mut buffer, count, at).is_err());
                        }
                    }
                }
                prop_assert_eq!(buffer.len(), model.len());
            }
            let rest = buffer.len();
            let expected: Vec<u8> = model.into_iter().collect();
            prop_assert_eq!(consume(&mut buffer, rest, NEVER).unwrap(), expected);
            prop_assert!(buffer.is_empty());
        }
    }
}

#[test]
fn a_pipe_holds_what_its_design_says_and_tells_it() {
    for (design, capacity) in PIPES.into_iter().zip([CAPACITY, 4096, CAPACITY]) {
        let mut machine = with_pipes(design);
        let (read, write) = machine.pipe(INIT, O_NONBLOCK);
        let size = Request::Control {
            fd: read,
            command: F_GETPIPE_SZ,
            argument: 0,
        };
        assert_eq!(
            machine.ask(INIT, size, [b"", b""]).0,
            Ok(Reply::Count(capacity as u64))
        );
        assert_eq!(
            machine.write(INIT, write, &vec![1; 70_000]),
            Ok(capacity as u64)
        );
        assert!(capacity >= PIPE_BUF, "small writes must fit whole");
        assert_eq!(machine.read(INIT, read, PIPE_BUF).unwrap().len(), PIPE_BUF);
        assert_eq!(
            machine.write(INIT, write, &[2; PIPE_BUF]),
            Ok(PIPE_BUF as u64)
        );
    }
}

#[test]
fn much_arrives_in_order_through_every_pipe() {
    let content: Vec<u8> = (0..200_000u32).map(|number| (number / 7) as u8).collect();
    for design in PIPES {
        let mut machine = with_pipes(design);
        let (read, write) = machine.pipe(INIT, 0);
        let child = machine.child(2, 0, 0);
        let waiting = machine.wait(child, Request::Write { fd: write }, [&content, b""]);
        let mut got = Vec::new();
        while got.len() < content.len() {
            got.extend(machine.read(INIT, read, 10_000).unwrap());
        }
        assert!(got == content);
        assert_eq!(
            machine.answer(waiting).unwrap().0,
            Ok(Reply::Count(200_000))
        );
    }
}

#[test]
fn a_successor_goes_on_with_the_pipes_of_another_design() {
    for design in PIPES {
        let mut machine = with_pipes(design);
        let (read, write) = machine.pipe(INIT, 0);
        machine.write(INIT, write, &[7; 3000]).unwrap();
        let bytes = postcard::to_allocvec(&machine.vfs).unwrap();
        machine.vfs = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(machine.read(INIT, read, 4000), Ok(vec![7; 3000]));
    }
}

fn make_directory(machine: &mut Machine, pid: Pid, path: &str) -> bool {
    let request = Request::MakeDirectory {
        directory: AT_FDCWD,
        mode: 0o755,
    };
    machine.path(pid, request, path).is_ok()
}

fn change_mode(machine: &mut Machine, path: &str, mode: u32) -> bool {
    let request = Request::ChangeMode {
        directory: AT_FDCWD,
        mode,
        flags: 0,
    };
    machine.path(INIT, request, path).is_ok()
}

fn rename(machine: &mut Machine, from: &str, to: &str) -> bool {
    let request = Request::Rename {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags: 0,
    };
    let leases = [from.as_bytes(), to.as_bytes()];
    machine.ask(INIT, request, leases).0.is_ok()
}

/// The inode that a path leads to, or the error.
fn inode(machine: &mut Machine, pid: Pid, path: &str) -> Result<u64, abi::Errno> {
    machine.stat(pid, path, 0).map(|stat| stat.inode())
}

#[test]
fn a_remembered_path_is_closed_with_its_directory() {
    let mut machine = with_cache();
    let user = machine.child(2, 100, 100);
    make_directory(&mut machine, INIT, "/d");
    machine.create(INIT, "/d/file", b"x");
    let found = inode(&mut machine, user, "/d/file");
    assert!(found.is_ok());
    change_mode(&mut machine, "/d", 0o700);
    assert_eq!(
        inode(&mut machine, user, "/d/file"),
        Err(abi::Errno::EACCES)
    );
    assert_eq!(inode(&mut machine, INIT, "/d/file"), found);
    assert_eq!(
        inode(&mut machine, user, "/d/file"),
        Err(abi::Errno::EACCES),
        "what root found is not what a user may find"
    );
}

#[test]
fn a_remembered_path_is_closed_with_its_owners_rights() {
    let mut machine = with_cache();
    let user = machine.child(2, 100, 100);
    make_directory(&mut machine, INIT, "/d");
    machine.create(INIT, "/d/file", b"x");
    assert!(make(&mut machine, &Change::Owner("/d".to_owned(), 100)));
    assert!(change_mode(&mut machine, "/d", 0o700));
    assert!(inode(&mut machine, user, "/d/file").is_ok());
    assert!(make(&mut machine, &Change::Owner("/d".to_owned(), 0)));
    assert_eq!(
        inode(&mut machine, user, "/d/file"),
        Err(abi::Errno::EACCES)
    );
}

#[test]
fn a_remembered_path_ends_with_its_name_and_leads_to_the_new_file() {
    let mut machine = with_cache();
    machine.create(INIT, "/one", b"1");
    machine.create(INIT, "/two", b"2");
    let two = inode(&mut machine, INIT, "/two");
    assert_ne!(inode(&mut machine, INIT, "/one"), two);
    assert!(rename(&mut machine, "/two", "/one"));
    assert_eq!(inode(&mut machine, INIT, "/one"), two);
    assert_eq!(inode(&mut machine, INIT, "/two"), Err(abi::Errno::ENOENT));
}

#[test]
fn a_mount_covers_what_was_remembered() {
    let mut machine = with_cache();
    make_directory(&mut machine, INIT, "/d");
    machine.create(INIT, "/d/file", b"x");
    assert!(inode(&mut machine, INIT, "/d/file").is_ok());
    let mount = Request::Mount { kind: 0, flags: 0 };
    machine.path(INIT, mount, "/d").unwrap();
    assert_eq!(
        inode(&mut machine, INIT, "/d/file"),
        Err(abi::Errno::ENOENT)
    );
    let unmount = Request::Unmount { flags: 0 };
    machine.path(INIT, unmount, "/d").unwrap();
    assert!(inode(&mut machine, INIT, "/d/file").is_ok());
}

#[derive(Clone, Debug)]
enum Change {
    MakeDirectory(String),
    Create(String),
    Remove(String, bool),
    Rename(String, String),
    Mode(String, u32),
    Owner(String, u32),
    Enter(String),
    Mount(String),
    Unmount(String),
}

/// Few names, so that histories meet.
fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        "/[ab]",
        "/[ab]/[ab]",
        "/[ab]/[ab]/[ab]",
        "[ab]",
        "[ab]/[ab]"
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        path().prop_map(Change::MakeDirectory),
        path().prop_map(Change::Create),
        path().prop_map(Change::Create),
        path().prop_map(Change::MakeDirectory),
        (path(), any::<bool>()).prop_map(|(path, directory)| Change::Remove(path, directory)),
        (path(), path()).prop_map(|(from, to)| Change::Rename(from, to)),
        (path(), prop_oneof![Just(0o755), Just(0o700), Just(0o644)])
            .prop_map(|(path, mode)| Change::Mode(path, mode)),
        (path(), prop_oneof![Just(0), Just(100)]).prop_map(|(path, uid)| Change::Owner(path, uid)),
        path().prop_map(Change::Enter),
        path().prop_map(Change::Mount),
        path().prop_map(Change::Unmount),
    ]
}

fn make(machine: &mut Machine, change: &Change) -> bool {
    match change {
        Change::MakeDirectory(path) => make_directory(machine, INIT, path),
        Change::Create(path) => {
            let fd = machine.open_mode(INIT, path, O_CREAT | O_RDWR, 0o644);
            fd.is_ok_and(|fd| machine.close(INIT, fd).is_ok())
        }
        Change::Remove(path, directory) => {
            let request = Request::Unlink {
                directory: AT_FDCWD,
                flags: if *directory { AT_REMOVEDIR } else { 0 },
            };
            machine.path(INIT, request, path).is_ok()
        }
        Change::Rename(from, to) => rename(machine, from, to),
        Change::Mode(path, mode) => change_mode(machine, path, *mode),
        Change::Owner(path, uid) => {
            let request = Request::ChangeOwner {
                directory: AT_FDCWD,
                uid: *uid,
                gid: u32::MAX,
                flags: 0,
            };
            machine.path(INIT, request, path).is_ok()
        }
        Change::Enter(path) => machine.path(INIT, Request::ChangeDirectory, path).is_ok(),
        Change::Mount(path) => {
            let request = Request::Mount { kind: 0, flags: 0 };
            machine.path(INIT, request, path).is_ok()
        }
        Change::Unmount(path) => {
            let request = Request::Unmount { flags: 0 };
            machine.path(INIT, request, path).is_ok()
        }
    }
}

proptest! {
    #[test]
    fn a_cache_never_changes_an_answer(changes in prop::collection::vec(change(), 1..30)) {
        let (mut plain, mut cached) = (Machine::new(), with_cache());
        let user = plain.child(2, 100, 100);
        cached.child(2, 100, 100);
        let names = ["a", "b"];
        let mut asked: Vec<String> = names.iter().flat_map(|name| [format!("/{name}"), (*name).to_owned()]).collect();
        for _ in 0..2 {
            let deeper: Vec<String> = asked.iter().flat_map(|path| names.map(|name| format!("{path}/{name}"))).collect();
            asked.extend(deeper);
        }
        for change in changes {
            prop_assert_eq!(make(&mut plain, &change), make(&mut cached, &change));
            for pid in [INIT, user] {
                for path in &asked {
                    prop_assert_eq!(inode(&mut plain, pid, path), inode(&mut cached, pid, path), "{} by {:?}", path, pid);
                }
            }
        }
    }
}
