//! Calls on paths.

use super::{Arguments, Result, descriptor, vfs, word};
use crate::machine;
use crate::text::{Path, Place};
use abi::Errno;
use libsys::lease::Loan;
use personality::bytes::get_u64;
use personality::layout::{self, STAT_BYTES};
use personality::number;
use proto::vfs::{AT_FDCWD, Request};

const AT_EMPTY_PATH: u32 = 0x1000;
/// `AT_STATX_FORCE_SYNC`, `AT_STATX_DONT_SYNC`: nothing here is ever out of date.
const AT_STATX_SYNC: u32 = 0x6000;
/// Bytes of a `struct statfs`.
const STATFS_BYTES: usize = 120;

/// The calls of this file.
pub fn call(number: u64, a: Arguments) -> Option<Result> {
    let directory = descriptor(a[0]);
    Some(match number {
        number::OPENAT2 => open_how(a),
        number::STATX => statx(a),
        number::FACCESSAT2 => {
            let (mode, flags) = (word(a[2]), word(a[3]));
            path_call(
                a[1],
                Request::Access {
                    directory,
                    mode,
                    flags,
                },
            )
        }
        number::READLINKAT => read_link(a),
        number::MKNODAT => {
            let (mode, device) = (word(a[2]), a[3]);
            path_call(
                a[1],
                Request::MakeNode {
                    directory,
                    mode,
                    device,
                },
            )
        }
        number::SYMLINKAT => {
            let directory = descriptor(a[1]);
            two_paths(a[0], a[2], Request::SymbolicLink { directory })
        }
        number::LINKAT => {
            let new_directory = descriptor(a[2]);
            let flags = word(a[4]);
            two_paths(
                a[1],
                a[3],
                Request::Link {
                    old_directory: directory,
                    new_directory,
                    flags,
                },
            )
        }
        number::RENAMEAT2 => rename(a, word(a[4])),
        number::CHDIR => path_call(a[0], Request::ChangeDirectory),
        number::CHROOT => path_call(a[0], Request::ChangeRoot),
        number::GETCWD => {
            let loan = machine::lend_out(a[0], a[1].min(1 << 20) as usize);
            loan.and_then(|loan| vfs(Request::CurrentDirectory, [loan, Loan::NONE]))
        }
        number::TRUNCATE => path_call(
            a[0],
            Request::Truncate {
                length: a[1] as i64,
            },
        ),
        number::FCHMODAT => {
            let mode = word(a[2]);
            path_call(
                a[1],
                Request::ChangeMode {
                    directory,
                    mode,
                    flags: 0,
                },
            )
        }
        number::FCHOWNAT => {
            let (uid, gid, flags) = (word(a[2]), word(a[3]), word(a[4]));
            path_call(
                a[1],
                Request::ChangeOwner {
                    directory,
                    uid,
                    gid,
                    flags,
                },
            )
        }
        number::UTIMENSAT => set_times(a),
        number::STATFS => statfs(a),
        number::UMASK => vfs(Request::Umask { mask: word(a[0]) }, [Loan::NONE; 2]),
        number::MOUNT => mount(a),
        number::UMOUNT2 => path_call(a[0], Request::Unmount { flags: word(a[1]) }),
        _ => return None,
    })
}

#[inline(always)]
fn path_call(path: u64, request: Request) -> Result {
    let path = Place::find(path)?;
    vfs(request, [path.loan(), Loan::NONE])
}

#[inline(always)]
fn two_paths(first: u64, second: u64, request: Request) -> Result {
    let (first, second) = (Place::find(first)?, Place::find(second)?);
    vfs(request, [first.loan(), second.loan()])
}

/// `faccessat`.
pub fn access(a: Arguments) -> Result {
    let (directory, mode, flags) = (descriptor(a[0]), word(a[2]), 0);
    let request = Request::Access {
        directory,
        mode,
        flags,
    };
    path_call(a[1], request)
}

/// `mkdirat`.
pub fn make_directory(a: Arguments) -> Result {
    let (directory, mode) = (descriptor(a[0]), word(a[2]));
    path_call(a[1], Request::MakeDirectory { directory, mode })
}

/// `unlinkat`.
pub fn unlink(a: Arguments) -> Result {
    let (directory, flags) = (descriptor(a[0]), word(a[2]));
    path_call(a[1], Request::Unlink { directory, flags })
}

/// `renameat`.
pub fn rename_plainly(a: Arguments) -> Result {
    rename(a, 0)
}

/// `openat`.
pub fn open(a: Arguments) -> Result {
    let (directory, flags, mode) = (descriptor(a[0]), word(a[2]), word(a[3]));
    path_call(
        a[1],
        Request::Open {
            directory,
            flags,
            mode,
        },
    )
}

