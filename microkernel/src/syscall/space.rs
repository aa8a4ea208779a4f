//! Mapping and unmapping: lists of operations, so that one entry changes many pages.

use abi::map::{MapOp, prot};
use abi::{Error, PAGE_BYTES};
use core::mem::{offset_of, size_of};
use kernel_core::frames::{FrameTable, Kind};
use kernel_core::object::{FrameNumber, Objects, SpaceId};
use kernel_core::page_table::{self, Leaf};
use kernel_core::space::{EXTENSIONS, PAGE_SLOTS, Slot};

use super::{Arguments, DONE, Failure, Outcome};
use crate::arch::{cache, memory, mmu};
use crate::kernel::{Kernel, construct};
use crate::user_memory::{self, Access, Side, Stopped, UserRange};

/// From so many pages on, one flush of the whole space is cheaper than one a page.
const FLUSH_ALL: u32 = 32;

/// `SPACE_APPLY`.
#[inline(never)]
pub(super) fn apply(kernel: &mut Kernel, [space, list, count, ..]: Arguments) -> Outcome {
    let id = kernel.space_of(space)?;
    let own = kernel.current().space;
    let mut list = user_memory::List::new(&mut kernel.memory, own, list);
    for done in 0..count {
        let failure = |error| Failure { error, count: done };
        let words = list.next(&kernel.memory).map_err(failure)?;
        carry_out(kernel, id, parse(words)).map_err(failure)?;
    }
    Ok(count)
}

/// An operation as it lies in memory.
#[inline]
fn parse(words: [u64; size_of::<MapOp>() / 8]) -> MapOp {
    const {
        assert!(
            offset_of!(MapOp, kind) == 8
                && offset_of!(MapOp, pages) == 12
                && offset_of!(MapOp, source) == 20
        )
    };
    let [address, what, frames, bytes] = words;
    MapOp {
        address,
        kind: what as u8,
        prot: (what >> 8) as u8,
        fill: (what >> 16) as u8,
        reserved: 0,
        pages: (what >> 32) as u32,
        frame: frames as u32,
        source: (frames >> 32) as u32,
        bytes: bytes as u32,
        reserved2: 0,
    }
}

fn carry_out(kernel: &mut Kernel, id: SpaceId, op: MapOp) -> Result<(), Error> {
    if op.pages == 0 {
        return Err(Error::Invalid);
    }
    match op.kind {
        MapOp::MAP => {
            page_table::check_range(op.address, op.pages)?;
            check_frames(kernel, &op)?;
            fill(kernel, &op)?;
            if op.fill != MapOp::KEEP && op.prot & (prot::WRITE | prot::EXECUTE) != prot::WRITE {
                forget_synced(kernel, &op);
            }
            map(kernel, id, &op)
        }
        MapOp::UNMAP => change(kernel, id, &op, |_| Leaf::NONE),
        MapOp::PROTECT => change(kernel, id, &op, |old| match old.is_device() {
            true => Leaf::new(old.frame(), op.prot | prot::DEVICE),
            false => Leaf::new(old.frame(), op.prot & !prot::DEVICE),
        }),
        MapOp::FILL => {
            check_frames(kernel, &op)?;
            fill(kernel, &op)?;
            forget_synced(kernel, &op);
            Ok(())
        }
        _ => Err(Error::Invalid),
    }
}

/// Whether all frames of an operation may be user memory (or are devices, and meant as such).
fn check_frames(kernel: &Kernel, op: &MapOp) -> Result<(), Error> {
    let end = op.frame.checked_add(op.pages).ok_or(Error::FrameBusy)?;
    let device = op.prot & prot::DEVICE != 0;
    for frame in op.frame..end {
        match kernel.memory.frames.kind(frame) {
            Some(Kind::User) if !device => {}
            None if device
                && op.fill == MapOp::KEEP
                && op.kind == MapOp::MAP
                && may_map_device(frame) => {}
            _ => return Err(Error::FrameBusy),
        }
    }
    Ok(())
}

/// The interrupt controller stays the kernel's.
fn may_map_device(frame: FrameNumber) -> bool {
    !crate::driver::interrupts::owns(u64::from(frame) << 12)
}

/// Gives the frames their first content.
fn fill(kernel: &Kernel, op: &MapOp) -> Result<(), Error> {
    match op.fill {
        MapOp::KEEP => Ok(()),
        MapOp::ZERO => {
            (op.frame..op.frame + op.pages).for_each(memory::zero_frame);
            Ok(())
        }
        MapOp::COPY => copy_frames(kernel, op),
        _ => Err(Error::Invalid),
    }
}

