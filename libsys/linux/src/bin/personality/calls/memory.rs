//! Memory: `brk`, `mmap` and their kin.

use super::{Arguments, Result, descriptor, mem, vfs, word};
use crate::{machine, text};
use abi::{Errno, Handle, PAGE_BYTES};
use libsys::lease::Loan;
use libsys::request::{request, request_transfer};
use personality::memory::{MAP_ANONYMOUS, anonymous_flags, check_flags, is_fixed, outside, prot};
use personality::number;
use proto::mem::{Mem, Request, lock, remap};
use proto::proc::{Proc, Reply as ProcReply, Request as ProcRequest};
use proto::vfs::Request as FileRequest;

/// The calls of this file.
pub fn call(number: u64, a: Arguments) -> Option<Result> {
    let (address, bytes) = (a[0], a[1]);
    Some(match number {
        number::MREMAP => remap(a),
        number::MADVISE => outside(address, bytes, Errno::ENOMEM).and_then(|()| {
            mem(Request::Advise {
                address,
                bytes,
                advice: word(a[2]),
            })
        }),
        number::MSYNC => synchronise(a),
        number::MLOCK => lock(a, lock::NOW),
        number::MUNLOCK => lock(a, lock::NOT),
        number::MLOCK2 => match word(a[2]) {
            flags @ (lock::NOW | lock::ON_FAULT) => lock(a, flags),
            _ => Err(Errno::EINVAL),
        },
        number::MLOCKALL => match word(a[0]) {
            0 => Err(Errno::EINVAL),
            flags => mem(Request::LockAll { flags }),
        },
        number::MUNLOCKALL => mem(Request::LockAll { flags: 0 }),
        number::MINCORE => resident(a),
        number::PROCESS_VM_READV => other_memory(a, Way::Read),
        number::PROCESS_VM_WRITEV => other_memory(a, Way::Write),
        _ => return None,
    })
}

/// `brk`.
pub fn set_break(a: Arguments) -> Result {
    mem(Request::Brk { end: a[0] })
}

/// `mprotect`.
pub fn protect(a: Arguments) -> Result {
    let (address, bytes) = (a[0], a[1]);
    outside(address, bytes, Errno::ENOMEM)?;
    let prot = prot(a[2])?;
    mem(Request::Protect {
        address,
        bytes,
        prot,
    })
}

/// `mmap`.
pub fn map(a: Arguments) -> Result {
    let [address, bytes, _, linux, fd, offset] = a;
    let (prot, linux) = (prot(a[2])?, word(linux));
    check_flags(linux)?;
    if bytes == 0 || offset % PAGE_BYTES != 0 {
        return Err(Errno::EINVAL);
    }
    if is_fixed(linux) {
        outside(address, bytes, Errno::ENOMEM)?;
    }
    // A wish that is no demand is rounded down, and dropped where it cannot be.
    let wish = if is_fixed(linux) {
        address
    } else {
        address & !(PAGE_BYTES - 1)
    };
    let wish = if outside(wish, bytes, Errno::ENOMEM).is_ok() {
        wish
    } else {
        0
    };
    if linux & MAP_ANONYMOUS != 0 {
        let flags = anonymous_flags(linux)?;
        return mem(Request::Map {
            address: wish,
            bytes,
            prot,
            flags,
        });
    }
    let (fd, flags) = (descriptor(fd), linux);
    let request = FileRequest::MapFile {
        fd,
        address: wish,
        bytes,
        prot,
        flags,
        offset,
    };
    vfs(request, [Loan::NONE; 2])
}

/// `munmap`.
pub fn unmap(a: Arguments) -> Result {
    let (address, bytes) = (a[0], a[1]);
    outside(address, bytes, Errno::EINVAL)?;
    if bytes == 0 {
        return Err(Errno::EINVAL);
    }
    mem(Request::Unmap { address, bytes })
}