/// `openat2`: what a longer structure has beyond what is known must be zero.
fn open_how(a: Arguments) -> Result {
    const BYTES: usize = 24;
    const MOST: u64 = abi::PAGE_BYTES;
    let (directory, how, bytes) = (descriptor(a[0]), a[2], a[3]);
    if bytes < BYTES as u64 {
        return Err(Errno::EINVAL);
    }
    if bytes > MOST {
        return Err(Errno::E2BIG);
    }
    let mut known = [0; BYTES];
    machine::read(how, &mut known)?;
    for at in BYTES as u64..bytes {
        let mut byte = [0];
        machine::read(how.checked_add(at).ok_or(Errno::EFAULT)?, &mut byte)?;
        if byte != [0] {
            return Err(Errno::E2BIG);
        }
    }
    let number = |at| u32::try_from(get_u64(&known, at)).map_err(|_| Errno::EINVAL);
    let (flags, mode, resolve) = (number(0)?, number(8)?, number(16)?);
    path_call(
        a[1],
        Request::OpenWithin {
            directory,
            flags,
            mode,
            resolve,
        },
    )
}

/// `newfstatat`.
pub fn stat(a: Arguments) -> Result {
    let (directory, flags) = (descriptor(a[0]), word(a[3]));
    let path = Place::find(a[1])?;
    if path.is_empty() && flags & AT_EMPTY_PATH != 0 && directory != AT_FDCWD {
        let loan = machine::lend_out(a[2], STAT_BYTES)?;
        return vfs(
            Request::StatDescriptor { fd: directory },
            [loan, Loan::NONE],
        );
    }
    let loans = [path.loan(), machine::lend_out(a[2], STAT_BYTES)?];
    vfs(Request::Stat { directory, flags }, loans)
}

fn statx(a: Arguments) -> Result {
    const RESERVED: u32 = 1 << 31;
    let (directory, flags, mask) = (descriptor(a[0]), word(a[2]), word(a[3]));
    if flags & AT_STATX_SYNC == AT_STATX_SYNC || mask & RESERVED != 0 {
        return Err(Errno::EINVAL);
    }
    let path = Place::find(a[1])?;
    let mut stat = [0; STAT_BYTES];
    let flags = flags & !AT_STATX_SYNC;
    let loans = [path.loan(), Loan::write(&mut stat)];
    vfs(Request::Stat { directory, flags }, loans)?;
    machine::write(a[4], &layout::statx(&stat)).map(|()| 0)
}

fn read_link(a: Arguments) -> Result {
    let directory = descriptor(a[0]);
    let room = word(a[3]) as i32;
    if room <= 0 {
        return Err(Errno::EINVAL);
    }
    let path = Place::find(a[1])?;
    let loans = [path.loan(), machine::lend_out(a[2], room as usize)?];
    vfs(Request::ReadLink { directory }, loans)
}

fn rename(a: Arguments, flags: u32) -> Result {
    let (old_directory, new_directory) = (descriptor(a[0]), descriptor(a[2]));
    two_paths(
        a[1],
        a[3],
        Request::Rename {
            old_directory,
            new_directory,
            flags,
        },
    )
}

fn set_times(a: Arguments) -> Result {
    const NOW: u64 = u64::MAX - 1;
    let (directory, flags) = (descriptor(a[0]), word(a[3]));
    let [accessed_ns, modified_ns] = match a[2] {
        0 => [NOW; 2],
        address => {
            let mut two = [[0; 16]; 2];
            machine::read(address, two.as_flattened_mut())?;
            [layout::file_time(&two[0])?, layout::file_time(&two[1])?]
        }
    };
    let request = Request::SetTimes {
        directory,
        flags,
        accessed_ns,
        modified_ns,
    };
    match a[1] {
        0 => vfs(request, [Loan::NONE; 2]),
        path => path_call(path, request),
    }
}

fn statfs(a: Arguments) -> Result {
    let path = Place::find(a[0])?;
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    let loans = [path.loan(), machine::lend_out(a[1], STATFS_BYTES)?];
    vfs(Request::StatFileSystem { fd: -1 }, loans)
}

fn mount(a: Arguments) -> Result {
    let kind = match Path::read(a[2])?.bytes() {
        b"tmpfs" | b"ramfs" => 0,
        b"devtmpfs" | b"devfs" => 1,
        b"proc" => 2,
        b"sysfs" => 3,
        _ => return Err(Errno::ENODEV),
    };
    path_call(
        a[1],
        Request::Mount {
            kind,
            flags: word(a[3]),
        },
    )
}
