//! Reading and writing: `read`, `write`, their vectors, and `sendfile`.

use super::{Arguments, Result, descriptor, word};
use crate::thread::Thread;
use crate::{machine, signals, text};
use abi::{Errno, Handle};
use alloc::vec::Vec;
use core::cell::Cell;
use libsys::lease::Loan;
use libsys::request::request_transfer;
use personality::bytes::{get_u32, get_u64, put_u64};
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
        number::PREADV => Place::at(a).and_then(|place| read_pieces(place, a[1], a[2])),
        number::PWRITEV => Place::at(a).and_then(|place| write_pieces(place, a[1], a[2])),
        number::PREADV2 => Place::to_read(a).and_then(|place| read_pieces(place, a[1], a[2])),
        number::PWRITEV2 => write_pieces_so(a),
        number::SPLICE => splice(a),
        number::TEE => tee(a),
        number::VMSPLICE => splice_memory(a),
        number::COPY_FILE_RANGE => copy_range(a),
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
        let _ = signals::send(thread, &ProcRequest::Kill { pid, signal });
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

#[inline(always)]
fn transfer(loan: Loan<'_>, request: impl Fn(u64) -> Request) -> Result {
    request_transfer::<Vfs>(Handle::VFS, loan, request, count)
}

/// `read`.
pub fn read(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    let loan = machine::lend_out(a[1], bytes_of(a[2]))?;
    let signals = Cell::new(None);
    let result = request_transfer::<Vfs>(
        Handle::VFS,
        loan,
        |_| Request::Read { fd },
        |reply| match reply {
            Reply::TakeSignal { set, waits } => {
                signals.set(Some((set, waits)));
                Ok(0)
            }
            other => count(other),
        },
    );
    match signals.get() {
        None => result,
        Some((set, waits)) => super::signal::read_signals(a[1], a[2], set, waits),
    }
}

/// `write`.
pub fn write(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    transfer(machine::lend_in(a[1], bytes_of(a[2]))?, |_| {
        Request::Write { fd }
    })
}

/// `pread64`.
pub fn read_at(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    let offset = position(a[3])?;
    transfer(machine::lend_out(a[1], bytes_of(a[2]))?, |done| {
        Request::ReadAt {
            fd,
            offset: offset.wrapping_add(done),
        }
    })
}

/// `pwrite64`.
pub fn write_at(a: Arguments) -> Result {
    let fd = descriptor(a[0]);
    let offset = position(a[3])?;
    transfer(machine::lend_in(a[1], bytes_of(a[2]))?, |done| {
        Request::WriteAt {
            fd,
            offset: offset.wrapping_add(done),
        }
    })
}

/// `readv`.
pub fn read_vector(a: Arguments) -> Result {
    read_pieces(Place::here(a[0]), a[1], a[2])
}

