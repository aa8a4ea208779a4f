//! Descriptors, offsets, names, directories.

use crate::{
    Case,
    support::{Check, Context, Place, content, ensure, equal, in_child, make, open, refused},
};
use libsys::{dir, file, prelude::*};

pub const CASES: &[Case] = &[
    ("lowest-descriptor", lowest_descriptor),
    ("shared-offset", shared_offset),
    ("append", append),
    ("holes", holes),
    ("unlink-while-open", unlink_while_open),
    ("rename-replaces", rename_replaces),
    ("links", links),
    ("directories", directories),
    ("getdents-while-deleting", getdents_while_deleting),
    ("truncate", truncate),
    ("descriptor-limit", descriptor_limit),
    ("proc-files", proc_files),
    ("devices", devices),
];

fn lowest_descriptor() -> Check {
    let _place = Place::new()?;
    let fds = [
        open("a", file::O_CREAT)?,
        open("b", file::O_CREAT)?,
        open("c", file::O_CREAT)?,
    ];
    file::close(fds[0]).doing("close")?;
    equal("open after close", open("a", 0)?, fds[0])?;
    file::close(fds[1]).doing("close")?;
    equal("dup after close", file::dup(fds[2]), Ok(fds[1]))?;
    equal("dup2", file::dup2(fds[2], 40), Ok(40))?;
    equal("dup2 onto itself", file::dup2(40, 40), Ok(40))?;
    equal("F_DUPFD", file::fcntl(40, file::F_DUPFD, 20), Ok(20))?;
    equal(
        "dup3 sets close-on-exec",
        file::dup3(40, 41, file::O_CLOEXEC),
        Ok(41),
    )?;
    equal(
        "F_GETFD",
        file::fcntl(41, file::F_GETFD, 0),
        Ok(file::FD_CLOEXEC),
    )?;
    equal(
        "dup clears it",
        file::dup(41).and_then(|fd| file::fcntl(fd, file::F_GETFD, 0)),
        Ok(0),
    )
}

fn shared_offset() -> Check {
    let _place = Place::new()?;
    make("file", b"abcdef")?;
    let fd = open("file", 0)?;
    let copy = file::dup(fd).doing("dup")?;
    let other = open("file", 0)?;
    let mut byte = [0];
    file::read(fd, &mut byte).doing("read")?;
    file::read(copy, &mut byte).doing("read")?;
    equal("a copy shares the offset", byte, *b"b")?;
    in_child(|| i32::from(file::read(fd, &mut [0]).is_err()))?;
    file::read(fd, &mut byte).doing("read")?;
    equal("a child shares it", byte, *b"d")?;
    file::read(other, &mut byte).doing("read")?;
    equal("another open does not", byte, *b"a")?;
    file::pread(fd, &mut byte, 0).doing("pread")?;
    equal("pread leaves it", file::lseek(fd, 0, file::SEEK_CUR), Ok(4))
}

fn append() -> Check {
    let _place = Place::new()?;
    make("file", b"")?;
    let lines = 50;
    let children: Result<Vec<u32>, String> = (0..4u8)
        .map(|number| {
            crate::support::start(|| {
                let Ok(fd) = file::open("file", file::O_WRONLY | file::O_APPEND, 0) else {
                    return 1;
                };
                let line = [b'a' + number; 9];
                let ok = (0..lines)
                    .all(|_| file::write(fd, &[line.as_slice(), b"\n"].concat()) == Ok(10));
                i32::from(!ok)
            })
        })
        .collect();
    for child in children? {
        equal("writer", crate::support::wait_for(child)?.exited(), Some(0))?;
    }
    let text = content("file")?;
    equal("lines", text.lines().count(), 4 * lines)?;
    ensure(
        "a line is torn",
        text.lines()
            .all(|line| line.len() == 9 && line.bytes().all(|b| b == line.as_bytes()[0])),
    )
}

