//! Sockets of the family `AF_UNIX`: bytes, messages and descriptors between processes.
//!
//! A socket is a node without a name and one open file. What is sent lies in the receiver's inbox, so
//! a sender that waits for room waits for the receiver's node to change, and everybody else for the
//! own one. A connected pair know each other's nodes; [`Vfs::end_socket`] is the one place where a
//! socket ends, and there all others forget it.

mod connect;
mod control;
mod cookie;
mod name;
mod options;
mod receive;
mod send;

use crate::linux::{self, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM};
use crate::node::{Kind, NodeId, NodeRef, Place};
use crate::park::{Attempt, Call, Cause, Resume, Step, Wait, count};
use crate::ports::{Platform, Ports};
use crate::process::OpenId;
use crate::vfs::{Vfs, identity};
use abi::Errno;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use proto::port::{Clock, LeaseInfo};
use proto::vfs::{Fd, PIPE_BUF, Reply};
use serde::{Deserialize, Serialize};

/// Most bytes in an inbox, and what `SO_SNDBUF` says (Linux: `net.core.wmem_default`).
pub const CAPACITY: usize = 212_992;
/// What a message takes of an inbox beside its bytes, so that empty ones are bounded.
const OVERHEAD: usize = 256;

/// How bytes are kept together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    /// Bytes in order.
    Stream,
    /// Messages, to anybody.
    Datagram,
    /// Messages in order, between two.
    Packets,
}

impl Style {
    /// The style that `socket` names, without its flags.
    fn from_kind(kind: u32) -> Result<Style, Errno> {
        match kind & linux::SOCK_TYPE {
            linux::SOCK_STREAM => Ok(Style::Stream),
            // Linux takes raw sockets of this family for datagrams.
            linux::SOCK_DGRAM | linux::SOCK_RAW => Ok(Style::Datagram),
            linux::SOCK_SEQPACKET => Ok(Style::Packets),
            _ => Err(Errno(linux::ESOCKTNOSUPPORT)),
        }
    }

    /// What `SO_TYPE` says.
    fn to_kind(self) -> u32 {
        match self {
            Style::Stream => linux::SOCK_STREAM,
            Style::Datagram => linux::SOCK_DGRAM,
            Style::Packets => linux::SOCK_SEQPACKET,
        }
    }
}

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Process.
    pub pid: u32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// What is known of the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// Nobody yet.
    Alone,
    /// Waits for others to connect.
    Listening {
        /// How many may wait to be accepted.
        backlog: u32,
        /// The sockets made for those who connected.
        waiting: VecDeque<NodeId>,
    },
    /// This socket.
    To(NodeId),
    /// One that is gone.
    Lost,
}

/// Something sent and not received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    bytes: Vec<u8>,
    /// How many of the bytes were received (of a stream).
    taken: usize,
    /// Open files on their way; each counts as a descriptor.
    rights: Vec<OpenId>,
    sender: Sender,
    /// The sender's name, if it has one.
    name: Option<Vec<u8>>,
}

/// The family of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Family {
    /// `AF_UNIX`
    Unix,
    /// `AF_NETLINK`: nobody can be reached; it receives only what `mq_notify` sends.
    Netlink,
}

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    family: Family,
    style: Style,
    link: Link,
    inbox: VecDeque<Packet>,
    /// What the inbox takes, overhead included.
    queued: usize,
    /// Receiving is over.
    deaf: bool,
    /// Sending is over.
    mute: bool,
    /// `sun_path` of its address.
    name: Option<Vec<u8>>,
    /// Who made it, or connected or listened with it last.
    owner: Sender,
    /// The owner of the other side, when they connected.
    peer: Option<Sender>,
    /// What the next call shall fail with.
    error: Option<Errno>,
    options: options::Options,
}