fn remap(a: Arguments) -> Result {
    const EITHER: u32 = remap::FIXED | remap::KEEP;
    let (address, old_bytes, new_bytes, flags, target) = (a[0], a[1], a[2], word(a[3]), a[4]);
    outside(address, old_bytes.max(new_bytes), Errno::EFAULT)?;
    if flags & !(EITHER | remap::MAY_MOVE) != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & EITHER == 0 {
        return mem(Request::Remap {
            address,
            old_bytes,
            new_bytes,
            flags,
        });
    }
    if flags & remap::FIXED != 0 {
        outside(target, new_bytes, Errno::EINVAL)?;
    }
    mem(Request::Move {
        address,
        old_bytes,
        new_bytes,
        flags,
        target,
    })
}

fn lock(a: Arguments, how: u32) -> Result {
    let (address, bytes) = (a[0], a[1]);
    outside(address, bytes, Errno::ENOMEM)?;
    mem(Request::Lock {
        address,
        bytes,
        how,
    })
}

/// `mincore`: a byte for each page.
fn resident(a: Arguments) -> Result {
    let (address, bytes) = (a[0], a[1]);
    if !address.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL);
    }
    outside(address, bytes, Errno::ENOMEM)?;
    let loan = machine::lend_out(a[2], bytes.div_ceil(PAGE_BYTES) as usize)?;
    let wish = Request::Resident { address, bytes };
    request::<Mem>(Handle::MEM, &wish, [loan, Loan::NONE]).map(|_| 0)
}

/// Shared pages are the file's own: what was written is there already.
fn synchronise(a: Arguments) -> Result {
    const ASYNC: u32 = 1;
    const INVALIDATE: u32 = 2;
    const SYNC: u32 = 4;
    let flags = word(a[2]);
    let both = ASYNC | SYNC;
    if flags & !(both | INVALIDATE) != 0 || flags & both == both || !a[0].is_multiple_of(PAGE_BYTES)
    {
        return Err(Errno::EINVAL);
    }
    outside(a[0], a[1], Errno::ENOMEM)?;
    let locked = mem(Request::Check {
        address: a[0],
        bytes: a[1],
    })?;
    if locked != 0 && flags & INVALIDATE != 0 {
        return Err(Errno::EBUSY);
    }
    Ok(0)
}

/// Which way bytes go between two processes.
#[derive(Clone, Copy)]
enum Way {
    Read,
    Write,
}

/// `process_vm_readv`, `process_vm_writev`: the pieces here and there are gone through side by side.
fn other_memory(a: Arguments, way: Way) -> Result {
    let pid = a[0] as i32;
    if a[5] != 0 {
        return Err(Errno::EINVAL);
    }
    let (mut here, mut there) = (text::pieces(a[1], a[2])?, text::pieces(a[3], a[4])?);
    here.reverse();
    there.reverse();
    let mut total = 0;
    loop {
        here.pop_if(|piece| piece.1 == 0);
        there.pop_if(|piece| piece.1 == 0);
        let (Some(own), Some(other)) = (here.last_mut(), there.last_mut()) else {
            return Ok(total);
        };
        let wanted = own.1.min(other.1);
        if wanted == 0 {
            continue;
        }
        match one_piece(pid, own.0, other.0, wanted, way) {
            Ok(0) => return Ok(total),
            Ok(done) => {
                total += done;
                for piece in [own, other] {
                    piece.0 += done;
                    piece.1 -= done;
                }
            }
            Err(_) if total > 0 => return Ok(total),
            Err(errno) => return Err(errno),
        }
    }
}

fn one_piece(pid: i32, own: u64, address: u64, bytes: u64, way: Way) -> Result {
    /// As many as are copied at once.
    const MOST: u64 = 64 << 10;
    let bytes = bytes.min(MOST) as usize;
    let count = |reply| match reply {
        ProcReply::Count(count) => Ok(count),
        _ => Err(Errno::EPROTO),
    };
    let at = |done: u64| address.wrapping_add(done);
    match way {
        Way::Read => {
            let loan = machine::lend_out(own, bytes)?;
            request_transfer::<Proc>(
                Handle::PROC,
                loan,
                |done| ProcRequest::ReadMemory {
                    pid,
                    address: at(done),
                },
                count,
            )
        }
        Way::Write => {
            let loan = machine::lend_in(own, bytes)?;
            request_transfer::<Proc>(
                Handle::PROC,
                loan,
                |done| ProcRequest::WriteMemory {
                    pid,
                    address: at(done),
                },
                count,
            )
        }
    }
}
