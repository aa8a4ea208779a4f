//! Files, directories' names, pipes: the calls of POSIX on descriptors and paths.

use crate::lease::Loan;
use crate::posix::{ask, restarting, unexpected};
use crate::process::{RLIM_INFINITY, getrlimit, resource::RLIMIT_FSIZE};
use crate::{clock, request, signal};
use abi::{Errno, Handle};
use alloc::vec;
use alloc::vec::Vec;
use proto::vfs::{Reply, Request, Vfs};

pub use proto::vfs::{AT_FDCWD, Fd, PATH_MAX, PIPE_BUF};

/// Flags of [`open`], as in Linux/AArch64.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod flags {
    pub const O_RDONLY: u32 = 0;
    pub const O_WRONLY: u32 = 1;
    pub const O_RDWR: u32 = 2;
    pub const O_ACCMODE: u32 = 3;
    pub const O_CREAT: u32 = 0o100;
    pub const O_EXCL: u32 = 0o200;
    pub const O_NOCTTY: u32 = 0o400;
    pub const O_TRUNC: u32 = 0o1000;
    pub const O_APPEND: u32 = 0o2000;
    pub const O_NONBLOCK: u32 = 0o4000;
    pub const O_DIRECTORY: u32 = 0o40000;
    pub const O_NOFOLLOW: u32 = 0o100000;
    pub const O_CLOEXEC: u32 = 0o2000000;

    pub const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
    pub const AT_REMOVEDIR: u32 = 0x200;
    pub const AT_EACCESS: u32 = 0x200;
    pub const AT_SYMLINK_FOLLOW: u32 = 0x400;
    pub const AT_EMPTY_PATH: u32 = 0x1000;

    pub const SEEK_SET: u32 = 0;
    pub const SEEK_CUR: u32 = 1;
    pub const SEEK_END: u32 = 2;

    pub const R_OK: u32 = 4;
    pub const W_OK: u32 = 2;
    pub const X_OK: u32 = 1;
    pub const F_OK: u32 = 0;

    pub const F_DUPFD: u32 = 0;
    pub const F_GETFD: u32 = 1;
    pub const F_SETFD: u32 = 2;
    pub const F_GETFL: u32 = 3;
    pub const F_SETFL: u32 = 4;
    pub const F_GETLK: u32 = 5;
    pub const F_SETLK: u32 = 6;
    pub const F_SETLKW: u32 = 7;
    pub const F_DUPFD_CLOEXEC: u32 = 1030;
    pub const FD_CLOEXEC: u64 = 1;

    pub const POLLIN: i16 = 0x1;
    pub const POLLPRI: i16 = 0x2;
    pub const POLLOUT: i16 = 0x4;
    pub const POLLERR: i16 = 0x8;
    pub const POLLHUP: i16 = 0x10;
    pub const POLLNVAL: i16 = 0x20;

    pub const S_IFMT: u32 = 0o170000;
    pub const S_IFIFO: u32 = 0o010000;
    pub const S_IFCHR: u32 = 0o020000;
    pub const S_IFDIR: u32 = 0o040000;
    pub const S_IFBLK: u32 = 0o060000;
    pub const S_IFREG: u32 = 0o100000;
    pub const S_IFLNK: u32 = 0o120000;
    pub const S_IFSOCK: u32 = 0o140000;
}
pub use flags::*;

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

/// Length of `struct stat` in bytes.
const STAT_BYTES: usize = 128;

/// What is known of a file: `struct stat`, with times in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Device of the file system.
    pub device: u64,
    /// Number of the file in it.
    pub inode: u64,
    /// Kind ([`S_IFMT`]) and permissions.
    pub mode: u32,
    /// Number of names.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Which device this is.
    pub special_device: u64,
    /// Length in bytes.
    pub bytes: u64,
    /// Preferred size of transfers, in bytes.
    pub block_bytes: u32,
    /// Blocks of 512 bytes that it takes.
    pub blocks: u64,
    /// Last reading.
    pub accessed_ns: u64,
    /// Last writing.
    pub modified_ns: u64,
    /// Last change of what is told here.
    pub changed_ns: u64,
}

