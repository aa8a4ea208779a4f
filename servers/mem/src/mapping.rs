//! Mapping objects and devices into spaces, and finding where an object is mapped.

use crate::Mem;
use crate::batch;
use crate::fault::address_of;
use crate::map::Wish;
use crate::memory::Memory;
use crate::object::MAX_BYTES;
use crate::policy::ForkPolicy;
use crate::ports::Machine;
use crate::region::{Backing, Kind, Region, page};
use crate::space::Space;
use abi::{Errno, PAGE_BYTES, PhysAddr};
use core::ops::Range;
use proto::mem::{ObjectId, flags};
use proto::{Pid, server_id};

impl<P: ForkPolicy> Mem<P> {
    /// Calls `visit` with each region that shows pages of `range` of the object, and where.
    pub(crate) fn each_mapping(
        &mut self,
        id: ObjectId,
        range: Range<u32>,
        mut visit: impl FnMut(&mut Memory, &Space, &Region, u64, u64),
    ) {
        let mut left = self
            .memory
            .objects
            .get(id)
            .map_or(0, |object| object.mappings);
        if left == 0 {
            return;
        }
        for space in self.spaces.iter_mut() {
            for region in space
                .regions
                .as_slice()
                .iter()
                .filter(|region| region.object() == Some(id))
            {
                left -= 1;
                let first = region.object_page(page(region.start));
                let shown = range.start.max(first)..range.end.min(first + page(region.bytes()));
                if !shown.is_empty() {
                    let start = region.start + address_of(shown.start - first);
                    visit(
                        &mut self.memory,
                        space,
                        region,
                        start,
                        start + address_of(shown.end - shown.start),
                    );
                }
            }
            if left == 0 {
                return;
            }
        }
    }

    pub(crate) fn map_object<M: Machine>(
        &mut self,
        machine: &mut M,
        owner: Pid,
        id: ObjectId,
        offset: u64,
        wish: &Wish,
    ) -> Result<u64, Errno> {
        let space = self.spaces.get_mut(owner).ok_or(Errno::ESRCH)?;
        self.memory.objects.get(id).ok_or(Errno::EINVAL)?;
        let end = offset
            .checked_add(wish.bytes)
            .filter(|&end| end <= MAX_BYTES)
            .ok_or(Errno::EOVERFLOW)?;
        if !offset.is_multiple_of(PAGE_BYTES) || end < offset {
            return Err(Errno::EINVAL);
        }
        let backing = match wish.flags & flags::SHARED {
            0 => Backing::Private { object: id, offset },
            _ => Backing::Shared { object: id, offset },
        };
        let lock = space.lock_for(wish)?;
        let start = self.memory.place(space, wish)?;
        let region = wish.region(start, backing);
        self.memory
            .allow(space, wish.bytes, region.is_private_writable())?;
        self.memory.install(machine, space, region);
        if wish.flags & flags::POPULATE != 0 {
            self.populate(machine, owner, start, wish.bytes);
        }
        self.lock_new(machine, owner, (start, wish.bytes), lock);
        Ok(start)
    }

    /// Removes the attachment of an object at `address`, also if its permissions were changed in
    /// part so that it is several regions now.
    pub(crate) fn unmap_object<M: Machine>(
        &mut self,
        machine: &mut M,
        owner: Pid,
        id: ObjectId,
        address: u64,
    ) -> Result<u64, Errno> {
        let space = self.spaces.get_mut(owner).ok_or(Errno::ESRCH)?;
        let list = space.regions.as_slice();
        let first = list.partition_point(|region| region.start < address);
        let region = list
            .get(first)
            .filter(|region| region.start == address && region.object() == Some(id));
        let mut last = region.ok_or(Errno::EINVAL)?;
        for next in &list[first + 1..] {
            let goes_on = next.start == last.end
                && next.object() == Some(id)
                && next.object_page(page(next.start)) == last.object_page(page(last.end));
            if !goes_on {
                break;
            }
            last = next;
        }
        let end = last.end;
        self.memory.unmap(machine, space, address, end);
        Ok(self
            .memory
            .objects
            .get(id)
            .map_or(0, |object| u64::from(object.mappings)))
    }

    /// Maps device registers.
    pub(crate) fn map_device<M: Machine>(
        &mut self,
        machine: &mut M,
        sender: Pid,
        owner: Pid,
        device: PhysAddr,
        bytes: u64,
    ) -> Result<u64, Errno> {
        if sender != server_id::ROOT {
            return Err(Errno::EPERM);
        }
        let space = self.spaces.get_mut(owner).ok_or(Errno::ESRCH)?;
        let wish = Wish::new(0, bytes, 3, 0)?;
        let end = device
            .0
            .checked_add(wish.bytes)
            .filter(|end| end / PAGE_BYTES <= u64::from(u32::MAX));
        if !device.0.is_multiple_of(PAGE_BYTES) || end.is_none() {
            return Err(Errno::EINVAL);
        }
        self.memory.allow(space, wish.bytes, false)?;
        let start = self.memory.place(space, &wish)?;
        let backing = Backing::Device {
            frame: page(device.0),
        };
        let region = Region {
            kind: Kind::Plain,
            may_write: true,
            ..wish.region(start, backing)
        };
        self.memory.install(machine, space, region);
        let prot = abi::map::prot::WRITE | abi::map::prot::DEVICE;
        let operation = batch::map(start, page(wish.bytes), page(device.0), prot);
        if let Err(error) = self.memory.apply_one(machine, space, operation) {
            self.memory.unmap(machine, space, start, start + wish.bytes);
            return Err(error);
        }
        Ok(start)
    }
}
