//! `connect`, `listen`, `accept`, `shutdown`.

use super::name::{Address, address_bytes};
use super::{Link, Socket, Style};
use crate::linux::{self, POLLHUP, POLLIN, POLLOUT, POLLRDHUP};
use crate::node::NodeId;
use crate::park::{Attempt, Call, DONE, Resume, Step};
use crate::ports::{Platform, Ports};
use crate::vfs::{Vfs, known};
use abi::Errno;
use proto::port::Callers;
use proto::vfs::{Fd, Reply};

/// Most sockets that wait to be accepted (Linux: `SOMAXCONN`).
const BACKLOG: u32 = 4096;

impl Vfs {
    /// `listen`.
    pub(crate) fn listen<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        backlog: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, _) = self.socket_at(call, fd)?;
        let owner = self.sender(call, ports)?;
        let socket = self.socket_mut(id)?;
        if socket.style == Style::Datagram {
            return Err(Errno::EOPNOTSUPP.into());
        }
        if socket.name.is_none() {
            return Err(Errno::EINVAL.into());
        }
        let most = backlog.min(BACKLOG);
        match &mut socket.link {
            Link::Alone => {
                let waiting = Default::default();
                let backlog = most;
                socket.link = Link::Listening { backlog, waiting };
            }
            Link::Listening { backlog, .. } => *backlog = most,
            Link::To(_) | Link::Lost => return Err(Errno::EINVAL.into()),
        }
        socket.owner = owner;
        self.woke(id, 0);
        DONE
    }

    /// `connect`.
    pub(crate) fn connect<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, waits) = self.socket_at(call, fd)?;
        let address = Self::address(call, 0, call.leases[0].bytes, ports)?;
        if self.socket(id)?.style == Style::Datagram {
            return self.connect_datagrams(call, id, &address, ports);
        }
        match self.socket(id)?.link {
            Link::Alone => {}
            Link::Listening { .. } => return Err(Errno::EINVAL.into()),
            Link::To(_) | Link::Lost => return Err(Errno(linux::EISCONN).into()),
        }
        let listener = self.find_socket(call, &address, ports)?;
        let Socket { style, link, .. } = self.socket(listener)?;
        if *style != self.socket(id)?.style {
            return Err(Errno(linux::EPROTOTYPE).into());
        }
        match link {
            Link::Listening { backlog, waiting } if waiting.len() <= *backlog as usize => {}
            Link::Listening { .. } if waits => {
                let limit_ns = self.socket(id)?.options.send_limit_ns;
                return Self::wait_socket(listener, (0, limit_ns), resume, ports);
            }
            Link::Listening { .. } => return Err(Errno::EAGAIN.into()),
            _ => return Err(Errno::ECONNREFUSED.into()),
        }
        self.join(call, id, listener, ports)
    }

    /// Makes the listener's side of a connection, which waits to be accepted.
    fn join<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        listener: NodeId,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let owner = self.sender(call, ports)?;
        let style = self.socket(id)?.style;
        let accepted = self.new_socket(call, style, ports)?;
        let server = self.socket(listener)?;
        let (name, server_owner) = (server.name.clone(), server.owner);
        let passes = server.options.passes_credentials();
        let socket = self.socket_mut(accepted)?;
        socket.link = Link::To(id);
        socket.name = name;
        socket.owner = server_owner;
        socket.peer = Some(owner);
        socket.options.set_passes_credentials(passes);
        let socket = self.socket_mut(id)?;
        socket.link = Link::To(accepted);
        socket.owner = owner;
        socket.peer = Some(server_owner);
        if let Link::Listening { waiting, .. } = &mut self.socket_mut(listener)?.link {
            waiting.push_back(accepted);
        }
        self.woke(listener, POLLIN);
        self.woke(id, POLLOUT);
        DONE
    }

    /// Datagrams go to this socket from now on, and come from no other.
    fn connect_datagrams<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        address: &Address,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let link = match address {
            Address::Unspecified => Link::Alone,
            _ => {
                let peer = self.find_socket(call, address, ports)?;
                let other = self.socket(peer)?;
                if other.style != Style::Datagram {
                    return Err(Errno(linux::EPROTOTYPE).into());
                }
                if matches!(other.link, Link::To(third) if third != id) {
                    return Err(Errno::EPERM.into());
                }
                Link::To(peer)
            }
        };
        self.socket_mut(id)?.link = link;
        self.woke(id, POLLOUT);
        DONE
    }

    /// `accept4`; the other side's address to lease 0.
    pub(crate) fn accept<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        flags: u32,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::O_CLOEXEC | linux::O_NONBLOCK)?;
        let (id, waits) = self.socket_at(call, fd)?;
        let socket = self.socket(id)?;
        if socket.style == Style::Datagram {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let Link::Listening { waiting, .. } = &socket.link else {
            return Err(Errno::EINVAL.into());
        };
        let Some(&accepted) = waiting.front() else {
            if !waits {
                return Err(Errno::EAGAIN.into());
            }
            let limit_ns = socket.options.receive_limit_ns;
            return Self::wait_socket(id, (0, limit_ns), resume, ports);
        };
        let peer = self.socket(accepted)?.peer_node();
        let peer = peer.and_then(|peer| self.socket(peer).ok());
        let address = address_bytes(peer.and_then(|peer| peer.name.as_deref()));
        let fits = address.len().min(call.leases[0].bytes);
        ports.callers.write(call.token, 0, 0, &address[..fits])?;
        self.check_opens()?;
        let limit = crate::vfs::identity(call.pid, &ports.system)?.limit_files;
        let descriptors = &mut self.processes.get_mut(call.pid)?.descriptors;
        descriptors.free_number(0, limit)?;
        if let Link::Listening { waiting, .. } = &mut self.socket_mut(id)?.link {
            waiting.pop_front();
        }
        let open = self.open_socket(accepted, flags);
        let fd = self.add_descriptor(call.pid, open, flags, ports)?;
        self.woke(id, POLLOUT);
        Ok(Step::Done(Reply::Accepted {
            fd,
            name_bytes: address.len() as u32,
        }))
    }

    /// `shutdown`.
    pub(crate) fn shut_down(&mut self, call: &Call, fd: Fd, how: u32) -> Attempt {
        let (id, _) = self.socket_at(call, fd)?;
        let (deaf, mute) = match how {
            linux::SHUT_RD => (true, false),
            linux::SHUT_WR => (false, true),
            linux::SHUT_RDWR => (true, true),
            _ => return Err(Errno::EINVAL.into()),
        };
        let socket = self.socket_mut(id)?;
        let connected = matches!(socket.link, Link::To(_) | Link::Lost);
        socket.deaf |= deaf;
        socket.mute |= mute;
        let peer = socket.peer_node();
        let of_two = socket.style != Style::Datagram;
        let events = POLLIN | POLLOUT | POLLHUP | POLLRDHUP;
        if let Some(peer) = peer.filter(|_| of_two) {
            let other = self.socket_mut(peer)?;
            other.deaf |= mute;
            other.mute |= deaf;
            self.woke(peer, events);
        }
        self.woke(id, events);
        if of_two && !connected {
            return Err(Errno(linux::ENOTCONN).into());
        }
        DONE
    }
}
