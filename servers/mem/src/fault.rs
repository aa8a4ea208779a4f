//! Page faults: which frame a page gets, and how it is mapped.
//!
//! Invariant: what the page tables hold is never more than what `Pages` says. The marks are set
//! before the kernel is asked, so that a failed call leaves too many marks and never too few; a
//! page that is marked and not mapped costs one fault more.

use crate::around::{around, window};
use crate::batch;
use crate::frames::Rank;
use crate::memory::Memory;
use crate::pages::{CHUNK_PAGES, Mapped, each_bit, each_run};
use crate::ports::Machine;
use crate::region::{Backing, Kind, Region, mark, page};
use crate::space::Space;
use abi::message::{access, decline};
use abi::{Errno, PAGE_BYTES};
use proto::mem::ObjectId;

/// Bytes of a page, as operations count them.
const WHOLE: u32 = PAGE_BYTES as u32;

/// Why an access is a fault of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decline {
    /// Nothing is there.
    NotMapped,
    /// The region does not allow it.
    NotAllowed,
    /// The object ends before.
    NoObject,
    /// There is no frame.
    NoMemory,
}

impl Decline {
    /// The number in the reply to the kernel.
    pub fn code(self) -> u64 {
        match self {
            Decline::NotMapped => decline::NOT_MAPPED,
            Decline::NotAllowed => decline::NOT_ALLOWED,
            Decline::NoObject => decline::NO_OBJECT,
            Decline::NoMemory => decline::NO_MEMORY,
        }
    }
}

impl From<Errno> for Decline {
    /// The only errno that the steps of a fault have is `ENOMEM`.
    fn from(_: Errno) -> Self {
        Decline::NoMemory
    }
}

/// A page of an object got another frame: other mappings of it are out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The object.
    pub object: ObjectId,
    /// The page in it.
    pub page: u32,
    /// Where the page is up to date.
    pub address: u64,
}