/// Notes that instruction fetches do not see what the frames hold now. (A writable mapping implies
/// it.)
fn forget_synced(kernel: &mut Kernel, op: &MapOp) {
    for frame in op.frame..op.frame + op.pages {
        kernel.memory.frames.set_synced(frame, false);
    }
}

/// Copies `op.bytes` bytes frame by frame, and zeroes the rest.
fn copy_frames(kernel: &Kernel, op: &MapOp) -> Result<(), Error> {
    let sources = op.bytes.div_ceil(PAGE_BYTES as u32);
    let end = op.source.checked_add(sources).ok_or(Error::FrameBusy)?;
    if sources > op.pages
        || (op.source..end).any(|frame| !kernel.memory.frames.is(frame, Kind::User))
    {
        return Err(Error::FrameBusy);
    }
    let mut left = op.bytes as usize;
    for page in 0..op.pages {
        let (to, from) = (op.frame + page, op.source.wrapping_add(page));
        let count = left.min(PAGE_BYTES as usize);
        if count == 0 {
            memory::zero_frame(to);
            continue;
        }
        if to != from {
            memory::copy(u64::from(to) << 12, u64::from(from) << 12, count);
        }
        if count < PAGE_BYTES as usize {
            memory::zero_tail(to, count);
        }
        left -= count;
    }
    Ok(())
}

/// Maps the frames. Only a missing table can stop it, after whole pages.
fn map(kernel: &mut Kernel, id: SpaceId, op: &MapOp) -> Result<(), Error> {
    let (frames, mut tables, space) = kernel.memory.with_space(id);
    let (mut table, mut table_end) = (0, 0);
    for page in 0..op.pages {
        let address = op.address + u64::from(page) * PAGE_BYTES;
        let frame = op.frame + page;
        if address >= table_end {
            table = page_table::ensure_leaf_table(&mut tables, frames, space, address)?;
            table_end = page_table::next_leaf_table(address);
        }
        if op.prot & prot::EXECUTE != 0 {
            sync(frames, frame);
        }
        let new = Leaf::new(frame, op.prot);
        let old = page_table::leaf(&tables, table, address);
        if old.is_mapped() && old != new {
            // Break before make (Arm ARM, "Using break-before-make when updating translation
            // table entries").
            page_table::set_leaf(&mut tables, frames, space, table, address, Leaf::NONE)?;
            mmu::flush_page(space.asid, address);
        }
        page_table::set_leaf(&mut tables, frames, space, table, address, new)?;
    }
    mmu::publish_entries();
    Ok(())
}

/// Lets instruction fetches see what a frame holds.
fn sync(frames: &mut FrameTable, frame: FrameNumber) {
    if !frames.is_synced(frame) {
        cache::sync_instructions(memory::frame_address(frame), PAGE_BYTES as usize);
        frames.set_synced(frame, true);
    }
}

/// Changes those pages of a range that are mapped.
fn change(
    kernel: &mut Kernel,
    id: SpaceId,
    op: &MapOp,
    new: impl Fn(Leaf) -> Leaf,
) -> Result<(), Error> {
    page_table::check_range(op.address, op.pages)?;
    let (frames, mut tables, space) = kernel.memory.with_space(id);
    let end = op.address + u64::from(op.pages) * PAGE_BYTES;
    let (mut address, mut flush) = (op.address, Flush::new(op.pages));
    while address < end && space.mapped != 0 {
        let table_end = page_table::next_leaf_table(address).min(end);
        let Some(table) = page_table::leaf_table(&tables, space.root, address) else {
            address = table_end;
            continue;
        };
        while address < table_end {
            let old = page_table::leaf(&tables, table, address);
            let changed = if old.is_mapped() { new(old) } else { old };
            if changed != old {
                if changed.is_executable() {
                    sync(frames, changed.frame());
                }
                page_table::set_leaf(&mut tables, frames, space, table, address, changed)?;
                flush.page(space.asid, address);
            }
            address += PAGE_BYTES;
        }
    }
    flush.finish(space.asid);
    Ok(())
}

/// Drops translations of a range whose entries change: page by page, or all at once if it is long.
struct Flush {
    whole_space: bool,
    needed: bool,
}

impl Flush {
    fn new(pages: u32) -> Self {
        Flush {
            whole_space: pages >= FLUSH_ALL,
            needed: false,
        }
    }

    fn page(&mut self, asid: u16, address: u64) {
        self.needed = true;
        if !self.whole_space {
            mmu::flush_page(asid, address);
        }
    }

