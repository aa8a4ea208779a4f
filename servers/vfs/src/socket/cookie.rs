//! Sockets of the family `AF_NETLINK`, as far as `mq_notify` needs them: cookies come out of them, and
//! nothing goes in.
//!
//! There is no network to ask about, so all but receiving is `EOPNOTSUPP`; libraries that look for addresses
//! this way find none.

use super::{Family, OVERHEAD, Packet, Sender, Style};
use crate::linux::{self, POLLIN};
use crate::node::NodeId;
use crate::park::Call;
use crate::vfs::Vfs;
use abi::Errno;
use alloc::vec::Vec;
use proto::vfs::Fd;

/// `NETLINK_ROUTE`, the only protocol that there is.
const ROUTE: u32 = 0;

/// The style of a new socket.
pub(super) fn checked_style(kind: u32, protocol: u32) -> Result<Style, Errno> {
    let flags = kind & !linux::SOCK_TYPE;
    crate::vfs::known(flags, linux::O_CLOEXEC | linux::O_NONBLOCK)?;
    match kind & linux::SOCK_TYPE {
        linux::SOCK_RAW | linux::SOCK_DGRAM if protocol == ROUTE => Ok(Style::Datagram),
        linux::SOCK_RAW | linux::SOCK_DGRAM => Err(Errno(linux::EPROTONOSUPPORT)),
        _ => Err(Errno(linux::ESOCKTNOSUPPORT)),
    }
}

impl Vfs {
    /// The socket of this family that a descriptor names.
    pub(crate) fn cookie_socket(&self, call: &Call, fd: Fd) -> Result<NodeId, Errno> {
        let (id, _) = self.any_socket_at(call, fd)?;
        match self.socket(id)?.family {
            Family::Netlink => Ok(id),
            Family::Unix => Err(Errno::EINVAL),
        }
    }

    /// Puts a cookie into a socket that is held; one that was closed drops it.
    pub(crate) fn give_cookie(&mut self, id: NodeId, cookie: &[u8]) {
        if !self.names.all.contains(&id) {
            return;
        }
        let Ok(socket) = self.socket_mut(id) else {
            return;
        };
        let taken = cookie.len() + OVERHEAD;
        if socket.room() < taken {
            return;
        }
        socket.queued += taken;
        socket.inbox.push_back(Packet {
            bytes: cookie.to_vec(),
            taken: 0,
            rights: Vec::new(),
            sender: Sender {
                pid: 0,
                uid: 0,
                gid: 0,
            },
            name: None,
        });
        self.names.queued += taken;
        self.woke(id, POLLIN);
    }
}