impl Memory {
    /// Makes the page at `address` present for an access with these [`access`] bits.
    ///
    /// # Errors
    /// [`Decline`], and nothing has changed.
    pub fn resolve<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        address: u64,
        bits: u64,
    ) -> Result<Option<Replaced>, Decline> {
        let region = match space.regions.find(address) {
            Some(region) => region,
            None => self.grown(space, address)?,
        };
        if !region.allows(bits) {
            return Err(Decline::NotAllowed);
        }
        if region.kind == Kind::Stack && region.end - address > space.limits.stack {
            return Err(Decline::NotMapped);
        }
        let number = page(address);
        let write = bits & access::WRITE != 0;
        match region.backing {
            Backing::Device { frame } => self.device_page(machine, space, &region, number, frame),
            Backing::Shared { object, .. } => {
                return self.shared_page(machine, space, &region, number, object, write);
            }
            Backing::Anonymous | Backing::Private { .. } => {
                match (space.pages.get(&self.chunks, number), region.backing) {
                    (Some(frame), _) if write => {
                        self.write_private(machine, space, &region, number, frame)
                    }
                    (Some(_), _) => self.read_private(machine, space, &region, number),
                    (None, Backing::Private { object, .. }) => {
                        self.object_page(machine, space, &region, number, object, write)
                    }
                    (None, _) => self.zero_page(machine, space, &region, number),
                }
            }
        }?;
        Ok(None)
    }

    /// The region that grows down to a touch below it, with the page that is touched.
    #[cold]
    fn grown(&mut self, space: &mut Space, address: u64) -> Result<Region, Decline> {
        let region = space.regions.growing(address).ok_or(Decline::NotMapped)?;
        let start = abi::addr::page_down(address);
        let more = region.start - start;
        let allowed = region.end - start <= space.limits.stack
            && self.allow(space, more, true).is_ok()
            && (region.marks & mark::LOCKED == 0 || space.may_lock(more, Errno::EAGAIN).is_ok());
        if !allowed {
            return Err(Decline::NotMapped);
        }
        space.regions.grow_down(region.start, start);
        space.size += more;
        space.regions.find(address).ok_or(Decline::NotMapped)
    }

    fn device_page<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        region: &Region,
        number: u32,
        first: u32,
    ) -> Result<(), Decline> {
        let frame = first + (number - page(region.start));
        let prot = abi::map::prot::WRITE | abi::map::prot::DEVICE;
        Ok(self.apply_one(
            machine,
            space,
            batch::map(address_of(number), 1, frame, prot),
        )?)
    }

    /// First touch of anonymous memory. Who touches page after page gets some ahead.
    fn zero_page<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        region: &Region,
        number: u32,
    ) -> Result<(), Decline> {
        let ahead = self.ahead(space, region, number);
        if ahead > 0 && self.zero_pages(machine, space, region, number..number + 1 + ahead) {
            return Ok(());
        }
        let frame = self.frames.take(space.rank).ok_or(Decline::NoMemory)?;
        let operation = batch::map_zero(address_of(number), frame, region.hardware());
        self.map_new(machine, space, region, number, frame, operation)
    }

    /// Maps a fresh private frame; if that fails the frame is free again.
    fn map_new<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        region: &Region,
        number: u32,
        frame: u32,
        operation: abi::map::MapOp,
    ) -> Result<(), Decline> {
        if let Err(error) = self.apply_one(machine, space, operation) {
            self.frames.release(frame);
            return Err(error.into());
        }
        let mapped = if region.is_private_writable() {
            Mapped::Writable
        } else {
            Mapped::ReadOnly
        };
        match space.pages.set(&mut self.chunks, number, frame, mapped) {
            Ok(Some(old)) => self.frames.release(old),
            Ok(None) => (),
            Err(_) => return Err(self.take_back(machine, space, number, frame)),
        }
        Ok(())
    }

    /// Undoes a mapping that there is no room to remember.
    #[cold]
    fn take_back<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        number: u32,
        frame: u32,
    ) -> Decline {
        let start = address_of(number);
        self.hide_all(machine, space, start, start + PAGE_BYTES);
        self.frames.release(frame);
        Decline::NoMemory
    }

    /// A write to a private page that has a frame: the only owner gets it writable, else a copy.
    fn write_private<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        region: &Region,
        number: u32,
        frame: u32,
    ) -> Result<(), Decline> {
        space.hot.add(number, true);
        if self.frames.owners(frame) == 1 {
            return self.make_writable(machine, space, region, number, frame);
        }
        let copy = self.frames.take(space.rank).ok_or(Decline::NoMemory)?;
        let operation = batch::map_copy(address_of(number), copy, region.hardware(), frame, WHOLE);
        self.map_new(machine, space, region, number, copy, operation)?;
        self.copied += 1;
        Ok(())
    }

    /// Makes a page that nobody shares any more writable, and mapped neighbours of the same kind
    /// with it: after a fork whose child is gone they would all fault one by one.
    fn make_writable<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        region: &Region,
        number: u32,
        frame: u32,
    ) -> Result<(), Decline> {
        let Memory {
            frames,
            chunks,
            batch: list,
            ..
        } = self;
        list.push(batch::map(address_of(number), 1, frame, region.hardware()));
        if let Some(chunk) = space.pages.chunk_mut(chunks, number) {
            let base = number - number % CHUNK_PAGES;
            let bit = 1 << (number % CHUNK_PAGES);
            let mut sole = 0;
            each_bit(
                chunk.mapped & !chunk.writable & !bit & window(number, region),
                |neighbour| {
                    if frames.owners(chunk.frames[neighbour as usize]) == 1 {
                        sole |= 1 << neighbour;
                    }
                },
            );
            each_run(sole, |first, count| {
                list.push(batch::protect(
                    address_of(base + first),
                    count,
                    region.hardware(),
                ));
            });
            chunk.mapped |= bit;
            chunk.writable |= sole | bit;
        }
        Ok(self.flush(machine, space)?)
    }

    /// A read of a private page that has a frame: maps it and its neighbours, which after a fork
    /// are all there and not mapped.
    fn read_private<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        region: &Region,
        number: u32,
    ) -> Result<(), Decline> {
        let Memory {
            frames,
            chunks,
            batch: list,
            ..
        } = self;
        if let Some(chunk) = space.pages.chunk_mut(chunks, number) {
            let base = number - number % CHUNK_PAGES;
            let bit = 1 << (number % CHUNK_PAGES);
            let wanted = (chunk.used & !chunk.mapped & window(number, region)) | bit;
            let may_write = region.is_private_writable();
            each_bit(wanted, |neighbour| {
                let frame = chunk.frames[neighbour as usize];
                let writable = may_write && frames.owners(frame) == 1;
                chunk.writable |= u32::from(writable) << neighbour;
                let prot = if writable {
                    region.hardware()
                } else {
                    region.hardware_read_only()
                };
                list.push(batch::map(address_of(base + neighbour), 1, frame, prot));
            });
            chunk.mapped |= wanted;
        }
        Ok(self.flush(machine, space)?)
    }

    /// First touch of a private mapping of an object.
    fn object_page<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        region: &Region,
        number: u32,
        object: ObjectId,
        write: bool,
    ) -> Result<(), Decline> {
        match (self.object_frame(region, number, object)?, write) {
            (Some(_), false) => {
                self.push_present(space, region, around(number, region));
                Ok(self.flush(machine, space)?)
            }
            (Some(source), true) => {
                let copy = self.frames.take(space.rank).ok_or(Decline::NoMemory)?;
                let operation =
                    batch::map_copy(address_of(number), copy, region.hardware(), source, WHOLE);
                self.map_new(machine, space, region, number, copy, operation)?;
                self.copied += 1;
                Ok(())
            }
            (None, true) => self.zero_page(machine, space, region, number),
            (None, false) => self.fill_hole(
                machine,
                space,
                region,
                number,
                object,
                region.hardware_read_only(),
            ),
        }
    }

    /// The object's frame for a page of the region, `None` for a hole.
    fn object_frame(
        &self,
        region: &Region,
        number: u32,
        object: ObjectId,
    ) -> Result<Option<u32>, Decline> {
        let object = self.objects.get(object).ok_or(Decline::NoObject)?;
        let index = region.object_page(number);
        if index >= object.page_count() {
            return Err(Decline::NoObject);
        }
        Ok(object.pages.get(&self.chunks, index))
    }

    /// Gives a hole of the object a zeroed frame.
    fn fill_hole<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        region: &Region,
        number: u32,
        object: ObjectId,
        prot: u8,
    ) -> Result<(), Decline> {
        // A frame for the object of a server was promised, whoever touches the page.
        let promised = self
            .objects
            .get(object)
            .is_some_and(|object| object.holder.is_some());
        let rank = if promised { Rank::Server } else { space.rank };
        let frame = self.frames.take(rank).ok_or(Decline::NoMemory)?;
        if let Err(error) = self.apply_one(
            machine,
            space,
            batch::map_zero(address_of(number), frame, prot),
        ) {
            self.frames.release(frame);
            return Err(error.into());
        }
        let page = region.object_page(number);
        match self.objects.set(&mut self.chunks, object, page, frame) {
            Ok(_) => {
                self.keep_promises();
                Ok(())
            }
            Err(_) => Err(self.take_back(machine, space, number, frame)),
        }
    }

    /// A touch of a shared mapping. A frame that other objects share is copied before a write.
    fn shared_page<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        region: &Region,
        number: u32,
        object: ObjectId,
        write: bool,
    ) -> Result<Option<Replaced>, Decline> {
        let Some(frame) = self.object_frame(region, number, object)? else {
            self.fill_hole(machine, space, region, number, object, region.hardware())?;
            return Ok(None);
        };
        if !write || self.frames.owners(frame) == 1 {
            self.push_present(space, region, around(number, region));
            self.flush(machine, space)?;
            return Ok(None);
        }
        let copy = self.frames.take(space.rank).ok_or(Decline::NoMemory)?;
        let address = address_of(number);
        if let Err(error) = self.apply_one(
            machine,
            space,
            batch::map_copy(address, copy, region.hardware(), frame, WHOLE),
        ) {
            self.frames.release(copy);
            return Err(error.into());
        }
        let page = region.object_page(number);
        let old = self.objects.set(&mut self.chunks, object, page, copy);
        debug_assert_eq!(old, Ok(Some(frame)), "the page was there");
        self.frames.release(frame);
        self.copied += 1;
        Ok(Some(Replaced {
            object,
            page,
            address,
        }))
    }
}

/// First address of a page.
pub fn address_of(number: u32) -> u64 {
    u64::from(number) * PAGE_BYTES
}
