//! Sockets.

use super::{Arguments, Result, descriptor, vfs, word};
use crate::thread::Thread;
use crate::{machine, text};
use abi::{Errno, Handle};
use alloc::vec::Vec;
use libsys::lease::Loan;
use libsys::request::{request, request_transfer};
use personality::bytes::{get_u32, get_u64, put_u32, put_u64};
use personality::number;
use proto::vfs::{Fd, Reply, Request, Vfs};

const NO_LOANS: [Loan<'static>; 2] = [Loan::NONE; 2];
/// Room for an address.
const NAME_BYTES: usize = 112;
/// Most bytes of an address that a program may give (`struct sockaddr_storage`).
const MOST_NAME: u32 = 128;
/// Most bytes of control data that are taken from a program, and given to one.
const CONTROL_BYTES: usize = 8192;
/// Most bytes that are gathered from several pieces: more than any message has.
const GATHER_BYTES: u64 = 256 << 10;
/// Bytes of a `struct msghdr`, and with its length of a `struct mmsghdr`.
const HEADER_BYTES: usize = 56;
const LISTED_BYTES: u64 = 64;
const MSG_NOSIGNAL: u32 = 0x4000;
const MSG_DONTWAIT: u32 = 0x40;
const MSG_WAITFORONE: u32 = 0x10000;
const MSG_CMSG_COMPAT: u32 = 0x8000_0000;
/// Most messages of one call.
const MESSAGES: u64 = 1024;

/// The calls of this file.
pub fn call(thread: &mut Thread, number: u64, a: Arguments) -> Option<Result> {
    let fd = descriptor(a[0]);
    Some(match number {
        number::SOCKET => {
            let [domain, kind, protocol] = [word(a[0]), word(a[1]), word(a[2])];
            let wish = Request::Socket {
                domain,
                kind,
                protocol,
            };
            vfs(wish, NO_LOANS)
        }
        number::SOCKETPAIR => pair(a),
        number::BIND => with_address(a, Request::Bind { fd }),
        number::CONNECT => with_address(a, Request::Connect { fd }),
        number::LISTEN => {
            let backlog = word(a[1]);
            vfs(Request::Listen { fd, backlog }, NO_LOANS)
        }
        number::ACCEPT => accept(a, 0),
        number::ACCEPT4 => accept(a, word(a[3])),
        number::GETSOCKNAME => name(a, 0),
        number::GETPEERNAME => name(a, 1),
        number::SENDTO => send_to(thread, a),
        number::RECVFROM => receive_from(a),
        number::SETSOCKOPT => set_option(a),
        number::GETSOCKOPT => option(a),
        number::SHUTDOWN => {
            let how = word(a[1]);
            vfs(Request::ShutDown { fd, how }, NO_LOANS)
        }
        number::SENDMSG => send_message(thread, fd, a[1], word(a[2])),
        number::RECVMSG => receive_message(fd, a[1], word(a[2])),
        number::SENDMMSG => send_messages(thread, a),
        number::RECVMMSG => receive_messages(a),
        _ => return None,
    })
}

fn pair(a: Arguments) -> Result {
    let [domain, kind, protocol] = [word(a[0]), word(a[1]), word(a[2])];
    let wish = Request::SocketPair {
        domain,
        kind,
        protocol,
    };
    let Reply::Descriptors { read, write } = request::<Vfs>(Handle::VFS, &wish, NO_LOANS)? else {
        return Err(Errno::EPROTO);
    };
    super::files::give_two(a[3], read, write)
}

/// An address of the program, checked for its length.
fn address(at: u64, bytes: u64) -> core::result::Result<Vec<u8>, Errno> {
    let bytes = word(bytes);
    if bytes > MOST_NAME {
        return Err(Errno::EINVAL);
    }
    let mut address = alloc::vec![0; bytes as usize];
    machine::read(at, &mut address)?;
    Ok(address)
}

fn with_address(a: Arguments, wish: Request) -> Result {
    let address = address(a[1], a[2])?;
    vfs(wish, [Loan::read(&address), Loan::NONE])
}

/// Gives the program an address as far as it has room, and its full length.
fn give_address(at: u64, length_at: u64, address: &[u8], length: u32) -> Result {
    if at == 0 {
        return Ok(0);
    }
    let mut room = [0; 4];
    machine::read(length_at, &mut room)?;
    let room = u32::from_le_bytes(room);
    if room as i32 <= -1 {
        return Err(Errno::EINVAL);
    }
    let fits = address.len().min(length as usize).min(room as usize);
    machine::write(at, address.get(..fits).unwrap_or_default())?;
    machine::write(length_at, &length.to_le_bytes()).map(|()| 0)
}

fn accept(a: Arguments, flags: u32) -> Result {
    let mut address = [0; NAME_BYTES];
    let wish = Request::Accept {
        fd: descriptor(a[0]),
        flags,
    };
    let loans = [Loan::write(&mut address), Loan::NONE];
    let Reply::Accepted { fd, name_bytes } = request::<Vfs>(Handle::VFS, &wish, loans)? else {
        return Err(Errno::EPROTO);
    };
    if let Err(errno) = give_address(a[1], a[2], &address, name_bytes) {
        let _ = vfs(Request::Close { fd }, NO_LOANS);
        return Err(errno);
    }
    Ok(fd as u64)
}

fn name(a: Arguments, whose: u32) -> Result {
    let mut address = [0; NAME_BYTES];
    let fd = descriptor(a[0]);
    let wish = Request::SocketName { fd, whose };
    let length = vfs(wish, [Loan::write(&mut address), Loan::NONE])?;
    if a[1] == 0 {
        return Err(Errno::EFAULT);
    }
    give_address(a[1], a[2], &address, length as u32)
}

fn option(a: Arguments) -> Result {
    let mut room = [0; 4];
    machine::read(a[4], &mut room)?;
    let room = u32::from_le_bytes(room);
    if room as i32 <= -1 {
        return Err(Errno::EINVAL);
    }
    let mut value = [0; 64];
    let wish = Request::GetOption {
        fd: descriptor(a[0]),
        level: word(a[1]),
        option: word(a[2]),
    };
    let used = value.get_mut(..room.min(64) as usize).unwrap_or_default();
    let length = vfs(wish, [Loan::write(used), Loan::NONE])?;
    machine::write(a[3], value.get(..length as usize).unwrap_or_default())?;
    machine::write(a[4], &(length as u32).to_le_bytes()).map(|()| 0)
}

fn set_option(a: Arguments) -> Result {
    let bytes = word(a[4]);
    if bytes as i32 <= -1 {
        return Err(Errno::EINVAL);
    }
    let wish = Request::SetOption {
        fd: descriptor(a[0]),
        level: word(a[1]),
        option: word(a[2]),
    };
    let loan = machine::lend_in(a[3], bytes.min(64) as usize)?;
    vfs(wish, [loan, Loan::NONE])
}

/// Sends bytes that are lent, with an address and control data behind each other. `SIGPIPE` goes to
/// who did not refuse it.
fn send(
    thread: &mut Thread,
    fd: Fd,
    data: Loan<'_>,
    (beside, name_bytes): (&[u8], usize),
    flags: u32,
) -> Result {
    let wish = Request::Send {
        fd,
        flags: flags & !MSG_CMSG_COMPAT,
        name_bytes: name_bytes as u32,
    };
    let sent = if beside.is_empty() {
        let count = |reply| match reply {
            Reply::Count(count) => Ok(count),
            _ => Err(Errno::EPROTO),
        };
        request_transfer::<Vfs>(Handle::VFS, data, |_| wish, count)
    } else {
        vfs(wish, [data, Loan::read(beside)])
    };
    if sent == Err(Errno::EPIPE) && flags & MSG_NOSIGNAL == 0 {
        super::transfer::tell_by_signal(thread, Errno::EPIPE);
    }
    sent
}

fn send_to(thread: &mut Thread, a: Arguments) -> Result {
    let name = match a[4] {
        0 => Vec::new(),
        at => address(at, a[5])?,
    };
    let data = machine::lend_in(a[1], super::transfer::bytes_of(a[2]))?;
    let beside = (name.as_slice(), name.len());
    send(thread, descriptor(a[0]), data, beside, word(a[3]))
}

/// A `struct msghdr`.
struct Header {
    name_at: u64,
    name_bytes: u64,
    pieces: Vec<(u64, u64)>,
    control_at: u64,
    control_bytes: u64,
}

impl Header {
    fn read(at: u64) -> core::result::Result<Header, Errno> {
        let mut bytes = [0; HEADER_BYTES];
        machine::read(at, &mut bytes)?;
        let count = get_u64(&bytes, 24);
        if count > 1024 {
            return Err(Errno(90));
        }
        Ok(Header {
            name_at: get_u64(&bytes, 0),
            name_bytes: u64::from(get_u32(&bytes, 8)),
            pieces: text::pieces(get_u64(&bytes, 16), count)?,
            control_at: get_u64(&bytes, 32),
            control_bytes: get_u64(&bytes, 40),
        })
    }

    fn total(&self) -> u64 {
        self.pieces.iter().map(|(_, length)| length).sum()
    }
}

fn send_message(thread: &mut Thread, fd: Fd, at: u64, flags: u32) -> Result {
    const ENOBUFS: Errno = Errno(105);
    let header = Header::read(at)?;
    let mut beside = match header.name_at {
        0 => Vec::new(),
        name_at => address(name_at, header.name_bytes)?,
    };
    let name_bytes = beside.len();
    if header.control_at != 0 && header.control_bytes > 0 {
        if header.control_bytes > CONTROL_BYTES as u64 {
            return Err(ENOBUFS);
        }
        beside.resize(name_bytes + header.control_bytes as usize, 0);
        let control = beside.get_mut(name_bytes..).unwrap_or_default();
        machine::read(header.control_at, control)?;
    }
    if let [(address, length)] = header.pieces[..] {
        let data = machine::lend_in(address, super::transfer::bytes_of(length))?;
        return send(thread, fd, data, (&beside, name_bytes), flags);
    }
    let gathered = gather(&header)?;
    let data = Loan::read(&gathered);
    send(thread, fd, data, (&beside, name_bytes), flags)
}

/// The bytes of all pieces; no message is longer, and a stream may take fewer.
fn gather(header: &Header) -> core::result::Result<Vec<u8>, Errno> {
    let mut gathered = super::transfer::buffer(header.total().min(GATHER_BYTES) as usize)?;
    let mut rest = &mut gathered[..];
    for &(address, length) in &header.pieces {
        let (part, left) = rest.split_at_mut(rest.len().min(super::transfer::bytes_of(length)));
        machine::read(address, part)?;
        rest = left;
    }
    Ok(gathered)
}

/// What came with received bytes.
struct Came {
    bytes: u64,
    name_bytes: u32,
    control_bytes: u32,
    flags: u32,
}

/// Receives into what is lent; address and control data go to `beside`.
fn receive(
    fd: Fd,
    data: Loan<'_>,
    beside: &mut [u8],
    flags: u32,
) -> core::result::Result<Came, Errno> {
    let wish = Request::Receive {
        fd,
        flags: flags & !(MSG_CMSG_COMPAT | MSG_WAITFORONE),
        name_bytes: beside.len().min(NAME_BYTES) as u32,
    };
    match request::<Vfs>(Handle::VFS, &wish, [data, Loan::write(beside)])? {
        Reply::Received {
            bytes,
            name_bytes,
            control_bytes,
            flags,
        } => Ok(Came {
            bytes,
            name_bytes,
            control_bytes,
            flags,
        }),
        _ => Err(Errno::EPROTO),
    }
}

fn receive_from(a: Arguments) -> Result {
    let mut address = [0; NAME_BYTES];
    let data = machine::lend_out(a[1], super::transfer::bytes_of(a[2]))?;
    let came = receive(descriptor(a[0]), data, &mut address, word(a[3]))?;
    give_address(a[4], a[5], &address, came.name_bytes)?;
    Ok(came.bytes)
}

fn receive_message(fd: Fd, at: u64, flags: u32) -> Result {
    let header = Header::read(at)?;
    let control_room = match header.control_at {
        0 => 0,
        _ => header.control_bytes.min(CONTROL_BYTES as u64) as usize,
    };
    let mut beside = super::transfer::buffer(NAME_BYTES + control_room)?;
    let came = match header.pieces[..] {
        [(address, length)] => {
            let data = machine::lend_out(address, super::transfer::bytes_of(length))?;
            receive(fd, data, &mut beside, flags)?
        }
        _ => receive_pieces(fd, &header, &mut beside, flags)?,
    };
    let (name, control) = beside.split_at(NAME_BYTES);
    let mut fields = [0; HEADER_BYTES];
    machine::read(at, &mut fields)?;
    put_u32(&mut fields, 8, came.name_bytes);
    put_u64(&mut fields, 40, u64::from(came.control_bytes));
    put_u32(&mut fields, 48, came.flags | flags & 0x4000_0000);
    if header.name_at != 0 {
        let fits = (came.name_bytes as usize)
            .min(header.name_bytes as usize)
            .min(NAME_BYTES);
        machine::write(header.name_at, name.get(..fits).unwrap_or_default())?;
    } else {
        put_u32(&mut fields, 8, header.name_bytes as u32);
    }
    let control = control
        .get(..came.control_bytes as usize)
        .unwrap_or_default();
    machine::write(header.control_at, control)?;
    machine::write(at, &fields)?;
    Ok(came.bytes)
}

fn receive_pieces(
    fd: Fd,
    header: &Header,
    beside: &mut [u8],
    flags: u32,
) -> core::result::Result<Came, Errno> {
    let mut got = super::transfer::buffer(header.total().min(GATHER_BYTES) as usize)?;
    let came = receive(fd, Loan::write(&mut got), beside, flags)?;
    let mut rest = got
        .get(..(came.bytes as usize).min(got.len()))
        .unwrap_or_default();
    for &(address, length) in &header.pieces {
        let (part, left) = rest.split_at(rest.len().min(super::transfer::bytes_of(length)));
        machine::write(address, part)?;
        rest = left;
    }
    Ok(came)
}

/// Does `one` for each of a list of messages; an error counts only for the first.
fn each_message(a: Arguments, mut one: impl FnMut(u64, u64) -> Result) -> Result {
    let count = u64::from(word(a[2])).min(MESSAGES);
    for index in 0..count {
        let at = a[1].wrapping_add(LISTED_BYTES * index);
        let length = match one(index, at) {
            Ok(length) => length,
            Err(errno) if index == 0 => return Err(errno),
            Err(_) => return Ok(index),
        };
        let length_at = at.wrapping_add(HEADER_BYTES as u64);
        machine::write(length_at, &(length as u32).to_le_bytes())?;
    }
    Ok(count)
}

fn send_messages(thread: &mut Thread, a: Arguments) -> Result {
    let (fd, flags) = (descriptor(a[0]), word(a[3]));
    each_message(a, |_, at| send_message(thread, fd, at, flags))
}

/// Without the timeout that Linux looks at between messages: each wait is that of the socket.
fn receive_messages(a: Arguments) -> Result {
    let (fd, flags) = (descriptor(a[0]), word(a[3]));
    each_message(a, |index, at| {
        let later = index > 0 && flags & MSG_WAITFORONE != 0;
        let flags = flags | if later { MSG_DONTWAIT } else { 0 };
        receive_message(fd, at, flags)
    })
}
