//! `Exec`: replaces all of a space's memory by an image, or changes nothing.
//!
//! First everything is checked and the frames are known to be there; then the old content goes,
//! and no step after that can fail. A small program gets its first pages at once, in few kernel
//! calls, because a fault for each would cost more than the pages.

use crate::Mem;
use crate::batch::{self, CAPACITY};
use crate::fault::address_of;
use crate::hot::Hot;
use crate::map::check_prot;
use crate::memory::Memory;
use crate::pages::{CHUNK_PAGES, Mapped};
use crate::policy::ForkPolicy;
use crate::ports::Machine;
use crate::region::{Backing, Kind, LOWEST, READ, Region, Regions, WRITE, page};
use crate::space::{Future, Robust, Space};
use abi::addr::{page_down, page_up};
use abi::layout::USER_END;
use abi::{Errno, PAGE_BYTES};
use alloc::vec::Vec;
use proto::Pid;
use proto::mem::{ObjectId, Segment};
use serde::Deserialize;

/// Pages of a read-only segment that are mapped at once.
const TEXT_PAGES: u32 = 32;
/// Pages of a writable segment's file part, and of its zeros, that are given at once.
const DATA_PAGES: u32 = 4;
const ZERO_PAGES: u32 = 2;
/// Most segments of an image.
const MAX_SEGMENTS: usize = 32;
/// Most page tables that the pages given at once can need, beyond one for each region.
const TABLES: u64 = 4;

/// [`proto::mem::Image`] as it lies in the lease: the same encoding, without copying the stack.
#[derive(Debug, Deserialize)]
struct Image<'a> {
    segments: Vec<Segment>,
    heap: u64,
    stack_top: u64,
    stack_bytes: u64,
    stack: &'a [u8],
}

/// The last page of a segment's file part, of which only some bytes belong to it.
#[derive(Clone, Copy, Debug)]
struct Tail {
    /// The page in the space.
    number: u32,
    /// Bytes that belong to the segment.
    bytes: u32,
}

/// What a space will hold.
#[derive(Debug, Default)]
struct Plan {
    regions: Regions,
    tails: Vec<Tail>,
    heap: u64,
    size: u64,
}

impl<P: ForkPolicy> Mem<P> {
    /// Replaces the memory of `pid` by the encoded image `bytes`.
    ///
    /// # Errors
    /// `EINVAL` for bytes that are no image, `ENOEXEC` for one that cannot be, `ENOMEM`.
    pub(crate) fn exec<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        bytes: &[u8],
    ) -> Result<(), Errno> {
        let image: Image = postcard::from_bytes(bytes).map_err(|_| Errno::EINVAL)?;
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let plan = self.memory.plan(&image)?;
        let stack_pages = image.stack.len().div_ceil(PAGE_BYTES as usize) as u64;
        let regions = plan.regions.as_slice().len() as u64;
        let at_once = u64::from(DATA_PAGES + ZERO_PAGES) + 1;
        if plan.size > space.limits.memory
            || !self
                .memory
                .frames
                .has(stack_pages + regions * (at_once + 1) + TABLES, space.rank)
        {
            return Err(Errno::ENOMEM);
        }
        if self.spaces.lends(pid) {
            return Err(Errno::EBUSY);
        }
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        self.memory.reserve(space, &plan, stack_pages)?;
        self.spaces.give_back(pid);
        self.tell_parent(pid);
        let space = self.spaces.get_mut(pid).ok_or(Errno::ESRCH)?;
        let threads = space.threads.iter_mut();
        threads.for_each(|thread| thread.robust = Robust::default());
        space.hot = Hot::default();
        self.memory.replace(machine, space, &plan)?;
        let filled = self.memory.fill(machine, space, &plan, &image);
        if filled.is_err() {
            self.memory.batch.clear();
            machine.clear(space.key);
            self.memory.forget_content(space);
        }
        filled
    }
}