impl Socket {
    /// What `/proc/net/unix` says of it.
    pub fn line(&self, id: NodeId) -> alloc::string::String {
        let (flags, state) = match self.link {
            Link::Listening { .. } => (0x1_0000, 1),
            Link::To(_) => (0, 3),
            Link::Alone | Link::Lost => (0, 1),
        };
        let kind = self.style.to_kind();
        let inode = crate::requests::directories::stored_inode(id);
        let head = alloc::format!(
            "{id:016x}: 00000002 00000000 {flags:08X} {kind:04X} {state:02X} {inode:5}"
        );
        match self.name.as_deref() {
            // A name of the own space begins with a zero byte.
            Some([0, rest @ ..]) => head + " @" + &alloc::string::String::from_utf8_lossy(rest),
            Some(name) => head + " " + &alloc::string::String::from_utf8_lossy(name),
            None => head,
        }
    }
}

/// What names lead to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Names {
    /// Sockets with a name in a directory, by that name's node.
    paths: BTreeMap<NodeId, NodeId>,
    /// Sockets with names of their own space.
    abstracts: BTreeMap<Vec<u8>, NodeId>,
    /// All sockets.
    all: BTreeSet<NodeId>,
    /// What all inboxes take.
    queued: usize,
    /// Open files that were on their way to a socket that ended.
    undelivered: Vec<OpenId>,
}

impl Names {
    /// The name's node is gone.
    pub(crate) fn forget_path(&mut self, name: NodeId) {
        self.paths.remove(&name);
    }

    /// An open file to be let go.
    #[inline]
    pub(crate) fn take_undelivered(&mut self) -> Option<OpenId> {
        self.undelivered.pop()
    }
}

impl Socket {
    fn new(style: Style, owner: Sender) -> Self {
        Socket {
            family: Family::Unix,
            style,
            link: Link::Alone,
            inbox: VecDeque::new(),
            queued: 0,
            deaf: false,
            mute: false,
            name: None,
            owner,
            peer: None,
            error: None,
            options: options::Options::default(),
        }
    }

    /// Bytes that can be put into the inbox now.
    fn room(&self) -> usize {
        CAPACITY.saturating_sub(self.queued)
    }

    /// Bytes to receive: all of a stream, or the first message.
    pub(crate) fn readable_bytes(&self) -> usize {
        let lengths = self
            .inbox
            .iter()
            .map(|packet| packet.bytes.len() - packet.taken);
        match self.style {
            Style::Stream => lengths.sum(),
            _ => lengths.take(1).sum(),
        }
    }

    fn peer_node(&self) -> Option<NodeId> {
        match self.link {
            Link::To(peer) => Some(peer),
            _ => None,
        }
    }
}