    fn finish(self, asid: u16) {
        if self.whole_space && self.needed {
            mmu::flush_space(asid);
        }
    }
}

/// Calls `each` with a frame number from user memory at a time.
fn each_frame(
    kernel: &mut Kernel,
    list: u64,
    count: u64,
    mut each: impl FnMut(&mut Kernel, FrameNumber) -> Result<(), Error>,
) -> Outcome {
    let own = kernel.current().space;
    for done in 0..count {
        let fail = |error| Failure { error, count: done };
        let mut bytes = [0; 4];
        let address = list.checked_add(done * 4).ok_or(Error::Invalid)?;
        user_memory::read(&mut kernel.memory, own, address, &mut bytes).map_err(fail)?;
        each(kernel, FrameNumber::from_ne_bytes(bytes)).map_err(fail)?;
    }
    Ok(count)
}

/// `SPACE_DONATE`.
pub(super) fn donate(kernel: &mut Kernel, [space, list, count, ..]: Arguments) -> Outcome {
    let id = kernel.space_of(space)?;
    each_frame(kernel, list, count, |kernel, frame| {
        kernel.memory.frames.claim(frame, Kind::SpareTable)?;
        let next = kernel.memory.space(id).spare;
        kernel
            .memory
            .frames
            .set_table(frame, Kind::SpareTable, next);
        kernel.memory.space(id).spare = frame;
        Ok(())
    })
}

/// `SPACE_RECLAIM`.
pub(super) fn reclaim(
    kernel: &mut Kernel,
    [space, list, most, tear_down, ..]: Arguments,
) -> Outcome {
    let id = kernel.space_of(space)?;
    let own = kernel.current().space;
    if tear_down != 0 {
        let (frames, mut tables, space) = kernel.memory.with_space(id);
        page_table::tear_down(&mut tables, frames, space)?;
        mmu::flush_space(space.asid);
    }
    for done in 0..most {
        let frame = kernel.memory.space(id).spare;
        if frame == 0 {
            return Ok(done);
        }
        let fail = |error| Failure { error, count: done };
        let address = list.checked_add(done * 4).ok_or(Error::Invalid)?;
        user_memory::write(&mut kernel.memory, own, address, &frame.to_ne_bytes()).map_err(fail)?;
        kernel.memory.space(id).spare = kernel.memory.frames.table_next(frame);
        kernel.memory.frames.release(frame);
    }
    Ok(most)
}

/// `SPACE_WRITE`.
pub(super) fn write(
    kernel: &mut Kernel,
    [space, address, buffer, bytes, ..]: Arguments,
) -> Outcome {
    let id = kernel.space_of(space)?;
    let (to, from) = (
        UserRange::new(address, bytes)?,
        UserRange::new(buffer, bytes)?,
    );
    let own = kernel.current().space;
    let from = Side::new(&mut kernel.memory, own, from, Access::Read);
    let to = Side::new(&mut kernel.memory, id, to, Access::Override);
    match user_memory::copy(&kernel.memory, from, to, bytes as usize) {
        (done, None) => Ok(done as u64),
        (done, Some(Stopped::Source)) => Err(Failure {
            error: Error::BufferFault,
            count: done as u64,
        }),
        (done, Some(Stopped::Target)) => Err(Failure {
            error: Error::LeaseFault,
            count: done as u64,
        }),
    }
}

/// `SPACE_CLEAR`.
pub(super) fn clear(kernel: &mut Kernel, [space, ..]: Arguments) -> Outcome {
    let id = kernel.space_of(space)?;
    let (frames, mut tables, space) = kernel.memory.with_space(id);
    let cleared = page_table::clear(&mut tables, frames, space);
    mmu::flush_space(space.asid);
    Ok(u64::from(cleared))
}

/// `SPACE_EXTEND`.
pub(super) fn extend(kernel: &mut Kernel, [space, frame, ..]: Arguments) -> Outcome {
    let id = kernel.space_of(space)?;
    let frame = FrameNumber::try_from(frame).map_err(|_| Error::FrameBusy)?;
    let extensions = kernel.memory.space(id).extensions;
    let place = extensions
        .iter()
        .position(|&used| used == 0)
        .filter(|&place| place < EXTENSIONS)
        .ok_or(Error::NoSlot)?;
    kernel.memory.frames.claim(frame, Kind::Slots)?;
    construct::<[Slot; PAGE_SLOTS]>(frame);
    kernel.memory.space(id).extensions[place] = frame;
    DONE
}
