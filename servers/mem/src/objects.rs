//! Requests about memory objects. They come from servers only: a program reaches files and shared
//! memory through the servers that know who may.
//!
//! Mappings stay coherent: before a frame leaves an object, or starts to be shared by a second
//! object, it is unmapped or protected wherever it is mapped.

use crate::batch;
use crate::frames::Rank;
use crate::map::Wish;
use crate::memory::Memory;
use crate::object::MAX_BYTES;
use crate::pages::{CHUNK_PAGES, each_bit};
use crate::policy::ForkPolicy;
use crate::ports::Machine;
use crate::region::{Backing, page};
use crate::{Mem, NoRoom};
use abi::{Errno, PAGE_BYTES};
use core::ops::Range;
use proto::mem::{ObjectId, Reply, Request};
use proto::{Pid, port::Refusal};

/// A page of zeros to write.
const ZEROS: [u8; PAGE_BYTES as usize] = [0; PAGE_BYTES as usize];

impl<P: ForkPolicy> Mem<P> {
    /// Answers a request about objects.
    pub(crate) fn object_request<M: Machine>(
        &mut self,
        machine: &mut M,
        sender: Pid,
        request: Request,
    ) -> Result<Reply, Refusal> {
        if !sender.is_server() {
            return Err(Errno::EPERM.into());
        }
        let done = match request {
            Request::ObjectCreate { bytes } => self.create_object(sender, bytes).map(Reply::Object),
            Request::ObjectSlice {
                parent,
                offset,
                bytes,
            } => self
                .slice(machine, sender, parent, offset, bytes)
                .map(Reply::Object),
            Request::ObjectResize { object, bytes } => {
                self.resize(machine, object, bytes).map(|()| Reply::Done)
            }
            Request::ObjectZero {
                object,
                offset,
                bytes,
            } => self
                .zero(machine, object, offset, bytes)
                .map(|()| Reply::Done),
            Request::ObjectRelease { object } => {
                self.release_object(sender, object).map(|()| Reply::Done)
            }
            Request::ObjectMappings { object } => self.mappings(object).map(Reply::Count),
            Request::WritableMappings { object } => {
                Ok(Reply::Count(self.writable_mappings(object)))
            }
            Request::MapObject {
                space,
                object,
                offset,
                address,
                bytes,
                prot,
                flags,
            } => {
                let owner = self.owner(sender, space);
                Wish::new(address, bytes, prot, flags)
                    .and_then(|wish| self.map_object(machine, owner, object, offset, &wish))
                    .map(Reply::Address)
            }
            Request::UnmapObject {
                space,
                object,
                address,
            } => {
                let owner = self.owner(sender, space);
                self.unmap_object(machine, owner, object, address)
                    .map(Reply::Count)
            }
            _ => Err(Errno::EINVAL),
        };
        self.memory.keep_promises();
        done.map_err(Refusal::from)
    }

    /// Whose memory `sender` means by `space`.
    fn owner(&mut self, sender: Pid, space: Pid) -> Pid {
        let named = if space == Pid(0) { sender } else { space };
        self.spaces.memory_of(named)
    }

    fn create_object(&mut self, holder: Pid, bytes: u64) -> Result<ObjectId, Errno> {
        if bytes > MAX_BYTES {
            return Err(Errno::EFBIG);
        }
        self.affordable(bytes.div_ceil(PAGE_BYTES))?;
        Ok(self.memory.objects.create(bytes, Some(holder))?)
    }

    /// Whether so many frames can be promised.
    fn affordable(&self, pages: u64) -> Result<(), Errno> {
        match self.memory.frames.has_for_objects(pages) {
            true => Ok(()),
            false => Err(Errno::ENOMEM),
        }
    }

    fn mappings(&self, object: ObjectId) -> Result<u64, Errno> {
        self.memory
            .objects
            .get(object)
            .map(|object| u64::from(object.mappings))
            .ok_or(Errno::EINVAL)
    }

    /// How many shared mappings of programs may be written.
    fn writable_mappings(&mut self, object: ObjectId) -> u64 {
        let mut count = 0;
        self.each_mapping(object, 0..u32::MAX, |_, space, region, _, _| {
            let shared = matches!(region.backing, Backing::Shared { .. });
            count += u64::from(shared && region.may_write && !space.pid.is_server());
        });
        count
    }