impl Metadata {
    fn from_bytes(stat: &[u8; STAT_BYTES]) -> Self {
        let time = |at| {
            get_u64(stat, at)
                .wrapping_mul(1_000_000_000)
                .wrapping_add(get_u64(stat, at + 8))
        };
        Self {
            device: get_u64(stat, 0),
            inode: get_u64(stat, 8),
            mode: get_u32(stat, 16),
            links: get_u32(stat, 20),
            uid: get_u32(stat, 24),
            gid: get_u32(stat, 28),
            special_device: get_u64(stat, 32),
            bytes: get_u64(stat, 48),
            block_bytes: get_u32(stat, 56),
            blocks: get_u64(stat, 64),
            accessed_ns: time(72),
            modified_ns: time(88),
            changed_ns: time(104),
        }
    }

    fn is(&self, kind: u32) -> bool {
        self.mode & S_IFMT == kind
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.is(S_IFDIR)
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.is(S_IFREG)
    }

    /// Whether it is a symbolic link.
    pub fn is_symbolic_link(&self) -> bool {
        self.is(S_IFLNK)
    }

    /// Permission bits, set-id bits included.
    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }
}

/// What is known of the file `path`, with `AT_SYMLINK_NOFOLLOW` and kin as flags.
///
/// # Errors
/// As `fstatat(2)`.
pub fn fstatat(directory: Fd, path: impl AsRef<[u8]>, flags: u32) -> Result<Metadata, Errno> {
    let mut bytes = [0; STAT_BYTES];
    vfs(
        &Request::Stat { directory, flags },
        [Loan::read(path.as_ref()), Loan::write(&mut bytes)],
    )?;
    Ok(Metadata::from_bytes(&bytes))
}

/// What is known of the file `path`.
///
/// # Errors
/// As `stat(2)`.
pub fn stat(path: impl AsRef<[u8]>) -> Result<Metadata, Errno> {
    fstatat(AT_FDCWD, path, 0)
}

/// As [`stat`], for a symbolic link itself.
///
/// # Errors
/// As `lstat(2)`.
pub fn lstat(path: impl AsRef<[u8]>) -> Result<Metadata, Errno> {
    fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)
}

/// What is known of an open file.
///
/// # Errors
/// `EBADF`.
pub fn fstat(fd: Fd) -> Result<Metadata, Errno> {
    let mut bytes = [0; STAT_BYTES];
    vfs(
        &Request::StatDescriptor { fd },
        [Loan::write(&mut bytes), Loan::NONE],
    )?;
    Ok(Metadata::from_bytes(&bytes))
}

/// Reads directory entries (`struct linux_dirent64`); 0 bytes at the end. See [`crate::dir`].
///
/// # Errors
/// As `getdents64(2)`.
pub fn getdents64(fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
    let bytes = count(vfs(
        &Request::List { fd },
        [Loan::write(buffer), Loan::NONE],
    )?)?;
    Ok(bytes as usize)
}

/// Changes the current directory.
///
/// # Errors
/// As `chdir(2)`.
pub fn chdir(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    with_path(&Request::ChangeDirectory, path.as_ref()).map(drop)
}

/// Changes the current directory to an open one.
///
/// # Errors
/// As `fchdir(2)`.
pub fn fchdir(fd: Fd) -> Result<(), Errno> {
    plain(&Request::ChangeDirectoryTo { fd })
}

/// The current directory's path.
///
/// # Errors
/// `ENOENT` if it was removed.
pub fn getcwd() -> Result<Vec<u8>, Errno> {
    let mut path = vec![0; PATH_MAX];
    let bytes = count(vfs(
        &Request::CurrentDirectory,
        [Loan::write(&mut path), Loan::NONE],
    )?)?;
    path.truncate((bytes as usize).saturating_sub(1));
    Ok(path)
}

/// Changes the root directory.
///
/// # Errors
/// As `chroot(2)`.
pub fn chroot(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    with_path(&Request::ChangeRoot, path.as_ref()).map(drop)
}

