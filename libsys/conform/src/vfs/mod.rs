//! What the file service owes. Profiles: `base` (descriptors, paths, reading), then what a server
//! may leave out: `read-only` or `write`, `devices`, `pipes`, `poll`, `locks`.
//!
//! Every system has these files: `/bin/sh` of at least 10000 bytes, which may be executed, `/etc/motd` of at least
//! 20 bytes, which may not, and the symbolic link `/usr/bin` to `../bin`.

mod descriptors;
mod devices;
mod locks;
mod paths;
mod pipes;
mod poll;
mod read_only;
mod reading;
mod write;

use crate::{Answer, Caller, Check, Lease, Promise, World, ask, refused};
use abi::Errno;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proto::vfs::{AT_FDCWD, Fd, Reply, Request, Vfs};

/// A world around a file server.
pub trait Files: World<Vfs> {
    /// A fresh, empty directory in which everybody may do everything; only asked for by promises of
    /// profiles that write.
    fn place(&mut self) -> Vec<u8>;
}

/// What the promises are checked in.
pub type W = dyn Files;

/// All promises.
pub const PROMISES: &[&[Promise<W>]] = &[
    descriptors::PROMISES,
    reading::PROMISES,
    paths::PROMISES,
    read_only::PROMISES,
    write::PROMISES,
    devices::PROMISES,
    pipes::PROMISES,
    poll::PROMISES,
    locks::PROMISES,
];

/// What a server claims that does all, and writes.
pub const FULL: &[&str] = &["base", "write", "devices", "pipes", "poll", "locks"];

/// A file that every system has, with at least 20 bytes.
const MOTD: &str = "/etc/motd";
/// A program that every system has.
const SHELL: &str = "/bin/sh";

/// Asks; the answer or the refusal.
fn call(
    w: &mut W,
    who: Caller,
    request: Request,
    leases: [Lease; 2],
) -> Result<Answer<Reply>, String> {
    ask::<Vfs, W>(w, who, request, leases)
}

/// Asks for what must succeed.
fn get(
    w: &mut W,
    who: Caller,
    request: Request,
    leases: [Lease; 2],
) -> Result<(Reply, [Vec<u8>; 2]), String> {
    let Answer { result, leases } = call(w, who, request, leases)?;
    match result {
        Ok(reply) => Ok((reply, leases)),
        Err(refusal) => Err(format!("{request:?}: {refusal:?}")),
    }
}

/// Expects a refusal.
fn refuse(w: &mut W, who: Caller, request: Request, leases: [Lease; 2], errno: Errno) -> Check {
    let shown = core::str::from_utf8(&leases[0].bytes).unwrap_or("");
    let what = format!("{request:?} {}", shown.get(..40).unwrap_or(shown));
    refused(&what, call(w, who, request, leases)?.plain(), errno)
}

fn none() -> [Lease; 2] {
    [Lease::none(), Lease::none()]
}

fn text(path: &str) -> [Lease; 2] {
    [Lease::of(path.as_bytes()), Lease::none()]
}

fn count(reply: Reply) -> Result<u64, String> {
    match reply {
        Reply::Count(count) => Ok(count),
        other => Err(format!("{other:?} is no count")),
    }
}

fn open_request(flags: u32) -> Request {
    Request::Open {
        directory: AT_FDCWD,
        flags,
        mode: 0o644,
    }
}

fn open(w: &mut W, who: Caller, path: &str, flags: u32) -> Result<Fd, String> {
    match get(w, who, open_request(flags), text(path))?.0 {
        Reply::Descriptor(fd) => Ok(fd),
        other => Err(format!("open({path}): {other:?}")),
    }
}

fn refuse_open(w: &mut W, who: Caller, path: &str, flags: u32, errno: Errno) -> Check {
    refuse(w, who, open_request(flags), text(path), errno)
}

fn close(w: &mut W, who: Caller, fd: Fd) -> Check {
    get(w, who, Request::Close { fd }, none()).map(drop)
}

fn read(w: &mut W, who: Caller, fd: Fd, bytes: usize) -> Result<Vec<u8>, String> {
    let room = [Lease::room(bytes), Lease::none()];
    taken(get(w, who, Request::Read { fd }, room)?)
}

fn read_at(w: &mut W, who: Caller, fd: Fd, offset: u64, bytes: usize) -> Result<Vec<u8>, String> {
    let room = [Lease::room(bytes), Lease::none()];
    taken(get(w, who, Request::ReadAt { fd, offset }, room)?)
}

