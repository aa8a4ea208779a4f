//! Shared memory: `shmget`, `shmat`, `shmdt`, `shmctl`, and what fork, exec and exit do to it.
//!
//! Invariant: a segment's `attachments` is the number of entries for it in `attached`; a segment
//! that was removed goes, with its object, when that becomes 0.

mod control;

use crate::{
    limits::*,
    numbers::*,
    permission::{EXECUTE, Permissions, READ, WRITE},
    ports::{Mapping, Ports},
    server::{Answer, Call},
    table::{Found, Object, Table, Wanted},
};
use abi::{
    Errno, PAGE_BYTES,
    addr::{page_down, page_up},
};
use alloc::{collections::BTreeMap, vec::Vec};
use proto::{
    ipc::Reply,
    mem::{ObjectId, flags as map_flags},
};
use serde::{Deserialize, Serialize};

/// A segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Segment {
    permissions: Permissions,
    /// As asked for; the object has whole pages.
    bytes: u64,
    object: ObjectId,
    attachments: u64,
    attached_s: i64,
    detached_s: i64,
    changed_s: i64,
    creator: u32,
    last: u32,
}

impl Object for Segment {
    fn permissions(&self) -> &Permissions {
        &self.permissions
    }
}

/// All segments, and where they are attached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shared {
    segments: Table<Segment>,
    /// By process and address: the segment's id.
    attached: BTreeMap<(u32, u64), i32>,
}

impl Shared {
    /// `shmget`.
    pub(crate) fn get(&mut self, wanted: Wanted, bytes: u64, call: &mut Call<'_>) -> Answer {
        let fits = |segment: &Segment| {
            if bytes <= segment.bytes {
                Ok(())
            } else {
                Err(Errno::EINVAL)
            }
        };
        if let Found::Existing(id) = self.segments.find(wanted, call.who, fits)? {
            return Ok(Reply::Id(id));
        }
        if !(SHMMIN..=SHMMAX).contains(&bytes) || wanted.flags & SHM_HUGETLB != 0 {
            return Err(Errno::EINVAL.into());
        }
        self.segments.check_room(SHMMNI)?;
        let object = call.ports.create(page_up(bytes).ok_or(Errno::EINVAL)?)?;
        Ok(Reply::Id(self.segments.insert(Segment {
            permissions: Permissions::new(wanted.key, wanted.flags, call.who),
            bytes,
            object,
            attachments: 0,
            attached_s: 0,
            detached_s: 0,
            changed_s: call.now_s,
            creator: call.sender.0,
            last: 0,
        })))
    }

    /// `shmat`.
    pub(crate) fn attach(
        &mut self,
        id: i32,
        address: u64,
        flags: u32,
        call: &mut Call<'_>,
    ) -> Answer {
        let place = Place::new(address, flags)?;
        let (prot, wanted) = access(flags);
        let segment = self.segments.get_mut(id)?;
        segment.permissions.check(call.who, wanted)?;
        let mapping = Mapping {
            space: call.sender,
            object: segment.object,
            address: place.address,
            bytes: page_up(segment.bytes).ok_or(Errno::EINVAL)?,
            prot,
            flags: place.flags,
        };
        let mapped = call.ports.map(mapping);
        // What mem calls existing is Linux's `EINVAL` here.
        let address = mapped.map_err(|errno| {
            if errno == Errno::EEXIST {
                Errno::EINVAL
            } else {
                errno
            }
        })?;
        segment.attached_s = call.now_s;
        segment.last = call.sender.0;
        segment.attachments += 1;
        // The program may have unmapped an attachment at this place without `shmdt`.
        if let Some(stale) = self.attached.insert((call.sender.0, address), id) {
            self.forget(stale, call.ports);
        }
        Ok(Reply::Address(address))
    }