impl Memory {
    /// Checks an image and lays out its regions.
    fn plan(&self, image: &Image) -> Result<Plan, Errno> {
        if image.segments.len() > MAX_SEGMENTS {
            return Err(Errno::ENOEXEC);
        }
        let mut plan = Plan {
            heap: page_up(image.heap)
                .filter(|&heap| heap < USER_END)
                .ok_or(Errno::ENOEXEC)?,
            ..Plan::default()
        };
        for segment in image.segments.iter().filter(|segment| segment.bytes > 0) {
            self.plan_segment(&mut plan, segment)?;
        }
        let stack = Region {
            start: image
                .stack_top
                .checked_sub(image.stack_bytes)
                .ok_or(Errno::ENOEXEC)?,
            end: image.stack_top,
            prot: READ | WRITE,
            kind: Kind::Stack,
            may_write: true,
            marks: 0,
            backing: Backing::Anonymous,
        };
        if image.stack.len() as u64 > image.stack_bytes {
            return Err(Errno::ENOMEM);
        }
        plan.add(stack)?;
        Ok(plan)
    }

    /// Adds the file part and the zeros of a segment.
    fn plan_segment(&self, plan: &mut Plan, segment: &Segment) -> Result<(), Errno> {
        let prot = check_prot(segment.prot).map_err(|_| Errno::ENOEXEC)?;
        let object = self
            .objects
            .get(segment.object)
            .filter(|_| segment.file_bytes > 0);
        let file_end = segment
            .offset
            .checked_add(segment.file_bytes)
            .ok_or(Errno::ENOEXEC)?;
        let end = segment
            .address
            .checked_add(segment.bytes)
            .and_then(page_up)
            .ok_or(Errno::ENOEXEC)?;
        let fits = match object {
            Some(object) => {
                file_end <= object.bytes
                    && segment.file_bytes <= segment.bytes
                    && segment.offset % PAGE_BYTES == segment.address % PAGE_BYTES
            }
            None => segment.file_bytes == 0,
        };
        if !fits || end > USER_END {
            return Err(Errno::ENOEXEC);
        }
        let start = page_down(segment.address);
        let data_end = segment.address + segment.file_bytes;
        let zeros = if object.is_some() {
            page_up(data_end).unwrap_or(end)
        } else {
            start
        };
        let region = |start, end, backing| Region {
            start,
            end,
            prot,
            kind: Kind::Plain,
            may_write: true,
            marks: 0,
            backing,
        };
        if start < zeros {
            let backing = Backing::Private {
                object: segment.object,
                offset: page_down(segment.offset),
            };
            plan.add(region(start, zeros, backing))?;
        }
        if zeros < end {
            plan.add(region(zeros, end, Backing::Anonymous))?;
        }
        if object.is_some()
            && !data_end.is_multiple_of(PAGE_BYTES)
            && segment.bytes > segment.file_bytes
        {
            plan.tails.push(Tail {
                number: page(data_end),
                bytes: (data_end % PAGE_BYTES) as u32,
            });
        }
        Ok(())
    }

    /// Sees to it that nothing after this lacks room in lists.
    fn reserve(&mut self, space: &mut Space, plan: &Plan, stack_pages: u64) -> Result<(), Errno> {
        let chunks =
            plan.regions.as_slice().len() + stack_pages as usize / CHUNK_PAGES as usize + 2;
        space.regions.fit(&plan.regions)?;
        space.pages.reserve(chunks)?;
        Ok(self.chunks.reserve(chunks)?)
    }

