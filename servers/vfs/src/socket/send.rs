//! `send`, `sendto`, `sendmsg`, and `write` to a socket.

use super::control::{self, Given};
use super::{CAPACITY, Link, OVERHEAD, Packet, Sender, Socket, Style, rest_of};
use crate::linux::{self, POLLIN};
use crate::node::NodeId;
use crate::park::{Attempt, Call, Resume, count};
use crate::permission;
use crate::ports::{Platform, Ports};
use crate::process::OpenId;
use crate::vfs::{Vfs, identity};
use abi::Errno;
use alloc::vec::Vec;
use proto::port::{Callers, LeaseError, Refusal};
use proto::vfs::Fd;

/// Flags that mean something or nothing here; others are refused.
const KNOWN: u32 = linux::MSG_DONTWAIT
    | linux::MSG_NOSIGNAL
    | linux::MSG_EOR
    | linux::MSG_MORE
    | linux::MSG_DONTROUTE
    | linux::MSG_CONFIRM;
/// Most bytes of one packet of a stream, so that a long one is given back as it is received.
const PIECE_BYTES: usize = 32 << 10;

/// What goes with the bytes.
struct Letter {
    rights: Vec<OpenId>,
    sender: Sender,
    name: Option<Vec<u8>>,
}

impl Vfs {
    /// `sendmsg`: bytes in lease 0, an address and control data in lease 1.
    pub(crate) fn send_message<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        (flags, name_bytes): (u32, u32),
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, waits) = self.socket_at(call, fd)?;
        if flags & !KNOWN != 0 {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let waits = waits && flags & linux::MSG_DONTWAIT == 0;
        let mut given = Given::default();
        let control_bytes = rest_of(call.leases[1], name_bytes);
        if control_bytes > 0 {
            if control_bytes > control::MOST_BYTES {
                return Err(Errno(linux::ENOBUFS).into());
            }
            let mut bytes = alloc::vec![0; control_bytes];
            let at = u64::from(name_bytes);
            ports.callers.read(call.token, 1, at, &mut bytes)?;
            given = control::parse(&bytes)?;
        }
        let target = match name_bytes {
            0 => None,
            _ => Some(self.target(call, id, name_bytes as usize, ports)?),
        };
        self.send(call, (id, target), &given, (waits, resume), ports)
    }

    /// `write` to a socket.
    pub(crate) fn write_socket<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        (waits, resume): (bool, &Resume),
        ports: &mut Ports<P>,
    ) -> Attempt {
        let given = Given::default();
        self.send(call, (id, None), &given, (waits, resume), ports)
    }

    /// The socket that a message names.
    fn target<P: Platform>(
        &self,
        call: &Call,
        id: NodeId,
        bytes: usize,
        ports: &mut Ports<P>,
    ) -> Result<NodeId, Refusal> {
        let socket = self.socket(id)?;
        if socket.style != Style::Datagram {
            let connected = matches!(socket.link, Link::To(_) | Link::Lost);
            return Err(match (socket.style, connected) {
                (Style::Stream, true) => Errno(linux::EISCONN),
                (Style::Stream, false) => Errno::EOPNOTSUPP,
                (_, true) => return socket.peer_node().ok_or(Errno::EPIPE.into()),
                (_, false) => Errno(linux::ENOTCONN),
            }
            .into());
        }
        let address = Self::address(call, 1, bytes, ports)?;
        let target = self.find_socket(call, &address, ports)?;
        if self.socket(target)?.style != Style::Datagram {
            return Err(Errno(linux::EPROTOTYPE).into());
        }
        Ok(target)
    }

    /// Whom the bytes go to.
    fn receiver(&mut self, id: NodeId, named: Option<NodeId>) -> Result<NodeId, Errno> {
        let socket = self.socket_mut(id)?;
        if socket.mute {
            return Err(Errno::EPIPE);
        }
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        if let Some(named) = named {
            return Ok(named);
        }
        match (&socket.link, socket.style) {
            (Link::To(peer), _) => Ok(*peer),
            (Link::Lost, Style::Datagram) => Err(Errno::ECONNREFUSED),
            (Link::Lost, _) => Err(Errno::EPIPE),
            _ => Err(Errno(linux::ENOTCONN)),
        }
    }

    fn send<P: Platform>(
        &mut self,
        call: &Call,
        (id, named): (NodeId, Option<NodeId>),
        given: &Given,
        (waits, resume): (bool, &Resume),
        ports: &mut Ports<P>,
    ) -> Attempt {
        let done = resume.done;
        let to = match self.receiver(id, named) {
            Ok(to) => to,
            Err(_) if done > 0 => return count(done),
            Err(errno) => return Err(errno.into()),
        };
        let target = self.socket(to)?;
        let own = self.socket(id)?;
        if own.style == Style::Datagram && matches!(target.link, Link::To(third) if third != id) {
            return Err(Errno::EPERM.into());
        }
        if target.deaf {
            return Err(Errno::EPIPE.into());
        }
        let total = call.leases[0].bytes;
        let left = total.saturating_sub(done as usize);
        let length = match fitting(own.style, target, left) {
            Some(length) => length,
            None if left + OVERHEAD > CAPACITY && own.style != Style::Stream => {
                return Err(Errno(linux::EMSGSIZE).into());
            }
            None if waits => {
                let limit_ns = own.options.send_limit_ns;
                return Self::wait_socket(to, (done, limit_ns), resume, ports);
            }
            None if done > 0 => return count(done),
            None => return Err(Errno::EAGAIN.into()),
        };
        if self.names.queued + length + OVERHEAD > self.limits.sent_bytes {
            return match done {
                0 => Err(Errno(linux::ENOBUFS).into()),
                done => count(done),
            };
        }
        let bytes = Self::copied(call, done, length, ports)?;
        let mut letter = self.letter(call, id, given, ports)?;
        if done > 0 {
            // They went with the first bytes.
            letter.rights.clear();
        }
        for &open in &letter.rights {
            self.opens.get_mut(open).ok_or(Errno::EBADF)?.references += 1;
        }
        self.deliver(to, bytes, letter)?;
        self.woke(to, POLLIN);
        let done = done + length as u64;
        if done < total as u64 && waits {
            let limit_ns = self.socket(id)?.options.send_limit_ns;
            return Self::wait_socket(to, (done, limit_ns), resume, ports);
        }
        count(done)
    }

    /// The bytes from `done` on. What has been sent before counts if the rest is absent.
    fn copied<P: Platform>(
        call: &Call,
        done: u64,
        length: usize,
        ports: &mut Ports<P>,
    ) -> Result<Vec<u8>, Refusal> {
        let mut bytes = alloc::vec![0; length];
        match ports.callers.read(call.token, 0, done, &mut bytes) {
            Err(LeaseError::Absent { lease, offset }) => Err(Refusal::Touch {
                lease,
                offset,
                done,
            }),
            other => Ok(other.map(|()| bytes)?),
        }
    }

    /// What goes with the bytes, checked.
    fn letter<P: Platform>(
        &self,
        call: &Call,
        id: NodeId,
        given: &Given,
        ports: &Ports<P>,
    ) -> Result<Letter, Errno> {
        let mut sender = self.sender(call, ports)?;
        if let Some([pid, uid, gid]) = given.credentials {
            let who = identity(call.pid, &ports.system)?;
            let own = pid == who.pid
                && [who.uid, who.real_uid].contains(&uid)
                && [who.gid, who.real_gid].contains(&gid);
            if !own && !permission::is_root(&who) {
                return Err(Errno::EPERM);
            }
            sender = Sender { pid, uid, gid };
        }
        let descriptors = given.descriptors.iter();
        let rights = descriptors.map(|&fd| self.open_id(call.pid, fd));
        Ok(Letter {
            rights: rights.collect::<Result<_, _>>()?,
            sender,
            name: self.socket(id)?.name.clone(),
        })
    }

    /// Puts bytes into an inbox; a stream's go to the last packet if nothing tells them apart.
    fn deliver(&mut self, to: NodeId, bytes: Vec<u8>, letter: Letter) -> Result<(), Errno> {
        let length = bytes.len();
        let socket = self.socket_mut(to)?;
        let Letter {
            rights,
            sender,
            name,
        } = letter;
        if socket.style == Style::Stream
            && rights.is_empty()
            && let Some(last) = socket.inbox.back_mut()
            && last.sender == sender
            && last.rights.is_empty()
            && last.bytes.len() + bytes.len() <= PIECE_BYTES
        {
            last.bytes.extend(bytes);
            socket.queued += length;
            self.names.queued += length;
            return Ok(());
        }
        socket.queued += length + OVERHEAD;
        socket.inbox.push_back(Packet {
            bytes,
            taken: 0,
            rights,
            sender,
            name,
        });
        self.names.queued += length + OVERHEAD;
        Ok(())
    }
}

/// How many of `left` bytes fit: some of a stream, or all of a message.
fn fitting(style: Style, target: &Socket, left: usize) -> Option<usize> {
    let room = target.room().saturating_sub(OVERHEAD);
    match style {
        Style::Stream if left == 0 => Some(0),
        Style::Stream => Some(room.min(left)).filter(|&length| length > 0),
        Style::Datagram | Style::Packets => {
            (target.room() > OVERHEAD && left <= room).then_some(left)
        }
    }
}