/// The bytes that a transfer to lease 0 brought.
fn taken((reply, [mut bytes, _]): (Reply, [Vec<u8>; 2])) -> Result<Vec<u8>, String> {
    let length = count(reply)? as usize;
    if length > bytes.len() {
        return Err(format!("{length} bytes into room for {}", bytes.len()));
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn write(w: &mut W, who: Caller, fd: Fd, bytes: &[u8]) -> Result<u64, String> {
    let lease = [Lease::of(bytes), Lease::none()];
    count(get(w, who, Request::Write { fd }, lease)?.0)
}

fn seek(w: &mut W, who: Caller, fd: Fd, offset: i64, whence: u32) -> Result<u64, String> {
    count(get(w, who, Request::Seek { fd, offset, whence }, none())?.0)
}

fn control(w: &mut W, who: Caller, fd: Fd, command: u32, argument: u64) -> Result<u64, String> {
    let request = Request::Control {
        fd,
        command,
        argument,
    };
    count(get(w, who, request, none())?.0)
}

/// `struct stat`, as far as promises look at it.
struct Stat(Vec<u8>);

impl Stat {
    fn word(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[at..at + 4]);
        u32::from_le_bytes(bytes)
    }

    fn kind(&self) -> u32 {
        self.word(16) & crate::linux::S_IFMT
    }

    fn permissions(&self) -> u32 {
        self.word(16) & 0o7777
    }

    fn links(&self) -> u32 {
        self.word(20)
    }

    fn owner(&self) -> (u32, u32) {
        (self.word(24), self.word(28))
    }

    fn size(&self) -> u64 {
        u64::from(self.word(48)) | u64::from(self.word(52)) << 32
    }

    /// Device and inode: what tells files apart.
    fn identity(&self) -> (u64, u64) {
        let long = |at| u64::from(self.word(at)) | u64::from(self.word(at + 4)) << 32;
        (long(0), long(8))
    }
}

const STAT_BYTES: usize = 128;

fn stat(w: &mut W, who: Caller, path: &str, flags: u32) -> Result<Stat, String> {
    let request = Request::Stat {
        directory: AT_FDCWD,
        flags,
    };
    let leases = [Lease::of(path.as_bytes()), Lease::room(STAT_BYTES)];
    let (_, [_, bytes]) = get(w, who, request, leases)?;
    Ok(Stat(bytes))
}

fn refuse_stat(w: &mut W, who: Caller, path: &str, errno: Errno) -> Check {
    let request = Request::Stat {
        directory: AT_FDCWD,
        flags: 0,
    };
    let leases = [Lease::of(path.as_bytes()), Lease::room(STAT_BYTES)];
    refuse(w, who, request, leases, errno)
}

fn stat_descriptor(w: &mut W, who: Caller, fd: Fd) -> Result<Stat, String> {
    let leases = [Lease::room(STAT_BYTES), Lease::none()];
    let (_, [bytes, _]) = get(w, who, Request::StatDescriptor { fd }, leases)?;
    Ok(Stat(bytes))
}

/// One name of a listing, with its type (`DT_*`).
type Name = (Vec<u8>, u8);

/// The names that one `getdents64` with this much room brings.
fn list_once(w: &mut W, who: Caller, fd: Fd, room: usize) -> Result<Vec<Name>, String> {
    let lease = [Lease::room(room), Lease::none()];
    let bytes = taken(get(w, who, Request::List { fd }, lease)?)?;
    let mut rest = bytes.as_slice();
    let mut names = Vec::new();
    while !rest.is_empty() {
        let length = match rest.get(16..18) {
            Some(length) => usize::from(length[0]) | usize::from(length[1]) << 8,
            None => 0,
        };
        let entry = rest.get(..length).filter(|entry| entry.len() > 19);
        let entry = entry.ok_or("a listing has an entry that is cut off")?;
        let name = entry[19..].split(|&byte| byte == 0).next();
        names.push((name.unwrap_or_default().to_vec(), entry[18]));
        rest = &rest[length..];
    }
    Ok(names)
}

/// All names of a directory.
fn list(w: &mut W, who: Caller, path: &str, room: usize) -> Result<Vec<Name>, String> {
    let fd = open(w, who, path, crate::linux::O_DIRECTORY)?;
    let mut all = Vec::new();
    loop {
        let names = list_once(w, who, fd, room)?;
        if names.is_empty() {
            close(w, who, fd)?;
            return Ok(all);
        }
        all.extend(names);
    }
}

/// Makes a file with this content.
fn create(w: &mut W, who: Caller, path: &str, content: &[u8]) -> Check {
    use crate::linux::{O_CREAT, O_TRUNC, O_WRONLY};
    let fd = open(w, who, path, O_CREAT | O_WRONLY | O_TRUNC)?;
    let mut done = 0;
    while done < content.len() {
        done += write(w, who, fd, &content[done..])? as usize;
    }
    close(w, who, fd)
}

/// The whole content of a file.
fn content(w: &mut W, who: Caller, path: &str) -> Result<Vec<u8>, String> {
    let fd = open(w, who, path, 0)?;
    let mut all = Vec::new();
    loop {
        let piece = read(w, who, fd, 4096)?;
        if piece.is_empty() {
            close(w, who, fd)?;
            return Ok(all);
        }
        all.extend(piece);
    }
}

/// A process in a fresh directory.
fn in_place(w: &mut W, user: crate::User) -> Result<Caller, String> {
    let place = w.place();
    let who = w.caller(user);
    let lease = [Lease::of(&place), Lease::none()];
    get(w, who, Request::ChangeDirectory, lease)?;
    Ok(who)
}

/// A pipe's read and write ends.
fn pipe(w: &mut W, who: Caller, flags: u32) -> Result<(Fd, Fd), String> {
    match get(w, who, Request::Pipe { flags }, none())?.0 {
        Reply::Descriptors { read, write } => Ok((read, write)),
        other => Err(format!("pipe: {other:?}")),
    }
}