impl Vfs {
    /// A socket by its node.
    fn socket(&self, id: NodeId) -> Result<&Socket, Errno> {
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::Endpoint(socket)) => Ok(socket),
            _ => Err(Errno::ENOTSOCK),
        }
    }

    fn socket_mut(&mut self, id: NodeId) -> Result<&mut Socket, Errno> {
        match self.nodes.get_mut(id).map(|node| &mut node.kind) {
            Some(Kind::Endpoint(socket)) => Ok(socket),
            _ => Err(Errno::ENOTSOCK),
        }
    }

    /// The socket that a descriptor names, and whether it waits, for a call that only the family of names
    /// in directories has.
    fn socket_at(&self, call: &Call, fd: Fd) -> Result<(NodeId, bool), Errno> {
        let (id, waits) = self.any_socket_at(call, fd)?;
        match self.socket(id)?.family {
            Family::Unix => Ok((id, waits)),
            Family::Netlink => Err(Errno::EOPNOTSUPP),
        }
    }

    /// The socket of whatever family that a descriptor names, and whether it waits.
    fn any_socket_at(&self, call: &Call, fd: Fd) -> Result<(NodeId, bool), Errno> {
        let file = self.open_file(call.pid, fd)?;
        if file.flags & linux::O_PATH != 0 {
            return Err(Errno::EBADF);
        }
        let id = self.stored(file.place).ok_or(Errno::ENOTSOCK)?;
        self.socket(id)?;
        Ok((id, !file.is_nonblocking()))
    }

    /// The caller as receivers see it.
    fn sender<P: Platform>(&self, call: &Call, ports: &Ports<P>) -> Result<Sender, Errno> {
        let who = identity(call.pid, &ports.system)?;
        Ok(Sender {
            pid: who.pid,
            uid: who.uid,
            gid: who.gid,
        })
    }

    /// A node with a new socket.
    fn new_socket<P: Platform>(
        &mut self,
        call: &Call,
        style: Style,
        ports: &mut Ports<P>,
    ) -> Result<NodeId, Errno> {
        if self.names.all.len() >= self.limits.opens {
            return Err(Errno::ENFILE);
        }
        let owner = self.sender(call, ports)?;
        let socket = Kind::Endpoint(Box::new(Socket::new(style, owner)));
        let place = self.new_object(call, socket, ports)?;
        let id = self.stored(place).ok_or(Errno::EIO)?;
        if let Some(node) = self.nodes.get_mut(id) {
            node.permissions = 0o777;
        }
        self.names.all.insert(id);
        Ok(id)
    }

    /// An open file for a socket that nobody has open.
    fn open_socket(&mut self, id: NodeId, flags: u32) -> OpenId {
        let node = NodeRef::Stored(id);
        let place = Place { mount: 0, node };
        self.add_open(place, linux::O_RDWR | flags & linux::O_NONBLOCK)
    }

    /// `socket`.
    pub(crate) fn make_socket<P: Platform>(
        &mut self,
        call: &Call,
        [domain, kind, protocol]: [u32; 3],
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (family, style) = match domain {
            linux::AF_NETLINK => (Family::Netlink, cookie::checked_style(kind, protocol)?),
            _ => (Family::Unix, checked_style(domain, kind, protocol)?),
        };
        self.check_opens()?;
        let id = self.new_socket(call, style, ports)?;
        self.socket_mut(id)?.family = family;
        let open = self.open_socket(id, kind);
        self.name_open(call, open, kind, ports)
    }

    /// `socketpair`.
    pub(crate) fn make_pair<P: Platform>(
        &mut self,
        call: &Call,
        [domain, kind, protocol]: [u32; 3],
        ports: &mut Ports<P>,
    ) -> Attempt {
        let style = checked_style(domain, kind, protocol)?;
        self.check_opens()?;
        let one = self.new_socket(call, style, ports)?;
        let other = match self.new_socket(call, style, ports) {
            Ok(other) => other,
            Err(errno) => {
                self.discard_socket(one);
                return Err(errno.into());
            }
        };
        for (id, peer) in [(one, other), (other, one)] {
            let socket = self.socket_mut(id)?;
            socket.link = Link::To(peer);
            socket.peer = Some(socket.owner);
        }
        let opens = [one, other].map(|id| self.open_socket(id, kind));
        let read = self.add_descriptor(call.pid, opens[0], kind, ports);
        let write = self.add_descriptor(call.pid, opens[1], kind, ports);
        match (read, write) {
            (Ok(read), Ok(write)) => Ok(Step::Done(Reply::Descriptors { read, write })),
            (read, _) => {
                if let Ok(read) = read {
                    self.processes.get_mut(call.pid)?.descriptors.remove(read)?;
                }
                self.release_open(opens[0], ports);
                self.release_open(opens[1], ports);
                Err(Errno::EMFILE.into())
            }
        }
    }

    /// Frees a socket that was never open.
    fn discard_socket(&mut self, id: NodeId) {
        self.end_socket(id);
        self.nodes.remove(id);
    }

    /// A socket ends: its other side is told, and all others forget it.
    pub(crate) fn end_socket(&mut self, id: NodeId) {
        let Ok(socket) = self.socket_mut(id) else {
            return;
        };
        let unread = !socket.inbox.is_empty();
        let inbox = core::mem::take(&mut socket.inbox);
        let queued = core::mem::take(&mut socket.queued);
        let link = core::mem::replace(&mut socket.link, Link::Lost);
        self.names
            .undelivered
            .extend(inbox.into_iter().flat_map(|packet| packet.rights));
        self.names.all.remove(&id);
        self.names.queued = self.names.queued.saturating_sub(queued);
        self.names.paths.retain(|_, bound| *bound != id);
        self.names.abstracts.retain(|_, bound| *bound != id);
        self.lose(id, unread);
        if let Link::Listening { waiting, .. } = link {
            for id in waiting {
                self.discard_socket(id);
            }
        }
        self.woke(id, POLLHUP);
    }

    /// All sockets that are connected to `gone` learn that it is.
    fn lose(&mut self, gone: NodeId, unread: bool) {
        let others: Vec<NodeId> = self.names.all.iter().copied().collect();
        for id in others {
            let Ok(socket) = self.socket_mut(id) else {
                continue;
            };
            if socket.link != Link::To(gone) {
                continue;
            }
            socket.link = Link::Lost;
            if socket.style != Style::Datagram {
                (socket.deaf, socket.mute) = (true, true);
                if unread {
                    socket.error = Some(Errno(linux::ECONNRESET));
                }
            }
            self.woke(id, POLLIN | POLLOUT | POLLHUP | POLLERR | POLLRDHUP);
        }
    }

    /// What `poll` says of a socket.
    pub(crate) fn socket_events(&self, socket: &Socket) -> i16 {
        let mut events = 0;
        let waiting =
            matches!(&socket.link, Link::Listening { waiting, .. } if !waiting.is_empty());
        if waiting || socket.deaf || !socket.inbox.is_empty() {
            events |= POLLIN | POLLRDNORM;
        }
        if socket.error.is_some() {
            events |= POLLERR;
        }
        if socket.deaf {
            events |= POLLRDHUP;
        }
        let unconnected = socket.style != Style::Datagram && socket.link == Link::Alone;
        if unconnected || socket.deaf && socket.mute {
            events |= POLLHUP;
        }
        let room = match socket.link {
            Link::To(peer) => self.socket(peer).map_or(CAPACITY, Socket::room),
            Link::Alone | Link::Lost => CAPACITY,
            Link::Listening { .. } => 0,
        };
        if room >= PIPE_BUF {
            events |= POLLOUT | linux::POLLWRNORM;
        }
        events
    }

    /// Waits for a change of node `on`; `limit_ns` is the socket's own patience, 0 for no end.
    fn wait_socket<P: Platform>(
        on: NodeId,
        (done, limit_ns): (u64, u64),
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let cause = Cause::Object(on);
        if limit_ns == 0 {
            return Ok(Step::Wait(Wait::after(cause, done)));
        }
        let now = ports.system.now_ns();
        let deadline_ns = resume.deadline_ns.unwrap_or(now.saturating_add(limit_ns));
        if resume.again && now >= deadline_ns {
            return match done {
                0 => Err(Errno::EAGAIN.into()),
                done => count(done),
            };
        }
        let resume = Resume {
            done,
            deadline_ns: Some(deadline_ns),
            ..Resume::default()
        };
        Ok(Step::Wait(Wait::with(cause, resume)))
    }
}

fn checked_style(domain: u32, kind: u32, protocol: u32) -> Result<Style, Errno> {
    let flags = kind & !linux::SOCK_TYPE;
    crate::vfs::known(flags, linux::O_CLOEXEC | linux::O_NONBLOCK)?;
    if domain != linux::AF_UNIX {
        return Err(Errno::EAFNOSUPPORT);
    }
    if protocol != 0 && protocol != linux::AF_UNIX {
        return Err(Errno(linux::EPROTONOSUPPORT));
    }
    Style::from_kind(kind)
}

/// The part of a lease that an address or control data has.
fn rest_of(lease: LeaseInfo, from: u32) -> usize {
    lease.bytes.saturating_sub(from as usize)
}