/// Makes a directory.
///
/// # Errors
/// As `mkdir(2)`.
pub fn mkdir(path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    mkdirat(AT_FDCWD, path, mode)
}

/// Makes a directory, relative to an open one.
///
/// # Errors
/// As `mkdirat(2)`.
pub fn mkdirat(directory: Fd, path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    with_path(&Request::MakeDirectory { directory, mode }, path.as_ref()).map(drop)
}

/// Makes a file, FIFO or device; `mode` says which.
///
/// # Errors
/// As `mknod(2)`.
pub fn mknod(path: impl AsRef<[u8]>, mode: u32, device: u64) -> Result<(), Errno> {
    with_path(
        &Request::MakeNode {
            directory: AT_FDCWD,
            mode,
            device,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// Makes a FIFO.
///
/// # Errors
/// As `mkfifo(3)`.
pub fn mkfifo(path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    mknod(path, S_IFIFO | (mode & 0o7777), 0)
}

/// Gives the file `old` the further name `new`.
///
/// # Errors
/// As `link(2)`.
pub fn link(old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> Result<(), Errno> {
    let request = Request::Link {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags: 0,
    };
    with_paths(&request, old.as_ref(), new.as_ref()).map(drop)
}

/// Removes a name.
///
/// # Errors
/// As `unlink(2)`.
pub fn unlink(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    unlinkat(AT_FDCWD, path, 0)
}

/// Removes an empty directory.
///
/// # Errors
/// As `rmdir(2)`.
pub fn rmdir(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    unlinkat(AT_FDCWD, path, AT_REMOVEDIR)
}

/// Removes a name, or with `AT_REMOVEDIR` a directory.
///
/// # Errors
/// As `unlinkat(2)`.
pub fn unlinkat(directory: Fd, path: impl AsRef<[u8]>, flags: u32) -> Result<(), Errno> {
    with_path(&Request::Unlink { directory, flags }, path.as_ref()).map(drop)
}

/// Makes `path` a symbolic link to `target`.
///
/// # Errors
/// As `symlink(2)`.
pub fn symlink(target: impl AsRef<[u8]>, path: impl AsRef<[u8]>) -> Result<(), Errno> {
    let request = Request::SymbolicLink {
        directory: AT_FDCWD,
    };
    with_paths(&request, target.as_ref(), path.as_ref()).map(drop)
}

/// What a symbolic link points to.
///
/// # Errors
/// As `readlink(2)`.
pub fn readlink(path: impl AsRef<[u8]>) -> Result<Vec<u8>, Errno> {
    let mut target = vec![0; PATH_MAX];
    let loans = [Loan::read(path.as_ref()), Loan::write(&mut target)];
    let bytes = count(vfs(
        &Request::ReadLink {
            directory: AT_FDCWD,
        },
        loans,
    )?)?;
    target.truncate(bytes as usize);
    Ok(target)
}

/// Renames `old` to `new`, replacing it atomically.
///
/// # Errors
/// As `rename(2)`.
pub fn rename(old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> Result<(), Errno> {
    let request = Request::Rename {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags: 0,
    };
    with_paths(&request, old.as_ref(), new.as_ref()).map(drop)
}

/// Sets a file's length.
///
/// # Errors
/// As `truncate(2)`.
pub fn truncate(path: impl AsRef<[u8]>, length: i64) -> Result<(), Errno> {
    with_path(&Request::Truncate { length }, path.as_ref()).map(drop)
}

/// Sets an open file's length.
///
/// # Errors
/// As `ftruncate(2)`.
pub fn ftruncate(fd: Fd, length: i64) -> Result<(), Errno> {
    plain(&Request::TruncateDescriptor { fd, length }).inspect_err(|&errno| tell_by_signal(errno))
}

/// Sets a file's permissions.
///
/// # Errors
/// As `chmod(2)`.
pub fn chmod(path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    with_path(
        &Request::ChangeMode {
            directory: AT_FDCWD,
            mode,
            flags: 0,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// Sets an open file's permissions.
///
/// # Errors
/// As `fchmod(2)`.
pub fn fchmod(fd: Fd, mode: u32) -> Result<(), Errno> {
    plain(&Request::ChangeModeDescriptor { fd, mode })
}

/// Sets a file's owner and group; [`KEEP`] leaves one.
///
/// # Errors
/// As `chown(2)`.
pub fn chown(path: impl AsRef<[u8]>, uid: u32, gid: u32) -> Result<(), Errno> {
    with_path(
        &Request::ChangeOwner {
            directory: AT_FDCWD,
            uid,
            gid,
            flags: 0,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// As [`chown`], for a symbolic link itself.
///
/// # Errors
/// As `lchown(2)`.
pub fn lchown(path: impl AsRef<[u8]>, uid: u32, gid: u32) -> Result<(), Errno> {
    let request = Request::ChangeOwner {
        directory: AT_FDCWD,
        uid,
        gid,
        flags: AT_SYMLINK_NOFOLLOW,
    };
    with_path(&request, path.as_ref()).map(drop)
}

/// Sets an open file's owner and group.
///
/// # Errors
/// As `fchown(2)`.
pub fn fchown(fd: Fd, uid: u32, gid: u32) -> Result<(), Errno> {
    plain(&Request::ChangeOwnerDescriptor { fd, uid, gid })
}

/// Whether the real user may do `mode` (`R_OK`, `W_OK`, `X_OK`) with a file.
///
/// # Errors
/// As `access(2)`.
pub fn access(path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    faccessat(AT_FDCWD, path, mode, 0)
}

/// As [`access`], with `AT_EACCESS` for the effective user.
///
/// # Errors
/// As `faccessat(2)`.
pub fn faccessat(
    directory: Fd,
    path: impl AsRef<[u8]>,
    mode: u32,
    flags: u32,
) -> Result<(), Errno> {
    with_path(
        &Request::Access {
            directory,
            mode,
            flags,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// Sets the mask of permissions that new files do not get; returns the old one.
///
/// # Errors
/// None in practice.
pub fn umask(mask: u32) -> Result<u32, Errno> {
    count(vfs(&Request::Umask { mask }, [Loan::NONE; 2])?).map(|old| old as u32)
}

/// A time of [`set_times`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Nanoseconds since 1970.
    At(u64),
    /// The present.
    Now,
    /// What it is.
    Keep,
}

impl Time {
    fn word(self) -> u64 {
        match self {
            Time::At(ns) => ns.min(u64::MAX - 2),
            Time::Now => u64::MAX - 1,
            Time::Keep => u64::MAX,
        }
    }
}

/// Sets the times of a file's last reading and writing (`utimensat`).
///
/// # Errors
/// As `utimensat(2)`.
pub fn set_times(path: impl AsRef<[u8]>, accessed: Time, modified: Time) -> Result<(), Errno> {
    let (accessed_ns, modified_ns) = (accessed.word(), modified.word());
    let request = Request::SetTimes {
        directory: AT_FDCWD,
        flags: 0,
        accessed_ns,
        modified_ns,
    };
    with_path(&request, path.as_ref()).map(drop)
}

/// `ioctl` with a number as argument.
///
/// # Errors
/// As `ioctl(2)`.
pub fn ioctl(fd: Fd, command: u32, argument: u64) -> Result<u64, Errno> {
    count(vfs(
        &Request::DeviceControl {
            fd,
            command,
            argument,
        },
        [Loan::NONE; 2],
    )?)
}

/// `ioctl` with a structure as argument, which may be changed.
///
/// # Errors
/// As `ioctl(2)`.
pub fn ioctl_bytes(fd: Fd, command: u32, argument: &mut [u8]) -> Result<u64, Errno> {
    count(vfs(
        &Request::DeviceControl {
            fd,
            command,
            argument: 0,
        },
        [Loan::both(argument), Loan::NONE],
    )?)
}

/// A descriptor of [`poll`] (`struct pollfd`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollFd {
    /// The descriptor; negative ones are skipped.
    pub fd: Fd,
    /// What is waited for (`POLLIN` …).
    pub events: i16,
    /// What is there.
    pub found: i16,
}

const POLLFD_BYTES: usize = 8;

/// Waits until a descriptor is ready, at most `timeout_ns`; returns how many are.
///
/// # Errors
/// `EINTR` after a handler ran.
pub fn poll(descriptors: &mut [PollFd], timeout_ns: Option<u64>) -> Result<usize, Errno> {
    let mut bytes: Vec<u8> = descriptors.iter().flat_map(poll_bytes).collect();
    let deadline = timeout_ns.map(|timeout| clock::now_ns().saturating_add(timeout));
    let left = || {
        deadline.map_or(u64::MAX, |deadline| {
            deadline.saturating_sub(clock::now_ns())
        })
    };
    let ready = crate::posix::interruptible(|| {
        let request = Request::Poll { timeout_ns: left() };
        count(request::request::<Vfs>(
            Handle::VFS,
            &request,
            [Loan::both(&mut bytes), Loan::NONE],
        )?)
    })?;
    for (descriptor, bytes) in descriptors.iter_mut().zip(bytes.chunks(POLLFD_BYTES)) {
        descriptor.found = get_u16(bytes, 6) as i16;
    }
    Ok(ready as usize)
}

fn poll_bytes(descriptor: &PollFd) -> [u8; POLLFD_BYTES] {
    let mut bytes = [0; POLLFD_BYTES];
    bytes[..4].copy_from_slice(&descriptor.fd.to_le_bytes());
    bytes[4..6].copy_from_slice(&descriptor.events.to_le_bytes());
    bytes
}

/// Maps a file; see [`crate::memory`] for the flags. Returns the address.
///
/// # Errors
/// As `mmap(2)`.
pub fn map(
    fd: Fd,
    address: u64,
    bytes: u64,
    prot: u32,
    flags: u32,
    offset: u64,
) -> Result<u64, Errno> {
    count(vfs(
        &Request::MapFile {
            fd,
            address,
            bytes,
            prot,
            flags,
            offset,
        },
        [Loan::NONE; 2],
    )?)
}

/// What is known of a file system (`struct statfs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSystem {
    /// Magic number of its kind.
    pub kind: u64,
    /// Size of a block in bytes.
    pub block_bytes: u64,
    /// Blocks in all.
    pub blocks: u64,
    /// Free blocks.
    pub free_blocks: u64,
    /// Files in all.
    pub files: u64,
    /// Files that there is room for.
    pub free_files: u64,
}

/// What is known of the file system that `path` is on.
///
/// # Errors
/// As `statfs(2)`.
pub fn statfs(path: impl AsRef<[u8]>) -> Result<FileSystem, Errno> {
    let mut bytes = [0; 120];
    vfs(
        &Request::StatFileSystem { fd: -1 },
        [Loan::read(path.as_ref()), Loan::write(&mut bytes)],
    )?;
    let word = |index: usize| get_u64(&bytes, index * 8);
    Ok(FileSystem {
        kind: word(0),
        block_bytes: word(1),
        blocks: word(2),
        free_blocks: word(3),
        files: word(5),
        free_files: word(6),
    })
}

/// Waits until an open file is stored.
///
/// # Errors
/// `EBADF`.
pub fn fsync(fd: Fd) -> Result<(), Errno> {
    plain(&Request::Sync { fd })
}

/// Waits until all files are stored.
///
/// # Errors
/// None in practice.
pub fn sync() -> Result<(), Errno> {
    plain(&Request::Sync { fd: -1 })
}

/// File systems that [`mount`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// Files in memory.
    Tmpfs = 0,
    /// Devices.
    Devfs = 1,
    /// Processes.
    Procfs = 2,
}

/// Mounts a file system on the directory `path`.
///
/// # Errors
/// As `mount(2)`.
pub fn mount(kind: MountKind, path: impl AsRef<[u8]>) -> Result<(), Errno> {
    with_path(
        &Request::Mount {
            kind: kind as u32,
            flags: 0,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// Unmounts the file system on `path`.
///
/// # Errors
/// As `umount(2)`.
pub fn unmount(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    with_path(&Request::Unmount { flags: 0 }, path.as_ref()).map(drop)
}

/// Length of `struct termios`, as `TCGETS` fills it.
pub const TERMIOS_BYTES: usize = 36;

/// Numbers of `ioctl`s on terminals.
#[allow(missing_docs, reason = "the names are Linux's")]
pub mod terminal {
    pub const TCGETS: u32 = 0x5401;
    pub const TCSETS: u32 = 0x5402;
    pub const TCSETSW: u32 = 0x5403;
    pub const TCSETSF: u32 = 0x5404;
    pub const TIOCSCTTY: u32 = 0x540e;
    pub const TIOCGPGRP: u32 = 0x540f;
    pub const TIOCSPGRP: u32 = 0x5410;
    pub const TIOCGWINSZ: u32 = 0x5413;
    pub const TIOCSWINSZ: u32 = 0x5414;
    pub const FIONREAD: u32 = 0x541b;
    pub const TIOCNOTTY: u32 = 0x5422;
}

/// Whether `fd` is a terminal.
pub fn isatty(fd: Fd) -> bool {
    tcgetattr(fd).is_ok()
}

/// The settings of a terminal, as Linux's `struct termios`.
///
/// # Errors
/// `ENOTTY`, `EBADF`.
pub fn tcgetattr(fd: Fd) -> Result<[u8; TERMIOS_BYTES], Errno> {
    let mut settings = [0; TERMIOS_BYTES];
    ioctl_bytes(fd, terminal::TCGETS, &mut settings)?;
    Ok(settings)
}

/// Sets a terminal's settings: `when` 0 at once, 1 after output, 2 and drops input.
///
/// # Errors
/// `ENOTTY`, `EBADF`, `EINVAL`.
pub fn tcsetattr(fd: Fd, when: u32, settings: &[u8; TERMIOS_BYTES]) -> Result<(), Errno> {
    if when > 2 {
        return Err(Errno::EINVAL);
    }
    ioctl_bytes(fd, terminal::TCSETS + when, &mut settings.clone()).map(drop)
}

/// A terminal's foreground process group.
///
/// # Errors
/// `ENOTTY`.
pub fn tcgetpgrp(fd: Fd) -> Result<u32, Errno> {
    let mut group = [0; 4];
    ioctl_bytes(fd, terminal::TIOCGPGRP, &mut group)?;
    Ok(u32::from_le_bytes(group))
}

/// Sets a terminal's foreground process group.
///
/// # Errors
/// `ENOTTY`, `EPERM`.
pub fn tcsetpgrp(fd: Fd, pgid: u32) -> Result<(), Errno> {
    ioctl_bytes(fd, terminal::TIOCSPGRP, &mut pgid.to_le_bytes()).map(drop)
}

/// Rows and columns of a terminal.
///
/// # Errors
/// `ENOTTY`.
pub fn window_size(fd: Fd) -> Result<(u16, u16), Errno> {
    let mut size = [0; 8];
    ioctl_bytes(fd, terminal::TIOCGWINSZ, &mut size)?;
    Ok((get_u16(&size, 0), get_u16(&size, 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_structure_is_read_where_linux_has_its_fields() {
        let mut bytes = [0; STAT_BYTES];
        bytes[16..20].copy_from_slice(&(S_IFDIR | 0o755).to_le_bytes());
        bytes[48..56].copy_from_slice(&77u64.to_le_bytes());
        bytes[88..96].copy_from_slice(&2u64.to_le_bytes());
        bytes[96..104].copy_from_slice(&5u64.to_le_bytes());
        let metadata = Metadata::from_bytes(&bytes);
        assert!(metadata.is_directory());
        assert_eq!((metadata.permissions(), metadata.bytes), (0o755, 77));
        assert_eq!(metadata.modified_ns, 2_000_000_005);
    }
}