    fn release_object(&mut self, sender: Pid, id: ObjectId) -> Result<(), Errno> {
        let Memory {
            objects,
            chunks,
            frames,
            ..
        } = &mut self.memory;
        let object = objects.get_mut(id).ok_or(Errno::EINVAL)?;
        if object.holder != Some(sender) {
            return Err(Errno::EPERM);
        }
        objects.let_go(id);
        objects.collect(chunks, frames, id);
        Ok(())
    }

    /// Makes an object that shares the parent's frames, all but a partial last one.
    fn slice<M: Machine>(
        &mut self,
        machine: &mut M,
        sender: Pid,
        parent: ObjectId,
        offset: u64,
        bytes: u64,
    ) -> Result<ObjectId, Errno> {
        let end = offset
            .checked_add(bytes)
            .filter(|&end| end <= MAX_BYTES)
            .ok_or(Errno::EINVAL)?;
        let source = self.memory.objects.get(parent).ok_or(Errno::EINVAL)?;
        if !offset.is_multiple_of(PAGE_BYTES) || end > source.bytes {
            return Err(Errno::EINVAL);
        }
        let last = source.pages.get(&self.memory.chunks, page_index(end));
        let whole = page_index(offset)..page_index(end);
        let present = source.pages.count_in(&self.memory.chunks, &whole);
        self.affordable(u64::from(whole.end - whole.start - present))?;
        let tail = match last {
            Some(frame) if !bytes.is_multiple_of(PAGE_BYTES) => Some(self.memory.take_copy(
                machine,
                Rank::Server,
                frame,
                (bytes % PAGE_BYTES) as u32,
            )?),
            _ => None,
        };
        self.protect_object(machine, parent, whole.clone());
        let memory = &mut self.memory;
        let made = memory
            .objects
            .create(bytes, Some(sender))
            .map_err(Errno::from);
        let filled = made.and_then(|id| memory.fill_slice(parent, id, whole, tail).map(|()| id));
        if let (Err(_), Some(frame)) = (&filled, tail) {
            memory.frames.release(frame);
        }
        filled
    }

    /// Changes the length.
    fn resize<M: Machine>(
        &mut self,
        machine: &mut M,
        id: ObjectId,
        bytes: u64,
    ) -> Result<(), Errno> {
        let old = self.memory.objects.get(id).ok_or(Errno::EINVAL)?.bytes;
        if bytes > MAX_BYTES {
            return Err(Errno::EFBIG);
        }
        let pages = |bytes: u64| bytes.div_ceil(PAGE_BYTES);
        self.affordable(pages(bytes).saturating_sub(pages(old)))?;
        if bytes < old {
            let kept = bytes.div_ceil(PAGE_BYTES);
            self.zero(machine, id, bytes, kept * PAGE_BYTES - bytes)?;
            self.cut(machine, id, kept as u32..u32::MAX);
        }
        self.memory.objects.set_bytes(id, bytes);
        Ok(())
    }

    /// Zeroes a range; whole pages lose their frames.
    pub(crate) fn zero<M: Machine>(
        &mut self,
        machine: &mut M,
        id: ObjectId,
        offset: u64,
        bytes: u64,
    ) -> Result<(), Errno> {
        self.memory.objects.get(id).ok_or(Errno::EINVAL)?;
        let end = offset
            .checked_add(bytes)
            .filter(|&end| end <= MAX_BYTES)
            .ok_or(Errno::EINVAL)?;
        let (first, last) = (offset.div_ceil(PAGE_BYTES), end / PAGE_BYTES);
        if first > last {
            return self.zero_part(machine, id, offset, end);
        }
        self.zero_part(machine, id, offset, first * PAGE_BYTES)?;
        self.zero_part(machine, id, last * PAGE_BYTES, end)?;
        self.cut(machine, id, first as u32..last as u32);
        Ok(())
    }

