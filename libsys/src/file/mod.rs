//! Files, directories, names, pipes: the calls of POSIX on descriptors and paths.

mod control;
pub mod flags;
mod metadata;
mod mounts;
mod names;
mod termios;

pub use control::*;
pub use flags::*;
pub use metadata::*;
pub use mounts::*;
pub use names::*;
pub use termios::*;

use crate::lease::Loan;
use crate::posix::{ask, restarting, unexpected};
use crate::process::{RLIM_INFINITY, getrlimit, resource::RLIMIT_FSIZE};
use crate::{request, signal};
use abi::{Errno, Handle};
use alloc::vec;
use alloc::vec::Vec;
use proto::vfs::{Reply, Request, Vfs};

pub use proto::vfs::{AT_FDCWD, Fd, PATH_MAX, PIPE_BUF};

/// Leaves an id of [`chown`] as it is.
pub const KEEP: u32 = u32::MAX;

#[inline(always)]
fn vfs(request: &Request, loans: [Loan<'_>; 2]) -> Result<Reply, Errno> {
    ask::<Vfs>(Handle::VFS, request, loans)
}

#[inline(always)]
fn count(reply: Reply) -> Result<u64, Errno> {
    match reply {
        Reply::Count(count) => Ok(count),
        _ => Err(unexpected()),
    }
}

#[inline(always)]
fn descriptor(reply: Reply) -> Result<Fd, Errno> {
    match reply {
        Reply::Descriptor(fd) => Ok(fd),
        _ => Err(unexpected()),
    }
}

#[inline(always)]
fn plain(request: &Request) -> Result<(), Errno> {
    vfs(request, [Loan::NONE; 2]).map(drop)
}

#[inline(always)]
fn with_path(request: &Request, path: &[u8]) -> Result<Reply, Errno> {
    vfs(request, [Loan::read(path), Loan::NONE])
}

#[inline(always)]
fn with_paths(request: &Request, first: &[u8], second: &[u8]) -> Result<Reply, Errno> {
    vfs(request, [Loan::read(first), Loan::read(second)])
}

/// Opens `path` relative to the directory `directory`; the lowest free descriptor is used.
///
/// # Errors
/// As `open(2)`.
pub fn openat(directory: Fd, path: impl AsRef<[u8]>, flags: u32, mode: u32) -> Result<Fd, Errno> {
    descriptor(with_path(
        &Request::Open {
            directory,
            flags,
            mode,
        },
        path.as_ref(),
    )?)
}

/// Opens `path`.
///
/// # Errors
/// As `open(2)`.
pub fn open(path: impl AsRef<[u8]>, flags: u32, mode: u32) -> Result<Fd, Errno> {
    openat(AT_FDCWD, path, flags, mode)
}

/// Creates or empties `path` and opens it for writing.
///
/// # Errors
/// As `open(2)`.
pub fn creat(path: impl AsRef<[u8]>, mode: u32) -> Result<Fd, Errno> {
    open(path, O_WRONLY | O_CREAT | O_TRUNC, mode)
}

/// Closes a descriptor.
///
/// # Errors
/// `EBADF`.
pub fn close(fd: Fd) -> Result<(), Errno> {
    plain(&Request::Close { fd })
}

/// Reads up to `buffer.len()` bytes; 0 is the end of the file.
///
/// # Errors
/// As `read(2)`.
pub fn read(fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
    read_loan(fd, Loan::write(buffer))
}

/// As [`read`], into a loan.
///
/// # Errors
/// As `read(2)`.
pub fn read_loan(fd: Fd, loan: Loan<'_>) -> Result<usize, Errno> {
    let once =
        || request::request_transfer::<Vfs>(Handle::VFS, loan, |_| Request::Read { fd }, count);
    restarting(once).map(|bytes| bytes as usize)
}

/// Writes up to `bytes.len()` bytes.
///
/// # Errors
/// As `write(2)`; `EPIPE` after `SIGPIPE` was raised.
pub fn write(fd: Fd, bytes: &[u8]) -> Result<usize, Errno> {
    write_loan(fd, Loan::read(bytes))
}

/// As [`write`], from a loan.
///
/// # Errors
/// As `write(2)`.
pub fn write_loan(fd: Fd, loan: Loan<'_>) -> Result<usize, Errno> {
    let once =
        || request::request_transfer::<Vfs>(Handle::VFS, loan, |_| Request::Write { fd }, count);
    restarting(once)
        .map(|bytes| bytes as usize)
        .inspect_err(|&errno| tell_by_signal(errno))
}

/// Some errors come with a signal: who writes to a pipe that nobody reads, or makes a file larger than
/// the process may.
fn tell_by_signal(errno: Errno) {
    let limited = || getrlimit(RLIMIT_FSIZE).is_ok_and(|(soft, _)| soft != RLIM_INFINITY);
    let signal = match errno {
        Errno::EPIPE => signal::SIGPIPE,
        // A file may also be too large for anybody.
        Errno::EFBIG if limited() => signal::SIGXFSZ,
        _ => return,
    };
    let _ = signal::raise(signal);
}

/// Writes all of `bytes`.
///
/// # Errors
/// As [`write`]; some bytes may have been written.
pub fn write_all(fd: Fd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(fd, bytes) {
            Ok(0) => return Err(Errno::EIO),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Reads to the end of the file.
///
/// # Errors
/// As [`read`].
pub fn read_to_end(fd: Fd) -> Result<Vec<u8>, Errno> {
    let mut all = Vec::new();
    let mut piece = vec![0; 4096];
    loop {
        match read(fd, &mut piece) {
            Ok(0) => return Ok(all),
            Ok(bytes) => all.extend_from_slice(piece.get(..bytes).unwrap_or_default()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Reads at `offset`, without moving the file's own offset.
///
/// # Errors
/// As `pread(2)`.
pub fn pread(fd: Fd, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
    let loan = Loan::write(buffer);
    let at = |done| Request::ReadAt {
        fd,
        offset: offset.wrapping_add(done),
    };
    restarting(|| request::request_transfer::<Vfs>(Handle::VFS, loan, at, count))
        .map(|bytes| bytes as usize)
}

/// Writes at `offset`, without moving the file's own offset.
///
/// # Errors
/// As `pwrite(2)`.
pub fn pwrite(fd: Fd, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
    let loan = Loan::read(bytes);
    let at = |done| Request::WriteAt {
        fd,
        offset: offset.wrapping_add(done),
    };
    restarting(|| request::request_transfer::<Vfs>(Handle::VFS, loan, at, count))
        .map(|bytes| bytes as usize)
}

/// Moves the file's offset (`SEEK_SET`, `SEEK_CUR`, `SEEK_END`); returns it.
///
/// # Errors
/// As `lseek(2)`.
pub fn lseek(fd: Fd, offset: i64, whence: u32) -> Result<u64, Errno> {
    count(vfs(&Request::Seek { fd, offset, whence }, [Loan::NONE; 2])?)
}

/// Makes the lowest free descriptor a copy of `fd`.
///
/// # Errors
/// `EBADF`, `EMFILE`.
pub fn dup(fd: Fd) -> Result<Fd, Errno> {
    descriptor(vfs(&Request::Duplicate { fd }, [Loan::NONE; 2])?)
}

/// Makes `to` a copy of `fd`, closing what it was.
///
/// # Errors
/// `EBADF`.
pub fn dup2(fd: Fd, to: Fd) -> Result<Fd, Errno> {
    descriptor(vfs(
        &Request::DuplicateTo {
            fd,
            to,
            flags: 0,
            same_is_fine: true,
        },
        [Loan::NONE; 2],
    )?)
}

/// As [`dup2`] with flags (`O_CLOEXEC`); equal descriptors are refused.
///
/// # Errors
/// `EBADF`, `EINVAL`.
pub fn dup3(fd: Fd, to: Fd, flags: u32) -> Result<Fd, Errno> {
    descriptor(vfs(
        &Request::DuplicateTo {
            fd,
            to,
            flags,
            same_is_fine: false,
        },
        [Loan::NONE; 2],
    )?)
}

/// `fcntl` with a number as argument.
///
/// # Errors
/// As `fcntl(2)`.
pub fn fcntl(fd: Fd, command: u32, argument: u64) -> Result<u64, Errno> {
    count(vfs(
        &Request::Control {
            fd,
            command,
            argument,
        },
        [Loan::NONE; 2],
    )?)
}

/// A record lock (`struct flock`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// `F_RDLCK` 0, `F_WRLCK` 1, `F_UNLCK` 2.
    pub kind: i16,
    /// What `start` counts from.
    pub whence: i16,
    /// First byte.
    pub start: i64,
    /// Bytes; 0: to the end.
    pub length: i64,
    /// Who holds it, from `F_GETLK`.
    pub pid: i32,
}

/// Asks for, takes or waits for a record lock (`F_GETLK`, `F_SETLK`, `F_SETLKW`).
///
/// # Errors
/// As `fcntl(2)`.
pub fn lock(fd: Fd, command: u32, lock: &mut Lock) -> Result<(), Errno> {
    let mut bytes = [0; 32];
    bytes[0..2].copy_from_slice(&lock.kind.to_le_bytes());
    bytes[2..4].copy_from_slice(&lock.whence.to_le_bytes());
    bytes[8..16].copy_from_slice(&lock.start.to_le_bytes());
    bytes[16..24].copy_from_slice(&lock.length.to_le_bytes());
    bytes[24..28].copy_from_slice(&lock.pid.to_le_bytes());
    vfs(
        &Request::Lock { fd, command },
        [Loan::both(&mut bytes), Loan::NONE],
    )?;
    *lock = Lock {
        kind: get_u16(&bytes, 0) as i16,
        whence: get_u16(&bytes, 2) as i16,
        start: get_u64(&bytes, 8) as i64,
        length: get_u64(&bytes, 16) as i64,
        pid: get_u32(&bytes, 24) as i32,
    };
    Ok(())
}

/// Makes a pipe: the end to read and the end to write.
///
/// # Errors
/// `EMFILE`, `ENFILE`.
pub fn pipe() -> Result<(Fd, Fd), Errno> {
    pipe2(0)
}

/// Makes a pipe with flags (`O_CLOEXEC`, `O_NONBLOCK`).
///
/// # Errors
/// As [`pipe`], and `EINVAL`.
pub fn pipe2(flags: u32) -> Result<(Fd, Fd), Errno> {
    match vfs(&Request::Pipe { flags }, [Loan::NONE; 2])? {
        Reply::Descriptors { read, write } => Ok((read, write)),
        _ => Err(unexpected()),
    }
}

pub(crate) fn get_u16(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..at + 2)
        .and_then(|part| part.try_into().ok())
        .map_or(0, u16::from_le_bytes)
}

pub(crate) fn get_u32(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at + 4)
        .and_then(|part| part.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

pub(crate) fn get_u64(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
        .and_then(|part| part.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}
