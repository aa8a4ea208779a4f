//! Calls on descriptors.

use super::{Arguments, Result, descriptor, vfs, word};
use crate::machine;
use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use personality::number;
use proto::vfs::{Reply, Request, Vfs};

const NO_LOANS: [Loan<'static>; 2] = [Loan::NONE; 2];
const F_GETLK: u32 = 5;
const F_SETLKW: u32 = 7;
const F_OFD_GETLK: u32 = 36;
const F_OFD_SETLKW: u32 = 38;
/// Bytes of a `struct flock`.
const LOCK_BYTES: usize = 32;
const STAT_BYTES: usize = personality::layout::STAT_BYTES;
/// `POSIX_FADV_NOREUSE`.
const LAST_ADVICE: u32 = 5;
/// Bytes of a `struct statfs`.
const STATFS_BYTES: usize = 120;

/// The calls of this file.
pub fn call(number: u64, a: Arguments) -> Option<Result> {
    let fd = descriptor(a[0]);
    Some(match number {
        number::FLOCK => {
            let operation = word(a[1]);
            vfs(Request::LockFile { fd, operation }, NO_LOANS)
        }
        number::FALLOCATE => allocate(a),
        number::MEMFD_CREATE => memory_file(a),
        number::CLOSE_RANGE => close_range(a),
        number::FSTATFS => with_out(a[1], STATFS_BYTES, |loan| {
            vfs(Request::StatFileSystem { fd }, [Loan::NONE, loan])
        }),
        number::FTRUNCATE => {
            let length = a[1] as i64;
            vfs(Request::TruncateDescriptor { fd, length }, NO_LOANS)
        }
        number::FCHMOD => vfs(
            Request::ChangeModeDescriptor {
                fd,
                mode: word(a[1]),
            },
            NO_LOANS,
        ),
        number::FCHOWN => {
            let (uid, gid) = (word(a[1]), word(a[2]));
            vfs(Request::ChangeOwnerDescriptor { fd, uid, gid }, NO_LOANS)
        }
        number::FCHDIR => vfs(Request::ChangeDirectoryTo { fd }, NO_LOANS),
        number::FSYNC | number::FDATASYNC => vfs(Request::Sync { fd }, NO_LOANS),
        number::SYNC => vfs(Request::Sync { fd: -1 }, NO_LOANS),
        number::FADVISE64 => advise(a),
        number::SYNCFS => kind_of(fd).map(|_| 0),
        number::SYNC_FILE_RANGE => synchronise_range(a),
        number::READAHEAD => read_ahead(a),
        _ => return None,
    })
}

const F_GETFL: u32 = 3;

/// The kind of an open file, as the highest bits of its mode.
fn kind_of(fd: proto::vfs::Fd) -> core::result::Result<u32, Errno> {
    const O_PATH: u64 = 0o10_000_000;
    let (command, argument) = (F_GETFL, 0);
    let flags = vfs(
        Request::Control {
            fd,
            command,
            argument,
        },
        NO_LOANS,
    )?;
    if flags & O_PATH != 0 {
        return Err(Errno::EBADF);
    }
    let mut stat = [0; STAT_BYTES];
    let loans = [Loan::write(&mut stat), Loan::NONE];
    vfs(Request::StatDescriptor { fd }, loans)?;
    Ok(personality::bytes::get_u32(&stat, 16) >> 12)
}

const FIFO: u32 = 0o1;
const DIRECTORY: u32 = 0o4;
const BLOCK: u32 = 0o6;
const REGULAR: u32 = 0o10;

/// Advice has no effect that a program could see, but what is wrong with it has.
fn advise(a: Arguments) -> Result {
    let (length, advice) = (a[2] as i64, word(a[3]));
    match kind_of(descriptor(a[0]))? {
        FIFO => Err(Errno::ESPIPE),
        _ if length < 0 || advice > LAST_ADVICE => Err(Errno::EINVAL),
        _ => Ok(0),
    }
}

/// What is written is where it stays: only the arguments are looked at.
fn synchronise_range(a: Arguments) -> Result {
    const KNOWN: u32 = 7;
    let (offset, bytes) = (a[1] as i64, a[2] as i64);
    let kind = kind_of(descriptor(a[0]))?;
    let end = offset.checked_add(bytes).filter(|&end| end >= offset);
    if word(a[3]) & !KNOWN != 0 || offset < 0 || end.is_none() {
        return Err(Errno::EINVAL);
    }
    match kind {
        REGULAR | DIRECTORY | BLOCK => Ok(0),
        _ => Err(Errno::ESPIPE),
    }
}

fn read_ahead(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    let kind = kind_of(fd)?;
    let (command, argument) = (F_GETFL, 0);
    let flags = vfs(
        Request::Control {
            fd,
            command,
            argument,
        },
        NO_LOANS,
    )?;
    match (flags & 3, kind) {
        (1, _) => Err(Errno::EBADF),
        (_, REGULAR | BLOCK) => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// `close`.
pub fn close(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    vfs(Request::Close { fd }, NO_LOANS)
}

/// `lseek`.
pub fn seek(a: Arguments) -> Result {
    let (fd, offset, whence) = (descriptor(a[0]), a[1] as i64, word(a[2]));
    vfs(Request::Seek { fd, offset, whence }, NO_LOANS)
}

/// `dup`.
pub fn duplicate(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    vfs(Request::Duplicate { fd }, NO_LOANS)
}

/// `fstat`.
pub fn stat(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    let loan = machine::lend_out(a[1], STAT_BYTES)?;
    vfs(Request::StatDescriptor { fd }, [loan, Loan::NONE])
}

/// `getdents64`.
pub fn list(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    let loan = machine::lend_out(a[1], word(a[2]) as usize)?;
    vfs(Request::List { fd }, [loan, Loan::NONE])
}

/// Lends the program's memory at `address` to be written.
pub fn with_out(address: u64, bytes: usize, ask: impl Fn(Loan<'_>) -> Result) -> Result {
    ask(machine::lend_out(address, bytes)?)
}

fn allocate(a: Arguments) -> Result {
    let (offset, bytes) = (a[2], a[3]);
    if (offset as i64) < 0 || (bytes as i64) <= 0 {
        return Err(Errno::EINVAL);
    }
    let request = Request::Allocate {
        fd: descriptor(a[0]),
        mode: word(a[1]),
        offset,
        bytes,
    };
    vfs(request, NO_LOANS)
}

fn memory_file(a: Arguments) -> Result {
    let name = crate::text::Path::read(a[0]).map_err(|errno| match errno {
        Errno::ENAMETOOLONG => Errno::EINVAL,
        other => other,
    })?;
    let flags = word(a[1]);
    let loans = [Loan::read(name.bytes()), Loan::NONE];
    vfs(Request::MemoryFile { flags }, loans)
}

/// `dup3`.
pub fn duplicate_to(a: Arguments) -> Result {
    let request = Request::DuplicateTo {
        fd: descriptor(a[0]),
        to: descriptor(a[1]),
        flags: word(a[2]),
        same_is_fine: false,
    };
    vfs(request, NO_LOANS)
}

fn close_range(a: Arguments) -> Result {
    const UNSHARE: u32 = 2;
    const CLOEXEC: u32 = 4;
    const F_SETFD: u32 = 2;
    /// The file service gives no higher descriptor.
    const END: u32 = 1023;
    let (first, last, flags) = (word(a[0]), word(a[1]), word(a[2]));
    // Only threads share descriptors. One that is alone has them for itself.
    let shares = flags & UNSHARE != 0 && crate::areas::in_use() > 1;
    if first > last || flags & !(CLOEXEC | UNSHARE) != 0 || shares {
        return Err(Errno::EINVAL);
    }
    for fd in first..=last.min(END) {
        let fd = fd as i32;
        let request = if flags & CLOEXEC == 0 {
            Request::Close { fd }
        } else {
            Request::Control {
                fd,
                command: F_SETFD,
                argument: 1,
            }
        };
        // A number that is not open is fine.
        let _ = vfs(request, NO_LOANS);
    }
    Ok(0)
}

/// `fcntl`.
pub fn control(a: Arguments) -> Result {
    let (fd, command, argument) = (descriptor(a[0]), word(a[1]), a[2]);
    if (F_GETLK..=F_SETLKW).contains(&command) || (F_OFD_GETLK..=F_OFD_SETLKW).contains(&command) {
        let loan = machine::lend_both(argument, LOCK_BYTES)?;
        return vfs(Request::Lock { fd, command }, [loan, Loan::NONE]);
    }
    vfs(
        Request::Control {
            fd,
            command,
            argument,
        },
        NO_LOANS,
    )
}

/// Bytes of the structure that an `ioctl` takes or fills.
fn structure_bytes(command: u32) -> usize {
    match command {
        // TCGETS, TCSETS, TCSETSW, TCSETSF
        0x5401..=0x5404 => 36,
        // TIOCGWINSZ, TIOCSWINSZ
        0x5413 | 0x5414 => 8,
        // TIOCGPGRP, TIOCSPGRP, TIOCOUTQ, FIONREAD, FIONBIO, TIOCGSID
        0x540f | 0x5410 | 0x5411 | 0x541b | 0x5421 | 0x5429 => 4,
        // TIOCGPTN, TIOCSPTLCK, TIOCGPTLCK, TIOCPKT, TIOCGPKT
        0x8004_5430 | 0x4004_5431 | 0x8004_5439 | 0x5420 | 0x8004_5438 => 4,
        _ => 0,
    }
}

/// `ioctl`.
pub fn device_control(a: Arguments) -> Result {
    let (fd, command, argument) = (descriptor(a[0]), word(a[1]), a[2]);
    let loan = match structure_bytes(command) {
        0 => Loan::NONE,
        bytes => machine::lend_both(argument, bytes)?,
    };
    vfs(
        Request::DeviceControl {
            fd,
            command,
            argument,
        },
        [loan, Loan::NONE],
    )
}

/// `pipe2`.
pub fn pipe(a: Arguments) -> Result {
    let wish = Request::Pipe { flags: word(a[1]) };
    let Reply::Descriptors { read, write } = request::<Vfs>(Handle::VFS, &wish, NO_LOANS)? else {
        return Err(Errno::EPROTO);
    };
    give_two(a[0], read, write)
}

/// Gives the program two descriptors, or closes them if it has no memory there.
pub fn give_two(address: u64, read: proto::vfs::Fd, write: proto::vfs::Fd) -> Result {
    let mut bytes = [0; 8];
    personality::bytes::put_u32(&mut bytes, 0, read as u32);
    personality::bytes::put_u32(&mut bytes, 4, write as u32);
    machine::write(address, &bytes)
        .map(|()| 0)
        .inspect_err(|_| {
            let _ = vfs(Request::Close { fd: read }, NO_LOANS);
            let _ = vfs(Request::Close { fd: write }, NO_LOANS);
        })
}