/// `writev`.
pub fn write_vector(a: Arguments) -> Result {
    write_pieces(Place::here(a[0]), a[1], a[2])
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

/// Where a transfer of several pieces happens.
#[derive(Clone, Copy)]
struct Place {
    fd: Fd,
    /// `None`: where the descriptor is.
    offset: Option<u64>,
}

impl Place {
    fn here(fd: u64) -> Place {
        let fd = descriptor(fd);
        Place { fd, offset: None }
    }

    fn at(a: Arguments) -> core::result::Result<Place, Errno> {
        let offset = Some(position(a[3])?);
        let fd = descriptor(a[0]);
        Ok(Place { fd, offset })
    }

    /// With flags, of which those are known that ask for what memory always is: written at once and never
    /// waited for; and -1 for the descriptor's own offset.
    fn at_or_here(a: Arguments) -> core::result::Result<Place, Errno> {
        /// `RWF_HIPRI`, `RWF_DSYNC`, `RWF_SYNC`.
        const GRANTED: u32 = 7;
        match (a[5] as u32 & !GRANTED, a[3] as i64) {
            (0, -1) => Ok(Place::here(a[0])),
            (0, _) => Place::at(a),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    /// As [`Place::at_or_here`]; where to append is nothing to a reader.
    fn to_read(mut a: Arguments) -> core::result::Result<Place, Errno> {
        const APPEND: u64 = 0x10;
        a[5] &= !APPEND;
        Place::at_or_here(a)
    }

    fn read(self, done: u64) -> Request {
        let fd = self.fd;
        match self.offset {
            None => Request::Read { fd },
            Some(offset) => Request::ReadAt {
                fd,
                offset: offset.wrapping_add(done),
            },
        }
    }

    fn write(self, done: u64) -> Request {
        let fd = self.fd;
        match self.offset {
            None => Request::Write { fd },
            Some(offset) => Request::WriteAt {
                fd,
                offset: offset.wrapping_add(done),
            },
        }
    }
}

/// Transfers piece after piece, until one is not transferred whole.
fn piece_by_piece(pieces: &[(u64, u64)], one: impl Fn(u64, usize, u64) -> Result) -> Result {
    let mut total = 0u64;
    for &(address, length) in pieces {
        let length = length.min(MOST - total.min(MOST));
        let done = match one(address, length as usize, total) {
            Ok(done) => done,
            Err(_) if total > 0 => return Ok(total),
            Err(errno) => return Err(errno),
        };
        total += done;
        if done < length || total >= MOST {
            break;
        }
    }
    Ok(total)
}

/// Few bytes become one buffer, so that a pipe gets them in one write, which must not be torn.
fn write_pieces(place: Place, list: u64, count: u64) -> Result {
    let pieces = text::pieces(list, count)?;
    let total: u64 = pieces.iter().map(|(_, length)| length).sum();
    if pieces.len() == 1 || total > GATHER_BYTES as u64 {
        return piece_by_piece(&pieces, |address, length, start| {
            let loan = machine::lend_in(address, length)?;
            transfer(loan, |done| place.write(start + done))
        });
    }
    let mut gathered = buffer(total as usize)?;
    gather(&pieces, &mut gathered)?;
    transfer(Loan::read(&gathered), |done| place.write(done))
}

/// Few bytes come through one buffer, because a pipe or a terminal may have only so many.
fn read_pieces(place: Place, list: u64, count: u64) -> Result {
    let pieces = text::pieces(list, count)?;
    let total: u64 = pieces.iter().map(|(_, length)| length).sum();
    if pieces.len() == 1 || total > GATHER_BYTES as u64 {
        return piece_by_piece(&pieces, |address, length, start| {
            let loan = machine::lend_out(address, length)?;
            transfer(loan, |done| place.read(start + done))
        });
    }
    let mut got = buffer(total as usize)?;
    let bytes = transfer(Loan::write(&mut got), |done| place.read(done))?;
    let mut rest = got.get(..bytes as usize).ok_or(Errno::EPROTO)?;
    for (address, length) in pieces {
        let (part, left) = rest.split_at(rest.len().min(length as usize));
        machine::write(address, part)?;
        rest = left;
    }
    Ok(bytes)
}

/// `pwritev2`: with `RWF_APPEND` at the end.
fn write_pieces_so(a: Arguments) -> Result {
    const APPEND: u32 = 0x10;
    let mut plain = a;
    plain[5] &= !u64::from(APPEND);
    let place = Place::at_or_here(plain)?;
    if a[5] as u32 & APPEND == 0 {
        return write_pieces(place, a[1], a[2]);
    }
    let moves = place.offset.is_none();
    let pieces = text::pieces(a[1], a[2])?;
    let total: u64 = pieces.iter().map(|(_, length)| length).sum();
    let mut gathered = buffer(total.min(GATHER_BYTES as u64) as usize)?;
    gather(&pieces, &mut gathered)?;
    let fd = place.fd;
    transfer(Loan::read(&gathered), |_| Request::Append { fd, moves })
}

/// Copies the pieces one behind the other, as far as there is room.
fn gather(pieces: &[(u64, u64)], into: &mut [u8]) -> core::result::Result<(), Errno> {
    let mut rest = into;
    for &(address, length) in pieces {
        let (part, left) = rest.split_at_mut(rest.len().min(length as usize));
        machine::read(address, part)?;
        rest = left;
    }
    Ok(())
}

/// The offset at an address as the file service wants it: -1 for none, another negative number for one
/// that is none.
fn offset_at(address: u64) -> core::result::Result<i64, Errno> {
    const NONE: i64 = -1;
    const SENSELESS: i64 = -2;
    match address {
        0 => Ok(NONE),
        address => match machine::word(address)? as i64 {
            offset if offset < 0 => Ok(SENSELESS),
            offset => Ok(offset),
        },
    }
}

fn splice(a: Arguments) -> Result {
    let (from, to, bytes, flags) = (descriptor(a[0]), descriptor(a[2]), a[4], word(a[5]));
    if bytes == 0 {
        return Ok(0);
    }
    let mut offsets = [0; 16];
    for (address, place) in [(a[1], 0), (a[3], 8)] {
        put_u64(&mut offsets, place, offset_at(address)? as u64);
    }
    let wish = Request::Splice {
        from,
        to,
        bytes,
        flags,
    };
    let done = super::vfs(wish, [Loan::both(&mut offsets), Loan::NONE])?;
    for (address, place) in [(a[1], 0), (a[3], 8)] {
        if address != 0 {
            machine::write(address, &get_u64(&offsets, place).to_le_bytes())?;
        }
    }
    Ok(done)
}

fn tee(a: Arguments) -> Result {
    let (from, to, bytes, flags) = (descriptor(a[0]), descriptor(a[1]), a[2], word(a[3]));
    if flags > SPLICE_ALL {
        return Err(Errno::EINVAL);
    }
    if bytes == 0 {
        return Ok(0);
    }
    let wish = Request::Tee {
        from,
        to,
        bytes,
        flags,
    };
    super::vfs(wish, [Loan::NONE; 2])
}

/// All flags of `splice` and its kin.
const SPLICE_ALL: u32 = 0xf;

/// `vmsplice`: a write to a pipe, or a read from one: memory is never given away here.
fn splice_memory(a: Arguments) -> Result {
    const NONBLOCK: u32 = 2;
    const FIFO: u32 = 0o1;
    const F_GETFL: u32 = 3;
    let (fd, flags) = (descriptor(a[0]), word(a[3]));
    if flags > SPLICE_ALL {
        return Err(Errno::EINVAL);
    }
    let control = |command, argument| {
        super::vfs(
            Request::Control {
                fd,
                command,
                argument,
            },
            [Loan::NONE; 2],
        )
    };
    let mut stat = [0; personality::layout::STAT_BYTES];
    super::vfs(
        Request::StatDescriptor { fd },
        [Loan::write(&mut stat), Loan::NONE],
    )?;
    if get_u32(&stat, 16) >> 12 != FIFO {
        return Err(Errno::EBADF);
    }
    let writes = control(F_GETFL, 0)? & 3 == 1;
    if flags & NONBLOCK != 0 {
        const POLLIN: u32 = 1;
        const POLLOUT: u32 = 4;
        let mut entry = [0; 8];
        let wanted = if writes { POLLOUT } else { POLLIN };
        personality::bytes::put_u32(&mut entry, 0, fd as u32);
        personality::bytes::put_u32(&mut entry, 4, wanted);
        let wish = Request::Poll { timeout_ns: 0 };
        if super::vfs(wish, [Loan::both(&mut entry), Loan::NONE])? == 0 {
            return Err(Errno::EAGAIN);
        }
    }
    match writes {
        true => write_pieces(Place::here(a[0]), a[1], a[2]),
        false => read_pieces(Place::here(a[0]), a[1], a[2]),
    }
}

fn seek(fd: Fd, offset: i64, whence: u32) -> Result {
    super::vfs(Request::Seek { fd, offset, whence }, [Loan::NONE; 2])
}

const SEEK_CUR: u32 = 1;

/// Copies `length` bytes from `from` on to where `to` says, through a buffer, until there are no
/// more or no more are taken.
fn copy(from: Place, to: Place, length: u64) -> Result {
    let mut bytes = buffer(bytes_of(length).min(GATHER_BYTES))?;
    let mut total = 0;
    while total < length.min(MOST) {
        let wanted = (length.min(MOST) - total).min(bytes.len() as u64) as usize;
        let room = bytes.get_mut(..wanted).ok_or(Errno::EPROTO)?;
        let step = transfer(Loan::write(room), |done| from.read(total + done)).and_then(|got| {
            let piece = bytes.get(..got as usize).ok_or(Errno::EPROTO)?;
            transfer(Loan::read(piece), |done| to.write(total + done))
        });
        match step {
            Ok(0) => break,
            Ok(written) if written < wanted as u64 => return Ok(total + written),
            Ok(written) => total += written,
            Err(_) if total > 0 => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(total)
}

/// The offset of the source moves by what was written.
fn send_file(a: Arguments) -> Result {
    let (to, fd, offset_at) = (Place::here(a[0]), descriptor(a[1]), a[2]);
    let start = match offset_at {
        0 => seek(fd, 0, SEEK_CUR).map_err(|_| Errno::EINVAL)?,
        address => position(machine::word(address)?)?,
    };
    let from = Place {
        fd,
        offset: Some(start),
    };
    let written = copy(from, to, a[3])?;
    match offset_at {
        0 => seek(fd, written as i64, SEEK_CUR).map(drop)?,
        address => machine::write(address, &start.wrapping_add(written).to_le_bytes())?,
    }
    Ok(written)
}

/// `copy_file_range`: between regular files, and not onto itself.
fn copy_range(a: Arguments) -> Result {
    if a[5] as u32 != 0 {
        return Err(Errno::EINVAL);
    }
    let (from, to) = (descriptor(a[0]), descriptor(a[2]));
    let [source, target] = [regular(from)?, regular(to)?];
    let start = |fd, at| match at {
        0 => seek(fd, 0, SEEK_CUR),
        address => position(machine::word(address)?),
    };
    let (read_at, write_at) = (start(from, a[1])?, start(to, a[3])?);
    let length = a[4].min(MOST);
    if source == target && read_at.abs_diff(write_at) < length {
        return Err(Errno::EINVAL);
    }
    let place = |fd, offset| Place {
        fd,
        offset: Some(offset),
    };
    let written = copy(place(from, read_at), place(to, write_at), length)?;
    for (fd, at, start) in [(from, a[1], read_at), (to, a[3], write_at)] {
        match at {
            0 => seek(fd, written as i64, SEEK_CUR).map(drop)?,
            address => machine::write(address, &start.wrapping_add(written).to_le_bytes())?,
        }
    }
    Ok(written)
}

/// Device and number of a regular file.
fn regular(fd: Fd) -> core::result::Result<(u64, u64), Errno> {
    let mut stat = [0; personality::layout::STAT_BYTES];
    let loans = [Loan::write(&mut stat), Loan::NONE];
    super::vfs(Request::StatDescriptor { fd }, loans)?;
    match get_u32(&stat, 16) >> 12 {
        0o10 => Ok((get_u64(&stat, 0), get_u64(&stat, 8))),
        0o4 => Err(Errno::EISDIR),
        _ => Err(Errno::EINVAL),
    }
}
