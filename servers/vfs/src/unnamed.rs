//! Regular files without a name: `memfd_create` with its seals, and `O_TMPFILE`.

use crate::data::Data;
use crate::linux::{self, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE};
use crate::node::{Kind, NodeId, NodeRef, Place};
use crate::park::{Attempt, Call, count};
use crate::path::LastLink;
use crate::permission::{self, EXECUTE, WRITE};
use crate::ports::{Memory, Platform, Ports};
use crate::requests::text::PathText;
use crate::vfs::{Vfs, known, permission_bits};
use abi::Errno;
use alloc::boxed::Box;
use alloc::vec::Vec;
use proto::port::Callers;
use proto::vfs::Fd;
use serde::{Deserialize, Serialize};

/// Longest name of `memfd_create`.
const NAME_BYTES: usize = 249;
/// Seals that can be set.
const SEALS: u32 = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

/// What is known of a file without a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unnamed {
    /// What `memfd_create` called it.
    name: Option<Box<[u8]>>,
    /// `F_SEAL_*`.
    seals: u32,
    /// `linkat` may give it a name.
    pub(crate) is_linkable: bool,
}

impl Vfs {
    /// `memfd_create`; the name in lease 0.
    pub(crate) fn make_memory_file<P: Platform>(
        &mut self,
        call: &Call,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(
            flags,
            linux::MFD_CLOEXEC | linux::MFD_ALLOW_SEALING | linux::MFD_EXEC,
        )?;
        self.check_opens()?;
        let mut name = alloc::vec![0; call.leases[0].bytes];
        if name.len() > NAME_BYTES {
            return Err(Errno::EINVAL.into());
        }
        if !name.is_empty() {
            ports.callers.read(call.token, 0, 0, &mut name)?;
        }
        let place = self.new_object(call, Kind::File(Data::default()), ports)?;
        let id = self.stored(place).ok_or(Errno::EIO)?;
        if let Some(node) = self.nodes.get_mut(id) {
            node.permissions = 0o777;
        }
        let sealed = flags & linux::MFD_ALLOW_SEALING == 0;
        let unnamed = Unnamed {
            name: Some(name.into()),
            seals: if sealed { F_SEAL_SEAL } else { 0 },
            is_linkable: false,
        };
        self.unnamed.insert(id, unnamed);
        let open = self.add_open(place, linux::O_RDWR | linux::O_LARGEFILE);
        let closes = flags & linux::MFD_CLOEXEC != 0;
        let flags = if closes { linux::O_CLOEXEC } else { 0 };
        self.name_open(call, open, flags, ports)
    }

    /// `open` with `O_TMPFILE`: a file in the file system of a directory.
    pub(crate) fn open_unnamed<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        (flags, mode): (u32, u32),
        ports: &mut Ports<P>,
    ) -> Attempt {
        let access = flags & linux::O_ACCMODE;
        if flags & linux::O_DIRECTORY == 0
            || access == linux::O_RDONLY
            || flags & linux::O_CREAT != 0
        {
            return Err(Errno::EINVAL.into());
        }
        self.check_opens()?;
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let now = self.now(&mut ports.system);
        let who = self.who(call.pid, &ports.system)?;
        let start = self.start(call.pid, directory, path.bytes())?;
        let parent = self.find(&who, start, path.bytes(), LastLink::Follow)?;
        if !self.is_directory(parent) {
            return Err(Errno::ENOTDIR.into());
        }
        let id = self.stored(parent).ok_or(Errno::EOPNOTSUPP)?;
        let ownership = self.ownership(&who, parent)?;
        permission::check(&who.identity, ownership, WRITE | EXECUTE)?;
        let kind = Kind::File(Data::default());
        let mut node = self.new_node(call, &who, kind, (permission_bits(mode), now))?;
        node.links = 0;
        node.device = self.nodes.get(id).map_or(0, |directory| directory.device);
        self.admit(&node)?;
        let id = self.nodes.insert(node);
        let unnamed = Unnamed {
            seals: F_SEAL_SEAL,
            is_linkable: flags & linux::O_EXCL == 0,
            ..Unnamed::default()
        };
        self.unnamed.insert(id, unnamed);
        let place = Place {
            node: NodeRef::Stored(id),
            ..parent
        };
        let kept = flags & !(linux::O_DIRECTORY | linux::O_TMPFILE_BIT | linux::O_EXCL);
        self.open_place(call, place, kept, ports)
    }

    /// The seals of a file.
    pub(crate) fn seals(&self, id: NodeId) -> u32 {
        self.unnamed.get(&id).map_or(0, |unnamed| unnamed.seals)
    }

    /// Refuses what the seals of a file forbid.
    #[inline]
    pub(crate) fn check_seals(&self, id: NodeId, forbidden: u32) -> Result<(), Errno> {
        if !self.unnamed.is_empty() && self.seals(id) & forbidden != 0 {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    /// `F_GET_SEALS`, `F_ADD_SEALS`.
    pub(crate) fn control_seals<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        added: Option<u64>,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.open_file(call.pid, fd)?;
        let writes = file.writes();
        let id = self.stored(file.place).ok_or(Errno::EINVAL)?;
        let unnamed = self.unnamed.get_mut(&id).ok_or(Errno::EINVAL)?;
        let Some(added) = added else {
            return count(u64::from(unnamed.seals));
        };
        let added = u32::try_from(added).map_err(|_| Errno::EINVAL)?;
        known(added, SEALS)?;
        if !writes || unnamed.seals & F_SEAL_SEAL != 0 {
            return Err(Errno::EPERM.into());
        }
        let object = match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::File(Data::Object { window, .. })) => Some(window.object),
            _ => None,
        };
        if added & F_SEAL_WRITE != 0
            && object.is_some_and(|object| ports.memory.writable_mappings(object) > 0)
        {
            return Err(Errno::EBUSY.into());
        }
        let unnamed = self.unnamed.get_mut(&id).ok_or(Errno::EINVAL)?;
        unnamed.seals |= added;
        count(0)
    }

    /// What `/proc/PID/fd` says of a memory file.
    pub(crate) fn memory_file_text(&self, id: NodeId) -> Option<Vec<u8>> {
        let name = self.unnamed.get(&id)?.name.as_ref()?;
        Some([b"/memfd:".as_slice(), name, b" (deleted)"].concat())
    }
}