    /// Exchanges the content of a space; its page tables are empty then.
    fn replace<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        plan: &Plan,
    ) -> Result<(), Errno> {
        // The new mappings count first: an object in both images must not end in between.
        for object in plan.regions.as_slice().iter().filter_map(Region::object) {
            self.objects.add_mapping(object);
        }
        machine.clear(space.key);
        self.forget_content(space);
        space.size = plan.size;
        (space.heap_start, space.heap_end) = (plan.heap, plan.heap);
        (space.future, space.marked) = (Future::Free, false);
        space.regions.copy_of(&plan.regions)
    }

    /// Gives a space that was replaced its first pages.
    fn fill<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        plan: &Plan,
        image: &Image,
    ) -> Result<(), Errno> {
        for tail in &plan.tails {
            self.copy_in(machine, space, tail.number, tail.bytes)?;
        }
        for region in plan.regions.as_slice() {
            let pages = region.pages();
            match region.backing {
                Backing::Private { .. } if region.prot & WRITE == 0 => {
                    if self.batch.as_slice().len() > CAPACITY - TEXT_PAGES as usize {
                        self.flush(machine, space)?;
                    }
                    self.push_present(
                        space,
                        region,
                        pages.start..pages.end.min(pages.start + TEXT_PAGES),
                    );
                }
                Backing::Private { .. } if pages.len() as u32 <= DATA_PAGES => {
                    for number in pages {
                        self.copy_in(machine, space, number, PAGE_BYTES as u32)?;
                    }
                }
                Backing::Anonymous if region.kind == Kind::Plain && region.prot & WRITE != 0 => {
                    for number in pages.take(ZERO_PAGES as usize) {
                        self.zero_in(machine, space, number)?;
                    }
                }
                _ => (),
            }
        }
        self.fill_stack(machine, space, image)
    }

    /// Adds an operation that gives a page of an object region its own copy.
    fn copy_in<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        number: u32,
        bytes: u32,
    ) -> Result<(), Errno> {
        let Some(region) = space.regions.find(address_of(number)) else {
            return Ok(());
        };
        let source = self.source(&region, number);
        if space.pages.get(&self.chunks, number).is_some() || region.prot == 0 {
            return Ok(());
        }
        let Some(source) = source else { return Ok(()) };
        let frame = self.frames.take(space.rank).ok_or(Errno::ENOMEM)?;
        let mapped = if region.prot & WRITE != 0 {
            Mapped::Writable
        } else {
            Mapped::ReadOnly
        };
        self.remember(space, number, frame, mapped)?;
        self.push(
            machine,
            space,
            batch::map_copy(address_of(number), frame, region.hardware(), source, bytes),
        )
    }

    /// The object's frame for a page of a region.
    fn source(&self, region: &Region, number: u32) -> Option<u32> {
        let id: ObjectId = region.object()?;
        self.objects
            .get(id)?
            .pages
            .get(&self.chunks, region.object_page(number))
    }

    /// Adds an operation that gives a page of zeros.
    fn zero_in<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        number: u32,
    ) -> Result<(), Errno> {
        let frame = self.frames.take(space.rank).ok_or(Errno::ENOMEM)?;
        self.remember(space, number, frame, Mapped::Writable)?;
        self.push(
            machine,
            space,
            batch::map_zero(address_of(number), frame, abi::map::prot::WRITE),
        )
    }

    /// Notes a page's fresh frame, which is free again if that fails.
    fn remember(
        &mut self,
        space: &mut Space,
        number: u32,
        frame: u32,
        mapped: Mapped,
    ) -> Result<(), Errno> {
        let done = space.pages.set(&mut self.chunks, number, frame, mapped);
        if done.is_err() {
            self.frames.release(frame);
        }
        Ok(done.map(drop)?)
    }

    /// Gives the top of the stack its pages and bytes.
    fn fill_stack<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        image: &Image,
    ) -> Result<(), Errno> {
        let start = image.stack_top - image.stack.len() as u64;
        for number in page(page_down(start))..page(image.stack_top) {
            self.zero_in(machine, space, number)?;
        }
        self.flush(machine, space)?;
        let written = machine.write(space.key, start, image.stack);
        if written == image.stack.len() {
            Ok(())
        } else {
            Err(Errno::ENOMEM)
        }
    }
}

impl Plan {
    /// Adds a region where nothing is.
    ///
    /// # Errors
    /// `ENOEXEC` if it overlaps another, is not aligned, or lies outside the user half.
    fn add(&mut self, region: Region) -> Result<(), Errno> {
        let aligned =
            region.start.is_multiple_of(PAGE_BYTES) && region.end.is_multiple_of(PAGE_BYTES);
        let inside = region.start >= LOWEST && region.start < region.end && region.end <= USER_END;
        if !aligned || !inside || !self.regions.is_free(region.start, region.end) {
            return Err(Errno::ENOEXEC);
        }
        self.size += region.bytes();
        self.regions.insert(region);
        Ok(())
    }
}