    /// Zeroes bytes of one page, which gets a frame of its own if it shares one.
    fn zero_part<M: Machine>(
        &mut self,
        machine: &mut M,
        id: ObjectId,
        from: u64,
        to: u64,
    ) -> Result<(), Errno> {
        if from >= to {
            return Ok(());
        }
        let number = page_index(from);
        let object = self.memory.objects.get(id).ok_or(Errno::EINVAL)?;
        let Some(mut frame) = object.pages.get(&self.memory.chunks, number) else {
            return Ok(());
        };
        if self.memory.frames.owners(frame) > 1 {
            let rank = Rank::Server;
            let copy = self
                .memory
                .take_copy(machine, rank, frame, PAGE_BYTES as u32)?;
            self.each_mapping(
                id,
                number..number + 1,
                |memory, space, region, start, end| {
                    memory.hide(machine, space, region.backing, start, end);
                },
            );
            let old = self
                .memory
                .objects
                .set(&mut self.memory.chunks, id, number, copy);
            debug_assert_eq!(old, Ok(Some(frame)), "the page was there");
            self.memory.frames.release(frame);
            frame = copy;
        }
        machine.write_frame(
            frame,
            (from % PAGE_BYTES) as usize,
            &ZEROS[..(to - from) as usize],
        );
        Ok(())
    }

    /// Takes whole pages out of an object and of everything that maps it.
    fn cut<M: Machine>(&mut self, machine: &mut M, id: ObjectId, range: Range<u32>) {
        if range.is_empty() {
            return;
        }
        self.each_mapping(id, range.clone(), |memory, space, region, start, end| {
            memory.hide(machine, space, region.backing, start, end)
        });
        let Memory {
            objects,
            chunks,
            frames,
            ..
        } = &mut self.memory;
        objects.drop_pages(chunks, frames, id, range);
    }

    /// Makes the pages of an object read-only wherever they are mapped.
    fn protect_object<M: Machine>(&mut self, machine: &mut M, id: ObjectId, range: Range<u32>) {
        self.each_mapping(id, range, |memory, space, region, start, end| {
            if matches!(region.backing, Backing::Shared { .. }) && region.prot != 0 {
                let operation =
                    batch::protect(start, page(end - start), region.hardware_read_only());
                let done = memory.apply_one(machine, space, operation);
                debug_assert!(done.is_ok(), "protecting needs nothing");
            }
        });
    }
}

impl Memory {
    /// Fills a new object; if that fails, the object is gone and `tail` is still the caller's.
    fn fill_slice(
        &mut self,
        parent: ObjectId,
        child: ObjectId,
        range: Range<u32>,
        tail: Option<u32>,
    ) -> Result<(), Errno> {
        let last = range.end - range.start;
        let shared = self.share_pages(parent, child, range);
        let Memory {
            objects,
            chunks,
            frames,
            ..
        } = self;
        let filled = shared.and_then(|()| match tail {
            Some(frame) => objects.set(chunks, child, last, frame).map(drop),
            None => Ok(()),
        });
        if filled.is_err() {
            objects.let_go(child);
            objects.collect(chunks, frames, child);
        }
        Ok(filled?)
    }

    /// Lets `child` share the frames of the pages `range` of `parent`, from its page 0 on.
    fn share_pages(
        &mut self,
        parent: ObjectId,
        child: ObjectId,
        range: Range<u32>,
    ) -> Result<(), NoRoom> {
        let mut key = range.start / CHUNK_PAGES;
        while key * CHUNK_PAGES < range.end {
            let first = key * CHUNK_PAGES;
            key += 1;
            let Some(object) = self.objects.get(parent) else {
                return Ok(());
            };
            let Some(&chunk) = object.pages.chunk(&self.chunks, first) else {
                continue;
            };
            let Memory {
                objects,
                chunks,
                frames,
                ..
            } = self;
            let mut done = Ok(());
            each_bit(chunk.used, |bit| {
                let number = first + bit;
                if done.is_ok() && range.contains(&number) {
                    let frame = chunk.frames[bit as usize];
                    done = objects
                        .set(chunks, child, number - range.start, frame)
                        .map(drop);
                    if done.is_ok() {
                        frames.share(frame);
                    }
                }
            });
            done?;
        }
        Ok(())
    }
}

/// Number of the page that a byte of an object is in.
fn page_index(offset: u64) -> u32 {
    (offset / PAGE_BYTES) as u32
}
