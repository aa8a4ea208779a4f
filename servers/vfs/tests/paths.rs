//! Paths, permissions, and what happens to names.

mod common;

use abi::Errno;
use common::*;
use proto::vfs::{AT_FDCWD, Reply, Request};
use proto::{Pid, publish::id};
use vfs::linux::*;

const MKDIR: Request = Request::MakeDirectory {
    directory: AT_FDCWD,
    mode: 0o777,
};
const UNLINK: Request = Request::Unlink {
    directory: AT_FDCWD,
    flags: 0,
};
const RMDIR: Request = Request::Unlink {
    directory: AT_FDCWD,
    flags: AT_REMOVEDIR,
};

fn rename(machine: &mut Machine, pid: Pid, old: &str, new: &str, flags: u32) -> Result1 {
    let request = Request::Rename {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags,
    };
    machine
        .ask(pid, request, [old.as_bytes(), new.as_bytes()])
        .0
}

fn symlink(machine: &mut Machine, target: &str, path: &str) -> Result1 {
    let request = Request::SymbolicLink {
        directory: AT_FDCWD,
    };
    machine
        .ask(INIT, request, [target.as_bytes(), path.as_bytes()])
        .0
}

fn link(machine: &mut Machine, pid: Pid, old: &str, new: &str) -> Result1 {
    let request = Request::Link {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags: 0,
    };
    machine
        .ask(pid, request, [old.as_bytes(), new.as_bytes()])
        .0
}

fn cwd(machine: &mut Machine, pid: Pid) -> Result1<String> {
    let (answer, [bytes, _]) = machine.ask(pid, Request::CurrentDirectory, [&[0; 256], b""]);
    let length = count(answer?) as usize;
    Ok(String::from_utf8(bytes[..length - 1].to_vec()).unwrap())
}

/// `/d/e/f` is a file, and links point here and there.
fn tree() -> Machine {
    let mut machine = Machine::new();
    machine.path(INIT, MKDIR, "/d").unwrap();
    machine.path(INIT, MKDIR, "/d/e").unwrap();
    machine.create(INIT, "/d/e/f", b"file");
    for (target, path) in [
        ("e/f", "/d/relative"),
        ("/d/e", "/absolute"),
        ("loop2", "/loop1"),
        ("loop1", "/loop2"),
        ("no", "/dangling"),
    ] {
        symlink(&mut machine, target, path).unwrap();
    }
    machine
}