fn holes() -> Check {
    let _place = Place::new()?;
    let fd = open("file", file::O_CREAT)?;
    file::pwrite(fd, b"end", 100_000).doing("pwrite")?;
    equal("size", file::fstat(fd).doing("fstat")?.bytes, 100_003)?;
    let mut buffer = vec![1; 100_003];
    equal("read", file::read(fd, &mut buffer), Ok(100_003))?;
    ensure(
        "a hole is not zero",
        buffer[..100_000].iter().all(|byte| *byte == 0),
    )?;
    equal("behind it", &buffer[100_000..], b"end".as_slice())
}

fn unlink_while_open() -> Check {
    let _place = Place::new()?;
    make("file", b"content")?;
    let fd = open("file", 0)?;
    file::unlink("file").doing("unlink")?;
    refused("open after unlink", file::open("file", 0, 0), Errno::ENOENT)?;
    make("file", b"another")?;
    let mut buffer = [0; 7];
    file::read(fd, &mut buffer).doing("read")?;
    equal("the old content", &buffer, b"content")?;
    equal("links", file::fstat(fd).doing("fstat")?.links, 0)?;
    file::write(fd, b" grows").doing("write")?;
    equal("the new file", content("file")?, String::from("another"))
}

fn rename_replaces() -> Check {
    let _place = Place::new()?;
    make("old", b"old")?;
    make("new", b"new")?;
    let fd = open("new", 0)?;
    file::rename("old", "new").doing("rename")?;
    equal("the name", content("new")?, String::from("old"))?;
    refused("the old name", file::stat("old"), Errno::ENOENT)?;
    let mut buffer = [0; 3];
    file::read(fd, &mut buffer).doing("read")?;
    equal("what was replaced lives while open", &buffer, b"new")?;
    file::mkdir("d", 0o755).doing("mkdir")?;
    file::mkdir("d/e", 0o755).doing("mkdir")?;
    refused(
        "a file onto a directory",
        file::rename("new", "d"),
        Errno::EISDIR,
    )?;
    refused(
        "a directory onto a file",
        file::rename("d", "new"),
        Errno::ENOTDIR,
    )?;
    refused(
        "a directory into itself",
        file::rename("d", "d/e/f"),
        Errno::EINVAL,
    )?;
    file::mkdir("x", 0o755).doing("mkdir")?;
    refused(
        "onto a full directory",
        file::rename("x", "d"),
        Errno::ENOTEMPTY,
    )?;
    file::rename("x", "d/e").doing("rename onto an empty directory")?;
    file::rename("new", "new").doing("rename onto itself")
}

fn links() -> Check {
    let _place = Place::new()?;
    make("file", b"content")?;
    file::link("file", "hard").doing("link")?;
    file::symlink("file", "soft").doing("symlink")?;
    let (a, b) = (
        file::stat("file").doing("stat")?,
        file::stat("hard").doing("stat")?,
    );
    equal("inode", a.inode, b.inode)?;
    equal("links", a.links, 2)?;
    equal("readlink", file::readlink("soft"), Ok(b"file".to_vec()))?;
    ensure(
        "lstat",
        file::lstat("soft").doing("lstat")?.is_symbolic_link(),
    )?;
    equal(
        "stat through it",
        file::stat("soft").doing("stat")?.inode,
        a.inode,
    )?;
    file::unlink("file").doing("unlink")?;
    equal("the other name", content("hard")?, String::from("content"))?;
    refused("a dangling link", file::open("soft", 0, 0), Errno::ENOENT)?;
    refused("link of a directory", file::link("/tmp", "d"), Errno::EPERM)
}

fn directories() -> Check {
    let place = Place::new()?;
    file::mkdir("a", 0o755).doing("mkdir")?;
    file::mkdir("a/b", 0o755).doing("mkdir")?;
    make("a/f", b"")?;
    refused("rmdir of a full one", file::rmdir("a"), Errno::ENOTEMPTY)?;
    equal("links", file::stat("a").doing("stat")?.links, 3)?;
    file::chdir("a/b").doing("chdir")?;
    ensure("getcwd", file::getcwd().doing("getcwd")?.ends_with(b"/a/b"))?;
    file::chdir("../..").doing("chdir")?;
    let entries: Result<Vec<_>, Errno> = dir::read_dir("a").doing("read_dir")?.collect();
    let mut names: Vec<Vec<u8>> = entries
        .doing("getdents64")?
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    names.sort();
    equal(
        "names",
        names,
        [".", "..", "b", "f"]
            .map(|name| name.as_bytes().to_vec())
            .to_vec(),
    )?;
    let fd = file::open("a", file::O_RDONLY | file::O_DIRECTORY, 0).doing("open")?;
    file::fchdir(fd).doing("fchdir")?;
    equal(
        "relative to it",
        file::openat(fd, "f", file::O_RDONLY, 0).is_ok(),
        true,
    )?;
    drop(place);
    Ok(())
}

