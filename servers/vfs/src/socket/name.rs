//! Names of sockets: in directories, or in a space of their own.
//!
//! A name is kept as `sun_path` has it: a path with its final zero, or a zero and any bytes.

use super::Link;
use crate::linux;
use crate::node::{Kind, NodeId};
use crate::park::{Attempt, Call, DONE, count};
use crate::path::LastLink;
use crate::permission::{self, WRITE};
use crate::ports::{Platform, Ports};
use crate::vfs::Vfs;
use abi::Errno;
use alloc::vec::Vec;
use proto::port::{Callers, Refusal};
use proto::vfs::{AT_FDCWD, Fd};

/// Bytes of an address before its name.
const FAMILY_BYTES: usize = 2;
/// Most bytes of a name.
const NAME_BYTES: usize = 108;

/// An address that a program gave.
pub(super) enum Address {
    /// No family: an end of a connection.
    Unspecified,
    /// Without a name.
    Unnamed,
    /// A file's name.
    Path(Vec<u8>),
    /// A name of its own space, with the zero in front.
    Abstract(Vec<u8>),
}

impl Address {
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Address, Errno> {
        let (family, name) = bytes
            .split_first_chunk::<FAMILY_BYTES>()
            .ok_or(Errno::EINVAL)?;
        match u32::from(u16::from_le_bytes(*family)) {
            linux::AF_UNSPEC => return Ok(Address::Unspecified),
            linux::AF_UNIX if name.len() <= NAME_BYTES => {}
            _ => return Err(Errno::EINVAL),
        }
        match name.first() {
            None => Ok(Address::Unnamed),
            Some(0) => Ok(Address::Abstract(name.to_vec())),
            Some(_) => {
                let end = name.iter().position(|&byte| byte == 0);
                Ok(Address::Path(name[..end.unwrap_or(name.len())].to_vec()))
            }
        }
    }
}

/// A `struct sockaddr_un` with this name.
pub(super) fn address_bytes(name: Option<&[u8]>) -> Vec<u8> {
    let family = (linux::AF_UNIX as u16).to_le_bytes();
    [&family, name.unwrap_or_default()].concat()
}

impl Vfs {
    /// The address in the first `bytes` of a lease.
    pub(super) fn address<P: Platform>(
        call: &Call,
        lease: usize,
        bytes: usize,
        ports: &mut Ports<P>,
    ) -> Result<Address, Refusal> {
        let mut text = [0; FAMILY_BYTES + NAME_BYTES];
        let text = text.get_mut(..bytes).ok_or(Errno::EINVAL)?;
        ports.callers.read(call.token, lease as u32, 0, text)?;
        Ok(Address::from_bytes(text)?)
    }

    /// `bind`.
    pub(crate) fn bind<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, _) = self.socket_at(call, fd)?;
        let address = Self::address(call, 0, call.leases[0].bytes, ports)?;
        let is_named = self.socket(id)?.name.is_some();
        let name = match address {
            Address::Unspecified => return Err(Errno::EINVAL.into()),
            // Linux gives a name of its own then.
            Address::Unnamed if is_named => return DONE,
            Address::Path(path) => self.bind_path(call, (id, is_named), path, ports)?,
            _ if is_named => return Err(Errno::EINVAL.into()),
            Address::Unnamed => self.bind_abstract(id, self.free_name()?)?,
            Address::Abstract(name) => self.bind_abstract(id, name)?,
        };
        self.socket_mut(id)?.name = Some(name);
        DONE
    }

    fn free_name(&self) -> Result<Vec<u8>, Errno> {
        let names = (0..0x10_0000u32).map(|number| alloc::format!("\0{number:05x}").into_bytes());
        let mut free = names.filter(|name| !self.names.abstracts.contains_key(name));
        free.next().ok_or(Errno::ENOSPC)
    }

    fn bind_abstract(&mut self, id: NodeId, name: Vec<u8>) -> Result<Vec<u8>, Errno> {
        if self.names.abstracts.contains_key(&name) {
            return Err(Errno(linux::EADDRINUSE));
        }
        self.names.abstracts.insert(name.clone(), id);
        Ok(name)
    }

    fn bind_path<P: Platform>(
        &mut self,
        call: &Call,
        (id, is_named): (NodeId, bool),
        mut path: Vec<u8>,
        ports: &mut Ports<P>,
    ) -> Result<Vec<u8>, Refusal> {
        let now = self.now(&mut ports.system);
        let who = self.who(call.pid, &ports.system)?;
        let start = self.start(call.pid, AT_FDCWD, &path)?;
        let walked = self.walk(&who, start, &path, LastLink::Entry)?;
        if walked.place.is_some() {
            return Err(Errno(linux::EADDRINUSE).into());
        }
        let parent = self.creatable(&who, &walked)?;
        if is_named {
            return Err(Errno::EINVAL.into());
        }
        let node = self.new_node(call, &who, Kind::Socket, (0o777, now))?;
        let named = self.add(parent, &walked.name, node)?;
        self.names.paths.insert(named, id);
        path.push(0);
        Ok(path)
    }

    /// The socket that an address names.
    pub(super) fn find_socket<P: Platform>(
        &self,
        call: &Call,
        address: &Address,
        ports: &Ports<P>,
    ) -> Result<NodeId, Errno> {
        match address {
            Address::Unspecified | Address::Unnamed => Err(Errno::EINVAL),
            Address::Abstract(name) => {
                let found = self.names.abstracts.get(name);
                found.copied().ok_or(Errno::ECONNREFUSED)
            }
            Address::Path(path) => {
                let who = self.who(call.pid, &ports.system)?;
                let start = self.start(call.pid, AT_FDCWD, path)?;
                let place = self.find(&who, start, path, LastLink::Follow)?;
                permission::check(&who.identity, self.ownership(&who, place)?, WRITE)?;
                let named = self.stored(place).ok_or(Errno::ECONNREFUSED)?;
                let found = self.names.paths.get(&named);
                found.copied().ok_or(Errno::ECONNREFUSED)
            }
        }
    }

    /// `getsockname`, `getpeername`.
    pub(crate) fn socket_name<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        whose: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let (id, _) = self.socket_at(call, fd)?;
        let socket = self.socket(id)?;
        let named = match (whose, &socket.link) {
            (0, _) => socket,
            (_, Link::To(peer)) => self.socket(*peer)?,
            _ => return Err(Errno(linux::ENOTCONN).into()),
        };
        let bytes = address_bytes(named.name.as_deref());
        let fits = bytes.len().min(call.leases[0].bytes);
        ports.callers.write(call.token, 0, 0, &bytes[..fits])?;
        count(bytes.len() as u64)
    }
}