#[test]
fn paths_lead_where_linux_says() {
    let mut machine = tree();
    let long_name = format!("/{}", "x".repeat(256));
    let long_path = "/d/..".repeat(820);
    let file = Ok(4);
    for (path, expected) in [
        ("/d/e/f", file),
        ("//d///e/./f", file),
        ("/d/../d/e/../../d/e/f", file),
        ("/../../d/e/f", file),
        ("/d/relative", file),
        ("/absolute/f", file),
        ("/absolute/../e/f", file),
        ("", Err(Errno::ENOENT)),
        ("/x", Err(Errno::ENOENT)),
        ("/x/y", Err(Errno::ENOENT)),
        ("/d/e/f/g", Err(Errno::ENOTDIR)),
        ("/d/e/f/", Err(Errno::ENOTDIR)),
        ("/d/relative/", Err(Errno::ENOTDIR)),
        ("/d/e/f/..", Err(Errno::ENOTDIR)),
        ("/loop1", Err(Errno::ELOOP)),
        ("/loop1/x", Err(Errno::ELOOP)),
        ("/dangling", Err(Errno::ENOENT)),
        (&long_name, Err(Errno::ENAMETOOLONG)),
        (&long_path, Err(Errno::ENAMETOOLONG)),
    ] {
        let found = machine.stat(INIT, path, 0).map(|stat| stat.size());
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let mut machine = Machine::new();
    machine.create(INIT, "/0", b"end");
    for number in 1..=41 {
        symlink(
            &mut machine,
            &format!("{}", number - 1),
            &format!("/{number}"),
        )
        .unwrap();
    }
    assert!(machine.stat(INIT, "/40", 0).is_ok());
    assert_eq!(machine.stat(INIT, "/41", 0).err(), Some(Errno::ELOOP));
}

#[test]
fn the_link_itself_is_seen_without_following() {
    let mut machine = tree();
    let stat = machine
        .stat(INIT, "/absolute", AT_SYMLINK_NOFOLLOW)
        .unwrap();
    assert_eq!((stat.mode(), stat.size()), (S_IFLNK | 0o777, 4));
    let through = machine
        .stat(INIT, "/absolute/", AT_SYMLINK_NOFOLLOW)
        .unwrap();
    assert_eq!(through.mode() & S_IFMT, S_IFDIR);
    let request = Request::ReadLink {
        directory: AT_FDCWD,
    };
    let (answer, [_, target]) = machine.ask(INIT, request, [b"/absolute", &[0; 10]]);
    assert_eq!(
        (answer, &target[..4]),
        (Ok(Reply::Count(4)), b"/d/e".as_slice())
    );
    assert_eq!(
        machine.ask(INIT, request, [b"/d", &[0; 10]]).0,
        Err(Errno::EINVAL)
    );
    assert_eq!(
        machine.open(INIT, "/absolute", O_NOFOLLOW),
        Err(Errno::ELOOP)
    );
    assert_eq!(
        machine.open(INIT, "/dangling", O_CREAT | O_EXCL),
        Err(Errno::EEXIST)
    );
    assert!(machine.open(INIT, "/dangling", O_CREAT).is_ok());
    assert!(
        machine.stat(INIT, "/no", 0).is_ok(),
        "the target was created"
    );
}

#[test]
fn search_permission_is_needed_on_the_way() {
    let mut machine = tree();
    let user = machine.child(2, 100, 100);
    let chmod = |mode| Request::ChangeMode {
        directory: AT_FDCWD,
        mode,
        flags: 0,
    };
    for (mode, expected) in [
        (0o755, Ok(())),
        (0o711, Ok(())),
        (0o744, Err(Errno::EACCES)),
        (0o700, Err(Errno::EACCES)),
    ] {
        machine.path(INIT, chmod(mode), "/d").unwrap();
        assert_eq!(
            machine.stat(user, "/d/e/f", 0).map(drop),
            expected,
            "{mode:o}"
        );
        assert!(machine.stat(INIT, "/d/e/f", 0).is_ok(), "root may");
    }
    machine.path(INIT, chmod(0o711), "/d").unwrap();
    assert_eq!(machine.open(user, "/d", O_RDONLY), Err(Errno::EACCES));
    assert_eq!(machine.open(user, "/d/new", O_CREAT), Err(Errno::EACCES));
    assert_eq!(
        machine.path(user, UNLINK, "/d/relative"),
        Err(Errno::EACCES)
    );
}

#[test]
fn new_files_get_owner_umask_and_group_of_their_directory() {
    let mut machine = Machine::new();
    let user = machine.child(2, 100, 200);
    machine.path(INIT, MKDIR, "/t").unwrap();
    let chmod = |mode| Request::ChangeMode {
        directory: AT_FDCWD,
        mode,
        flags: 0,
    };
    machine.path(INIT, chmod(0o1777), "/t").unwrap();
    machine
        .ask(user, Request::Umask { mask: 0o027 }, [b"", b""])
        .0
        .unwrap();
    machine.open_mode(user, "/t/a", O_CREAT, 0o666).unwrap();
    let stat = machine.stat(user, "/t/a", 0).unwrap();
    assert_eq!((stat.mode() & 0o7777, stat.owner()), (0o640, (100, 200)));
    machine.path(INIT, chmod(0o3777), "/t").unwrap();
    machine.path(user, MKDIR, "/t/b").unwrap();
    let stat = machine.stat(user, "/t/b", 0).unwrap();
    assert_eq!((stat.mode() & 0o7777, stat.owner()), (0o2750, (100, 0)));
}

#[test]
fn a_sticky_directory_protects_against_others() {
    let mut machine = Machine::new();
    let (owner, other) = (machine.child(2, 100, 100), machine.child(3, 101, 101));
    machine.path(INIT, MKDIR, "/t").unwrap();
    machine
        .path(
            INIT,
            Request::ChangeMode {
                directory: AT_FDCWD,
                mode: 0o1777,
                flags: 0,
            },
            "/t",
        )
        .unwrap();
    machine.create(owner, "/t/a", b"");
    machine.create(other, "/t/b", b"");
    assert_eq!(machine.path(other, UNLINK, "/t/a"), Err(Errno::EPERM));
    assert_eq!(
        rename(&mut machine, other, "/t/a", "/t/c", 0),
        Err(Errno::EPERM)
    );
    assert_eq!(
        rename(&mut machine, other, "/t/b", "/t/a", 0),
        Err(Errno::EPERM)
    );
    assert_eq!(machine.path(owner, UNLINK, "/t/a"), Ok(Reply::Done));
}

#[test]
fn access_asks_for_the_real_user() {
    let mut machine = tree();
    let user = machine.child(2, 0, 0);
    let mut set_uid = entry(2, 0, 0);
    set_uid.uid[id::REAL] = 100;
    set_uid.gid = [100; 3];
    machine.publish(set_uid);
    machine
        .path(
            INIT,
            Request::ChangeMode {
                directory: AT_FDCWD,
                mode: 0o600,
                flags: 0,
            },
            "/d/e/f",
        )
        .unwrap();
    let access = |mode, flags| Request::Access {
        directory: AT_FDCWD,
        mode,
        flags,
    };
    assert_eq!(
        machine.path(user, access(4, 0), "/d/e/f"),
        Err(Errno::EACCES)
    );
    assert_eq!(
        machine.path(user, access(4, AT_EACCESS), "/d/e/f"),
        Ok(Reply::Done)
    );
    assert_eq!(
        machine.path(user, access(1, AT_EACCESS), "/d/e/f"),
        Err(Errno::EACCES)
    );
    assert_eq!(
        machine.path(user, access(8, 0), "/d/e/f"),
        Err(Errno::EINVAL)
    );
}

#[test]
fn owners_are_changed_only_by_root_and_set_id_bits_go() {
    let mut machine = tree();
    let user = machine.child(2, 100, 100);
    machine.create(INIT, "/f", b"");
    let chown = |uid, gid| Request::ChangeOwner {
        directory: AT_FDCWD,
        uid,
        gid,
        flags: 0,
    };
    let chmod = |mode| Request::ChangeMode {
        directory: AT_FDCWD,
        mode,
        flags: 0,
    };
    assert_eq!(machine.path(INIT, chown(100, 7), "/f"), Ok(Reply::Done));
    assert_eq!(machine.path(user, chmod(0o6755), "/f"), Ok(Reply::Done));
    let mode = machine.stat(INIT, "/f", 0).unwrap().mode() & 0o7777;
    assert_eq!(mode, 0o4755, "the owner is not in the file's group");
    assert_eq!(
        machine.path(user, chown(101, u32::MAX), "/f"),
        Err(Errno::EPERM)
    );
    assert_eq!(
        machine.path(user, chown(u32::MAX, 8), "/f"),
        Err(Errno::EPERM)
    );
    assert_eq!(
        machine.path(user, chown(u32::MAX, 100), "/f"),
        Ok(Reply::Done)
    );
    assert_eq!(machine.stat(INIT, "/f", 0).unwrap().mode() & 0o7777, 0o755);
    assert_eq!(machine.path(user, chmod(0o777), "/d"), Err(Errno::EPERM));
}

#[test]
fn removing_has_the_errors_of_linux() {
    let mut machine = tree();
    for (request, path, expected) in [
        (UNLINK, "/d", Errno::EISDIR),
        (UNLINK, "/x", Errno::ENOENT),
        (UNLINK, "/d/e/f/", Errno::ENOTDIR),
        (RMDIR, "/d", Errno::ENOTEMPTY),
        (RMDIR, "/d/e/f", Errno::ENOTDIR),
        (RMDIR, "/absolute", Errno::ENOTDIR),
        (RMDIR, "/d/.", Errno::EINVAL),
        (RMDIR, "/d/e/..", Errno::ENOTEMPTY),
        (RMDIR, "/", Errno::EBUSY),
        (RMDIR, "/dev", Errno::EBUSY),
        (MKDIR, "/d", Errno::EEXIST),
        (MKDIR, "/absolute", Errno::EEXIST),
        (MKDIR, "/x/y", Errno::ENOENT),
        (MKDIR, "/d/e/f/g", Errno::ENOTDIR),
        (MKDIR, "/proc/x", Errno::EACCES),
    ] {
        assert_eq!(machine.path(INIT, request, path), Err(expected), "{path}");
    }
}

#[test]
fn rename_replaces_at_once_and_keeps_the_tree_a_tree() {
    let mut machine = tree();
    machine.create(INIT, "/g", b"other");
    let open = machine.open(INIT, "/g", O_RDONLY).unwrap();
    assert_eq!(
        rename(&mut machine, INIT, "/d/e/f", "/g", RENAME_NOREPLACE),
        Err(Errno::EEXIST)
    );
    assert_eq!(
        rename(&mut machine, INIT, "/d/e/f", "/g", RENAME_EXCHANGE),
        Err(Errno::EINVAL)
    );
    assert_eq!(
        rename(&mut machine, INIT, "/d/e/f", "/g", 0),
        Ok(Reply::Done)
    );
    assert_eq!(machine.content(INIT, "/g"), Ok(b"file".to_vec()));
    assert_eq!(
        machine.read(INIT, open, 9),
        Ok(b"other".to_vec()),
        "the replaced file is still open"
    );
    for (old, new, expected) in [
        ("/d", "/d/e/x", Errno::EINVAL),
        ("/d", "/g", Errno::ENOTDIR),
        ("/g", "/d", Errno::EISDIR),
        ("/d/e", "/d", Errno::ENOTEMPTY),
        ("/d/.", "/x", Errno::EBUSY),
        ("/x", "/y", Errno::ENOENT),
        ("/g", "/dev/g", Errno::EXDEV),
        ("/dev", "/x", Errno::EBUSY),
        ("/g", "/x/", Errno::ENOTDIR),
    ] {
        assert_eq!(
            rename(&mut machine, INIT, old, new, 0),
            Err(expected),
            "{old} {new}"
        );
    }
    assert_eq!(
        rename(&mut machine, INIT, "/d", "/d", 0),
        Ok(Reply::Done),
        "the same file stays"
    );
    machine.path(INIT, MKDIR, "/empty").unwrap();
    assert_eq!(
        rename(&mut machine, INIT, "/d/e", "/empty", 0),
        Ok(Reply::Done)
    );
    machine
        .path(INIT, Request::ChangeDirectory, "/empty")
        .unwrap();
    assert_eq!(cwd(&mut machine, INIT), Ok("/empty".into()));
    assert_eq!(machine.stat(INIT, "/d", 0).unwrap().links(), 2);
}

#[test]
fn hard_links_are_one_file() {
    let mut machine = tree();
    assert_eq!(link(&mut machine, INIT, "/d/e/f", "/f2"), Ok(Reply::Done));
    let (one, two) = (
        machine.stat(INIT, "/d/e/f", 0).unwrap(),
        machine.stat(INIT, "/f2", 0).unwrap(),
    );
    assert_eq!((one.inode(), one.links()), (two.inode(), 2));
    assert_eq!(link(&mut machine, INIT, "/d", "/d2"), Err(Errno::EPERM));
    assert_eq!(
        link(&mut machine, INIT, "/f2", "/d/e/f"),
        Err(Errno::EEXIST)
    );
    assert_eq!(link(&mut machine, INIT, "/f2", "/dev/f"), Err(Errno::EXDEV));
    machine.path(INIT, UNLINK, "/d/e/f").unwrap();
    assert_eq!(machine.content(INIT, "/f2"), Ok(b"file".to_vec()));
    assert_eq!(machine.stat(INIT, "/f2", 0).unwrap().links(), 1);
}

#[test]
fn the_current_directory_is_followed_until_it_is_removed() {
    let mut machine = tree();
    machine
        .path(INIT, Request::ChangeDirectory, "/d/e")
        .unwrap();
    assert_eq!(cwd(&mut machine, INIT), Ok("/d/e".into()));
    assert_eq!(machine.stat(INIT, "f", 0).map(|stat| stat.size()), Ok(4));
    assert_eq!(
        machine
            .ask(INIT, Request::CurrentDirectory, [&[0; 4], b""])
            .0,
        Err(Errno::ERANGE)
    );
    machine.path(INIT, UNLINK, "f").unwrap();
    machine.path(INIT, RMDIR, "/d/e").unwrap();
    assert_eq!(cwd(&mut machine, INIT), Err(Errno::ENOENT));
    assert_eq!(machine.open(INIT, "new", O_CREAT), Err(Errno::ENOENT));
    assert_eq!(
        machine.path(INIT, Request::ChangeDirectory, "/d/relative"),
        Err(Errno::ENOENT)
    );
    machine
        .path(INIT, Request::ChangeDirectory, "/dev/shm")
        .unwrap();
    assert_eq!(cwd(&mut machine, INIT), Ok("/dev/shm".into()));
    machine
        .path(INIT, Request::ChangeDirectory, "../../proc/1/fd")
        .unwrap();
    assert_eq!(cwd(&mut machine, INIT), Ok("/proc/1/fd".into()));
}

#[test]
fn chroot_is_a_wall_and_only_for_root() {
    let mut machine = tree();
    let user = machine.child(2, 100, 100);
    assert_eq!(
        machine.path(user, Request::ChangeRoot, "/d"),
        Err(Errno::EPERM)
    );
    let jailed = machine.child(3, 0, 0);
    machine.path(jailed, Request::ChangeRoot, "/d").unwrap();
    machine.path(jailed, Request::ChangeDirectory, "/").unwrap();
    assert_eq!(
        machine
            .stat(jailed, "/../../e/f", 0)
            .map(|stat| stat.size()),
        Ok(4)
    );
    assert_eq!(machine.stat(jailed, "/dev", 0).err(), Some(Errno::ENOENT));
    assert_eq!(cwd(&mut machine, jailed), Ok("/".into()));
}

#[test]
fn mounts_cover_and_uncover() {
    let mut machine = tree();
    let mount = Request::Mount { kind: 0, flags: 0 };
    machine.path(INIT, mount, "/d").unwrap();
    assert_eq!(machine.stat(INIT, "/d/e", 0).err(), Some(Errno::ENOENT));
    machine.create(INIT, "/d/new", &[1; 5000]);
    let fd = machine.open(INIT, "/d/new", O_RDONLY).unwrap();
    assert_eq!(
        machine.path(INIT, Request::Unmount { flags: 0 }, "/d"),
        Err(Errno::EBUSY)
    );
    machine.close(INIT, fd).unwrap();
    assert_eq!(
        machine.path(INIT, Request::Unmount { flags: 0 }, "/d"),
        Ok(Reply::Done)
    );
    assert!(machine.stat(INIT, "/d/e/f", 0).is_ok());
    assert!(
        machine.ports.memory.objects.is_empty(),
        "its files are gone"
    );
    assert_eq!(
        machine.path(INIT, Request::Unmount { flags: 0 }, "/d"),
        Err(Errno::EINVAL)
    );
    let user = machine.child(2, 100, 100);
    assert_eq!(machine.path(user, mount, "/d"), Err(Errno::EPERM));
}

#[test]
fn descriptors_of_directories_start_relative_paths() {
    let mut machine = tree();
    let directory = machine.open(INIT, "/d/e", O_DIRECTORY | O_PATH).unwrap();
    let file = machine.open(INIT, "/d/e/f", O_RDONLY).unwrap();
    let open = |directory| Request::Open {
        directory,
        flags: O_RDONLY,
        mode: 0,
    };
    assert!(machine.path(INIT, open(directory), "f").is_ok());
    assert_eq!(machine.path(INIT, open(file), "f"), Err(Errno::ENOTDIR));
    assert_eq!(machine.path(INIT, open(50), "f"), Err(Errno::EBADF));
    assert!(
        machine.path(INIT, open(50), "/d/e/f").is_ok(),
        "an absolute path needs no directory"
    );
}

#[test]
fn a_relative_path_of_statfs_starts_at_the_current_directory() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", b"");
    let wish = Request::StatFileSystem { fd: -1 };
    for path in [b"file".as_slice(), b".", b"/file"] {
        let (answer, leases) = machine.ask(INIT, wish, [path, &[0; 120]]);
        assert_eq!(answer, Ok(Reply::Done));
        assert_eq!(leases[1][..4], 0x0102_1994u32.to_le_bytes(), "tmpfs");
    }
    let (answer, _) = machine.ask(INIT, wish, [b"none", &[0; 120]]);
    assert_eq!(answer, Err(Errno::ENOENT));
}