fn getdents_while_deleting() -> Check {
    let _place = Place::new()?;
    for number in 0..100 {
        make(&format!("file{number}"), b"")?;
    }
    let mut seen = Vec::new();
    for entry in dir::read_dir(".").doing("read_dir")? {
        let name = entry.doing("getdents64")?.name;
        if name.starts_with(b"file") {
            file::unlink(&name).doing("unlink")?;
            ensure("a name is listed twice", !seen.contains(&name))?;
            seen.push(name);
        }
    }
    equal("names listed", seen.len(), 100)?;
    equal("names left", programs::names(b".").doing("names")?.len(), 0)
}

fn truncate() -> Check {
    let _place = Place::new()?;
    make("file", &[b'x'; 10_000])?;
    file::truncate("file", 5).doing("truncate")?;
    equal("content", content("file")?, String::from("xxxxx"))?;
    file::truncate("file", 8).doing("truncate")?;
    equal(
        "grown with zeros",
        content("file")?,
        String::from("xxxxx\0\0\0"),
    )?;
    let fd = file::open("file", file::O_WRONLY | file::O_TRUNC, 0).doing("open")?;
    equal("O_TRUNC", file::fstat(fd).doing("fstat")?.bytes, 0)?;
    refused(
        "truncate of a directory",
        file::truncate("/tmp", 0),
        Errno::EISDIR,
    )
}

fn descriptor_limit() -> Check {
    let mut fds = Vec::new();
    let last = loop {
        match file::dup(0).or_else(|_| file::open("/", file::O_RDONLY, 0)) {
            Ok(fd) => fds.push(fd),
            Err(errno) => break errno,
        }
        if fds.len() > 5000 {
            return Err(String::from("no limit"));
        }
    };
    equal("at the limit", last, Errno::EMFILE)?;
    refused("pipe at the limit", file::pipe(), Errno::EMFILE)?;
    fds.iter()
        .try_for_each(|fd| file::close(*fd))
        .doing("close")?;
    let (read, write) = file::pipe().doing("pipe")?;
    file::close(read).and(file::close(write)).doing("close")
}

fn proc_files() -> Check {
    let stat = content("/proc/self/stat")?;
    let own = format!("{} ", libsys::process::getpid());
    // Who reads is waiting for the file server just then, so it may be shown as R or as S.
    ensure(
        "/proc/self/stat",
        stat.starts_with(&own) && stat.contains("(usertests) "),
    )?;
    ensure(
        "/proc/meminfo",
        content("/proc/meminfo")?.contains("MemTotal:"),
    )?;
    ensure("/proc/self/status", content("/proc/self/status").is_ok())?;
    let limit: u32 = content("/proc/sys/kernel/pid_max")?
        .trim()
        .parse()
        .unwrap_or(0);
    ensure("pid_max", limit >= 200)
}

fn devices() -> Check {
    let null = file::open("/dev/null", file::O_RDWR, 0).doing("open /dev/null")?;
    equal("write to null", file::write(null, b"xyz"), Ok(3))?;
    equal("read of null", file::read(null, &mut [0; 4]), Ok(0))?;
    let zero = file::open("/dev/zero", file::O_RDONLY, 0).doing("open /dev/zero")?;
    let mut buffer = [1; 16];
    equal("read of zero", file::read(zero, &mut buffer), Ok(16))?;
    equal("zeros", buffer, [0; 16])?;
    let random = file::open("/dev/random", file::O_RDONLY, 0).doing("open /dev/random")?;
    equal("read of random", file::read(random, &mut buffer), Ok(16))?;
    ensure("random bytes", buffer != [0; 16])
}
