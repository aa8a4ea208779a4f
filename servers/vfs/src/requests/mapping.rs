//! `mmap` of files: the file's own object is mapped, so nothing is copied.

use crate::device;
use crate::linux;
use crate::node::{Kind, NodeRef};
use crate::park::{Attempt, Call, count};
use crate::ports::{Mapping, Memory, Platform, Ports};
use crate::vfs::Vfs;
use abi::Errno;
use abi::PAGE_BYTES;
use proto::mem::flags;
use proto::vfs::Fd;

impl Vfs {
    /// `mmap`; `wish.flags` are those of the call, `MAP_*`.
    pub(crate) fn map_file<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        wish: Mapping,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.open_file(call.pid, fd)?;
        let shared = match wish.flags & linux::MAP_TYPE {
            linux::MAP_SHARED | linux::MAP_SHARED_VALIDATE => true,
            linux::MAP_PRIVATE => false,
            _ => return Err(Errno::EINVAL.into()),
        };
        if wish.bytes == 0 || !wish.offset.is_multiple_of(PAGE_BYTES) {
            return Err(Errno::EINVAL.into());
        }
        if !file.reads() || (shared && wish.prot & linux::PROT_WRITE != 0 && !file.writes()) {
            return Err(Errno::EACCES.into());
        }
        let writable = shared && file.writes();
        let NodeRef::Stored(id) = file.place.node else {
            return Err(Errno::ENODEV.into());
        };
        let is_sealed = self.check_seals(id, linux::F_SEAL_WRITE).is_err();
        if is_sealed && shared && wish.prot & linux::PROT_WRITE != 0 {
            return Err(Errno::EPERM.into());
        }
        let writable = writable && !is_sealed;
        let node = self.nodes.get_mut(id).ok_or(Errno::EBADF)?;
        let may_write = if writable { flags::MAY_WRITE } else { 0 };
        let wish = Mapping {
            flags: memory_flags(wish.flags, shared) | may_write,
            ..wish
        };
        match &mut node.kind {
            Kind::File(data) => {
                let object = data.mappable(&mut ports.memory, writable)?;
                count(ports.memory.map_into(call.pid, object, wish)?)
            }
            // Private zeros, as older programs get them.
            Kind::Character(device::ZERO) => {
                let object = ports.memory.create(wish.bytes)?;
                let address =
                    ports
                        .memory
                        .map_into(call.pid, object, Mapping { offset: 0, ..wish });
                ports.memory.release(object);
                count(address?)
            }
            _ => Err(Errno::ENODEV.into()),
        }
    }
}

/// `MAP_*` as the memory service says it.
fn memory_flags(linux_flags: u32, shared: bool) -> u32 {
    let pairs = [
        (linux::MAP_FIXED, flags::FIXED),
        (linux::MAP_FIXED_NOREPLACE, flags::FIXED_NOREPLACE),
        (linux::MAP_POPULATE, flags::POPULATE),
        (linux::MAP_LOCKED, flags::LOCKED),
    ];
    let chosen = pairs
        .into_iter()
        .filter(|(linux, _)| linux_flags & linux != 0);
    chosen.fold(if shared { flags::SHARED } else { 0 }, |all, (_, flag)| {
        all | flag
    })
}
