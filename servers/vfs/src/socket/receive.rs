//! `recv`, `recvfrom`, `recvmsg`, and `read` from a socket.

use super::control::Made;
use super::name::address_bytes;
use super::{Link, Packet, Socket, Style, rest_of};
use crate::linux::{self, POLLOUT};
use crate::node::NodeId;
use crate::park::{Attempt, Call, Resume, Step, count};
use crate::ports::{Platform, Ports};
use crate::vfs::Vfs;
use abi::Errno;
use alloc::vec::Vec;
use proto::port::{Callers, Refusal};
use proto::vfs::{Fd, Reply};

/// Flags that mean something or nothing here; others are refused.
const KNOWN: u32 = linux::MSG_PEEK
    | linux::MSG_TRUNC
    | linux::MSG_DONTWAIT
    | linux::MSG_WAITALL
    | linux::MSG_NOSIGNAL
    | linux::MSG_CMSG_CLOEXEC;

/// How somebody receives.
#[derive(Clone, Copy, Debug)]
struct Receive {
    /// `MSG_*`.
    pub flags: u32,
    /// Room for an address at the start of lease 1; control data has the rest.
    pub name_bytes: u32,
    /// The socket, or the call, is one that waits.
    pub waits: bool,
}

/// What a receiver is given.
struct Taken {
    /// Bytes that were copied.
    copied: usize,
    /// Bytes that the message had.
    whole: usize,
}

impl Vfs {
    /// `recvmsg`.
    pub(crate) fn receive_message<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        (flags, name_bytes): (u32, u32),
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, waits) = self.any_socket_at(call, fd)?;
        if flags & !KNOWN != 0 {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let how = Receive {
            flags,
            name_bytes,
            waits: waits && flags & linux::MSG_DONTWAIT == 0,
        };
        self.receive(call, id, how, resume, ports)
    }

    /// `read` from a socket.
    pub(crate) fn read_socket<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        (waits, resume): (bool, &Resume),
        ports: &mut Ports<P>,
    ) -> Attempt {
        if call.leases[0].bytes == 0 {
            return count(0);
        }
        let how = Receive {
            flags: 0,
            name_bytes: 0,
            waits,
        };
        match self.receive(call, id, how, resume, ports)? {
            Step::Done(Reply::Received { bytes, .. }) => count(bytes),
            other => Ok(other),
        }
    }

    fn receive<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        how: Receive,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let wanted = call.leases[0].bytes;
        let socket = self.socket_mut(id)?;
        match (socket.style, &socket.link) {
            (Style::Stream, Link::Alone | Link::Listening { .. }) => {
                return Err(Errno::EINVAL.into());
            }
            (Style::Packets, Link::Alone | Link::Listening { .. }) => {
                return Err(Errno(linux::ENOTCONN).into());
            }
            _ => {}
        }
        if socket.style == Style::Stream && wanted == 0 {
            return received(0, 0, 0, 0);
        }
        let for_all = socket.style == Style::Stream && how.flags & linux::MSG_WAITALL != 0;
        let too_few = for_all
            && !socket.deaf
            && socket.readable_bytes() < wanted
            && socket.room() > super::OVERHEAD;
        if socket.inbox.is_empty() || too_few && how.waits {
            if let Some(error) = socket.error.take() {
                return Err(error.into());
            }
            if socket.deaf {
                return received(0, 0, 0, 0);
            }
            if !how.waits {
                return Err(Errno::EAGAIN.into());
            }
            let limit_ns = socket.options.receive_limit_ns;
            return Self::wait_socket(id, (0, limit_ns), resume, ports);
        }
        self.take(call, id, how, ports)
    }

    /// Copies what is there, then takes it.
    fn take<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        how: Receive,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let taken = self.socket(id)?.copy_out(call, ports)?;
        let is_stream = self.socket(id)?.style == Style::Stream;
        let name_bytes = self.give_name(call, id, how, ports)?;
        let (control_bytes, mut flags) = self.give_control(call, id, how, ports)?;
        let is_cut = !is_stream && taken.copied < taken.whole;
        if is_cut {
            flags |= linux::MSG_TRUNC;
        }
        if how.flags & linux::MSG_PEEK == 0 {
            let socket = self.socket_mut(id)?;
            let before = socket.queued;
            let rights = socket.consume(taken.copied);
            let freed = before.saturating_sub(socket.queued);
            self.names.queued = self.names.queued.saturating_sub(freed);
            self.names.undelivered.extend(rights);
            let peer = self.socket(id)?.peer_node();
            self.woke(id, 0);
            if let Some(peer) = peer {
                self.woke(peer, POLLOUT);
            }
            self.release_undelivered(ports);
        }
        let bytes = match is_cut && how.flags & linux::MSG_TRUNC != 0 {
            true => taken.whole,
            false => taken.copied,
        };
        received(bytes, name_bytes, control_bytes, flags)
    }

    /// The sender's address to the start of lease 1; its length.
    fn give_name<P: Platform>(
        &self,
        call: &Call,
        id: NodeId,
        how: Receive,
        ports: &mut Ports<P>,
    ) -> Result<usize, Refusal> {
        let first = self.socket(id)?.inbox.front();
        let Some(name) = first.and_then(|packet| packet.name.as_deref()) else {
            return Ok(0);
        };
        let address = address_bytes(Some(name));
        let fits = address.len().min(how.name_bytes as usize);
        if fits > 0 {
            ports.callers.write(call.token, 1, 0, &address[..fits])?;
        }
        Ok(address.len())
    }

    /// Credentials and descriptors to the rest of lease 1; bytes used, and flags for the receiver.
    ///
    /// The descriptors are there only if the copy succeeded.
    fn give_control<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        how: Receive,
        ports: &mut Ports<P>,
    ) -> Result<(usize, u32), Refusal> {
        let mut made = Made::new(rest_of(call.leases[1], how.name_bytes));
        let socket = self.socket(id)?;
        let Some(Packet { rights, sender, .. }) = socket.inbox.front() else {
            return Ok((0, 0));
        };
        if socket.options.passes_credentials() {
            let ids = [sender.pid, sender.uid, sender.gid];
            made.add(linux::SCM_CREDENTIALS, &ids);
        }
        let rights: Vec<_> = rights.clone();
        let mut descriptors = Vec::new();
        let flags = match how.flags & linux::MSG_CMSG_CLOEXEC {
            0 => 0,
            _ => linux::O_CLOEXEC,
        };
        for &open in rights.iter().take(made.descriptors_that_fit()) {
            let Ok(fd) = self.add_descriptor(call.pid, open, flags, ports) else {
                break;
            };
            if let Some(file) = self.opens.get_mut(open) {
                file.references += 1;
            }
            descriptors.push(fd);
        }
        made.is_cut |= descriptors.len() < rights.len();
        if !descriptors.is_empty() {
            let numbers: Vec<u32> = descriptors.iter().map(|&fd| fd as u32).collect();
            made.add(linux::SCM_RIGHTS, &numbers);
        }
        let at = u64::from(how.name_bytes);
        if !made.bytes.is_empty()
            && let Err(error) = ports.callers.write(call.token, 1, at, &made.bytes)
        {
            for fd in descriptors {
                let table = &mut self.processes.get_mut(call.pid)?.descriptors;
                let descriptor = table.remove(fd)?;
                self.release_open(descriptor.open, ports);
            }
            return Err(error.into());
        }
        let flags = if made.is_cut { linux::MSG_CTRUNC } else { 0 };
        Ok((made.bytes.len(), flags))
    }
}

