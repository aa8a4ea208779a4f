//! Reading and writing: `read`, `write`, their vectors, and `sendfile`.

use super::{Arguments, Result, descriptor};
use crate::thread::Thread;
use crate::{machine, text};
use abi::{Errno, Handle};
use alloc::vec::Vec;
use libsys::lease::Loan;
use libsys::request::request_transfer;
use personality::number;
use proto::proc::Request as ProcRequest;
use proto::vfs::{Fd, Reply, Request, Vfs};

const SIGPIPE: u32 = 13;
const SIGXFSZ: u32 = 25;
/// Most bytes that a call with several pieces moves at once.
const GATHER_BYTES: usize = 64 << 10;
/// Most bytes of one transfer, as on Linux (`MAX_RW_COUNT`).
const MOST: u64 = 0x7fff_f000;

/// The calls of this file.
pub fn call(thread: &mut Thread, number: u64, a: Arguments) -> Option<Result> {
    let result = match number {
        number::READ => read(a),
        number::WRITE => write(a),
        number::READV => read_pieces(descriptor(a[0]), a[1], a[2]),
        number::WRITEV => write_pieces(descriptor(a[0]), a[1], a[2]),
        number::PREAD64 => read_at(a),
        number::PWRITE64 => write_at(a),
        number::SENDFILE => send_file(a),
        _ => return None,
    };
    Some(result.inspect_err(|&errno| tell_by_signal(thread, errno)))
}

/// Some errors come with a signal: who writes to a pipe that nobody reads, or makes a file larger than
/// the process may.
pub fn tell_by_signal(thread: &mut Thread, errno: Errno) {
    let signal = match errno {
        Errno::EPIPE => SIGPIPE,
        // A file may also be too large for anybody.
        Errno::EFBIG if super::processes::has_file_limit() => SIGXFSZ,
        _ => return,
    };
    if let Ok(pid) = thread.pid() {
        let pid = pid as i32;
        let _ = super::proc(ProcRequest::Kill { pid, signal });
    }
}

fn count(reply: Reply) -> Result {
    match reply {
        Reply::Count(count) => Ok(count),
        _ => Err(Errno::EPROTO),
    }
}

/// Bytes of one transfer, as many as are moved at the most.
pub(super) fn bytes_of(length: u64) -> usize {
    length.min(MOST) as usize
}

fn transfer(loan: Loan<'_>, request: impl Fn(u64) -> Request) -> Result {
    request_transfer::<Vfs>(Handle::VFS, loan, request, count)
}

fn read(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    transfer(machine::lend_out(a[1], bytes_of(a[2]))?, |_| {
        Request::Read { fd }
    })
}

fn write(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    transfer(machine::lend_in(a[1], bytes_of(a[2]))?, |_| {
        Request::Write { fd }
    })
}

fn read_at(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    let offset = position(a[3])?;
    transfer(machine::lend_out(a[1], bytes_of(a[2]))?, |done| {
        Request::ReadAt {
            fd,
            offset: offset.wrapping_add(done),
        }
    })
}

fn write_at(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    let offset = position(a[3])?;
    transfer(machine::lend_in(a[1], bytes_of(a[2]))?, |done| {
        Request::WriteAt {
            fd,
            offset: offset.wrapping_add(done),
        }
    })
}

fn position(offset: u64) -> Result {
    if offset > i64::MAX as u64 {
        Err(Errno::EINVAL)
    } else {
        Ok(offset)
    }
}

/// Zeros in the personality's own heap.
pub(super) fn buffer(bytes: usize) -> core::result::Result<Vec<u8>, Errno> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(bytes).map_err(|_| Errno::ENOMEM)?;
    buffer.resize(bytes, 0);
    Ok(buffer)
}

/// The pieces become one buffer, so that a pipe gets them in one write, which must not be torn.
fn write_pieces(fd: Fd, list: u64, count: u64) -> Result {
    let pieces = text::pieces(list, count)?;
    if let [(address, length)] = pieces[..] {
        return write([fd as u64, address, length, 0, 0, 0]);
    }
    let total: u64 = pieces.iter().map(|(_, length)| length).sum();
    let mut gathered = buffer(total.min(GATHER_BYTES as u64) as usize)?;
    let mut rest = &mut gathered[..];
    for (address, length) in pieces {
        let (part, left) = rest.split_at_mut(rest.len().min(length.min(MOST) as usize));
        machine::read(address, part)?;
        rest = left;
    }
    transfer(Loan::read(&gathered), |_| Request::Write { fd })
}

fn read_pieces(fd: Fd, list: u64, count: u64) -> Result {
    let pieces = text::pieces(list, count)?;
    if let [(address, length)] = pieces[..] {
        return read([fd as u64, address, length, 0, 0, 0]);
    }
    let total: u64 = pieces.iter().map(|(_, length)| length).sum();
    let mut got = buffer(total.min(GATHER_BYTES as u64) as usize)?;
    let bytes = transfer(Loan::write(&mut got), |_| Request::Read { fd })?;
    let mut rest = got.get(..bytes as usize).ok_or(Errno::EPROTO)?;
    for (address, length) in pieces {
        let (part, left) = rest.split_at(rest.len().min(length.min(MOST) as usize));
        machine::write(address, part)?;
        rest = left;
    }
    Ok(bytes)
}

/// Copies through a buffer. What was read and could not be written is read again: the offset of the
/// source moves by what was written.
fn send_file(a: Arguments) -> Result {
    const SEEK_CUR: u32 = 1;
    let (to, from, offset_at) = (descriptor(a[0]), descriptor(a[1]), a[2]);
    let seek = |offset, whence| {
        super::vfs(
            Request::Seek {
                fd: from,
                offset,
                whence,
            },
            [Loan::NONE; 2],
        )
    };
    let start = match offset_at {
        0 => seek(0, SEEK_CUR).map_err(|_| Errno::EINVAL)?,
        address => position(machine::word(address)?)?,
    };
    let mut bytes = buffer(bytes_of(a[3]).min(GATHER_BYTES))?;
    let at = |done: u64| Request::ReadAt {
        fd: from,
        offset: start.wrapping_add(done),
    };
    let got = transfer(Loan::write(&mut bytes), at)?;
    let piece = bytes.get(..got as usize).ok_or(Errno::EPROTO)?;
    let written = transfer(Loan::read(piece), |_| Request::Write { fd: to })?;
    match offset_at {
        0 => seek(written as i64, SEEK_CUR).map(drop)?,
        address => machine::write(address, &start.wrapping_add(written).to_le_bytes())?,
    }
    Ok(written)
}