    /// `shmdt`.
    pub(crate) fn detach(&mut self, address: u64, call: &mut Call<'_>) -> Answer {
        let pid = call.sender.0;
        let id = self.attached.remove(&(pid, address)).ok_or(Errno::EINVAL)?;
        let object = self.segments.get(id)?.object;
        let unmapped = call.ports.unmap(call.sender, object, address);
        self.detached(id, pid, call.now_s, call.ports);
        unmapped?;
        Ok(Reply::Done)
    }

    /// `child` has a copy of `parent`'s memory.
    pub(crate) fn fork(&mut self, parent: u32, child: u32) {
        let inherited: Vec<(u64, i32)> = self.of(parent).collect();
        for (address, id) in inherited {
            if let Ok(segment) = self.segments.get_mut(id) {
                segment.attachments += 1;
                self.attached.insert((child, address), id);
            }
        }
    }

    /// The process's memory is gone.
    pub(crate) fn exit(&mut self, pid: u32, ports: &mut dyn Ports, now_s: i64) {
        let gone: Vec<(u64, i32)> = self.of(pid).collect();
        for (address, id) in gone {
            self.attached.remove(&(pid, address));
            self.detached(id, pid, now_s, ports);
        }
    }

    /// Whether the process has segments attached.
    pub(crate) fn has_attachments(&self, pid: u32) -> bool {
        self.of(pid).next().is_some()
    }

    /// Addresses and segments of a process.
    fn of(&self, pid: u32) -> impl Iterator<Item = (u64, i32)> {
        self.attached
            .range((pid, 0)..=(pid, u64::MAX))
            .map(|(&(_, address), &id)| (address, id))
    }

    fn detached(&mut self, id: i32, pid: u32, now_s: i64, ports: &mut dyn Ports) {
        if let Ok(segment) = self.segments.get_mut(id) {
            segment.detached_s = now_s;
            segment.last = pid;
        }
        self.forget(id, ports);
    }

    /// One attachment less; a removed segment goes with its last one.
    fn forget(&mut self, id: i32, ports: &mut dyn Ports) {
        let Ok(segment) = self.segments.get_mut(id) else {
            return;
        };
        segment.attachments = segment.attachments.saturating_sub(1);
        if segment.attachments == 0 && segment.permissions.mode & SHM_DEST != 0 {
            self.destroy(id, ports);
        }
    }

    fn destroy(&mut self, id: i32, ports: &mut dyn Ports) {
        if let Some(segment) = self.segments.remove(id) {
            ports.release(segment.object);
        }
    }
}

/// Where a segment shall be mapped.
struct Place {
    address: u64,
    flags: u32,
}

impl Place {
    fn new(address: u64, flags: u32) -> Result<Self, Errno> {
        if address == 0 {
            let wrong = flags & SHM_REMAP != 0;
            let anywhere = Place {
                address,
                flags: map_flags::SHARED,
            };
            return if wrong {
                Err(Errno::EINVAL)
            } else {
                Ok(anywhere)
            };
        }
        if !address.is_multiple_of(PAGE_BYTES) && flags & SHM_RND == 0 {
            return Err(Errno::EINVAL);
        }
        let fixed = if flags & SHM_REMAP != 0 {
            map_flags::FIXED
        } else {
            map_flags::FIXED_NOREPLACE
        };
        match page_down(address) {
            0 => Err(Errno::EINVAL),
            address => Ok(Place {
                address,
                flags: map_flags::SHARED | fixed,
            }),
        }
    }
}

/// Memory protection that `shmat`'s flags ask for, and the permissions it takes.
fn access(flags: u32) -> (u32, u32) {
    let (mut prot, mut wanted) = (PROT_READ, READ);
    if flags & SHM_RDONLY == 0 {
        prot |= PROT_WRITE;
        wanted |= WRITE;
    }
    if flags & SHM_EXEC != 0 {
        prot |= PROT_EXEC;
        wanted |= EXECUTE;
    }
    (prot, wanted)
}