impl Socket {
    /// Copies the first message, or as much of a stream as belongs together, to lease 0.
    fn copy_out<P: Platform>(&self, call: &Call, ports: &mut Ports<P>) -> Result<Taken, Refusal> {
        let wanted = call.leases[0].bytes;
        let mut copied = 0;
        let first = self.inbox.front().ok_or(Errno::EAGAIN)?;
        for packet in self.inbox.iter().take(self.together()) {
            let rest = &packet.bytes[packet.taken.min(packet.bytes.len())..];
            let piece = &rest[..rest.len().min(wanted - copied)];
            if !piece.is_empty() {
                ports.callers.write(call.token, 0, copied as u64, piece)?;
            }
            copied += piece.len();
        }
        Ok(Taken {
            copied,
            whole: first.bytes.len(),
        })
    }

    /// How many packets one call may receive: of a stream those up to one with descriptors, and of
    /// one sender if that matters.
    fn together(&self) -> usize {
        let Some(first) = self.inbox.front() else {
            return 0;
        };
        if self.style != Style::Stream || !first.rights.is_empty() {
            return 1;
        }
        let by_sender = self.options.passes_credentials();
        let others = self.inbox.iter().take_while(|packet| {
            packet.rights.is_empty() && (!by_sender || packet.sender == first.sender)
        });
        others.count()
    }

    /// Takes so many bytes of a stream, or the first message; the descriptors that came with it.
    fn consume(&mut self, bytes: usize) -> Vec<u32> {
        let mut left = bytes;
        let is_stream = self.style == Style::Stream;
        let mut rights = Vec::new();
        while let Some(packet) = self.inbox.front_mut() {
            rights.append(&mut packet.rights);
            let rest = packet.bytes.len() - packet.taken.min(packet.bytes.len());
            let ends = !is_stream || left >= rest;
            let gone = if ends { rest } else { left };
            packet.taken += gone;
            self.queued = self.queued.saturating_sub(gone);
            left = left.saturating_sub(gone);
            if !ends {
                break;
            }
            self.queued = self.queued.saturating_sub(super::OVERHEAD);
            self.inbox.pop_front();
            if !is_stream || left == 0 {
                break;
            }
        }
        rights
    }
}

fn received(bytes: usize, name_bytes: usize, control_bytes: usize, flags: u32) -> Attempt {
    Ok(Step::Done(Reply::Received {
        bytes: bytes as u64,
        name_bytes: name_bytes as u32,
        control_bytes: control_bytes as u32,
        flags,
    }))
}
