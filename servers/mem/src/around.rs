//! Mapping the neighbours of a page that faulted, when their frames are there anyway: a fault costs
//! far more than an entry in a list.

use crate::batch;
use crate::fault::address_of;
use crate::memory::Memory;
use crate::pages::{CHUNK_PAGES, Chunk, Mapped, below};
use crate::ports::Machine;
use crate::region::{Backing, Kind, Region, WRITE};
use crate::space::Space;
use core::ops::Range;

/// Pages that one fault maps at most.
const AROUND: u32 = 16;

/// Pages of zeros that one fault gives ahead at most.
const AHEAD: u32 = 7;
/// Free frames below which nothing is given ahead.
const PLENTY: u64 = 1024;

impl Memory {
    /// How many pages behind `number` get zeros with it: as many as were touched in a row before it,
    /// so that at most twice the memory is used that is touched. Stacks grow the other way.
    pub fn ahead(&self, space: &Space, region: &Region, number: u32) -> u32 {
        let bit = number % CHUNK_PAGES;
        if bit == 0 || region.kind != Kind::Plain && region.kind != Kind::Heap {
            return 0;
        }
        let used = space
            .pages
            .chunk(&self.chunks, number)
            .map_or(0, |chunk| chunk.used);
        let before = (used << (CHUNK_PAGES - bit)).leading_ones();
        let unused = (used >> bit).trailing_zeros().min(CHUNK_PAGES - bit);
        let left = (region.pages().end - number).min(unused);
        if before == 0 || !self.frames.has(PLENTY, space.rank) {
            return 0;
        }
        before.min(AHEAD).min(left.saturating_sub(1))
    }

    /// Gives pages of one chunk, which is there, zeroed frames; says whether that worked, else
    /// nothing has changed.
    pub fn zero_pages<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &mut Space,
        region: &Region,
        range: Range<u32>,
    ) -> bool {
        let mut taken = [0; AHEAD as usize + 1];
        let taken = &mut taken[..range.len()];
        for (number, slot) in range.clone().zip(taken.iter_mut()) {
            // There are plenty, as `ahead` has seen.
            *slot = self.frames.take(space.rank).unwrap_or(0);
            self.batch.push(batch::map_zero(
                address_of(number),
                *slot,
                region.hardware(),
            ));
        }
        let mapped = if region.prot & WRITE != 0 {
            Mapped::Writable
        } else {
            Mapped::ReadOnly
        };
        if self.flush(machine, space).is_err() {
            let (start, end) = (address_of(range.start), address_of(range.end));
            self.hide_all(machine, space, start, end);
            taken.iter().for_each(|&frame| self.frames.release(frame));
            return false;
        }
        for (number, &mut frame) in range.zip(taken) {
            let old = space.pages.set(&mut self.chunks, number, frame, mapped);
            debug_assert_eq!(old, Ok(None), "the chunk is there, the page was not");
        }
        true
    }

    /// Adds operations that map those of the pages `range` (at most a full batch) whose frames the
    /// region's object has.
    pub fn push_present(&mut self, space: &Space, region: &Region, range: Range<u32>) {
        let Memory {
            frames,
            chunks,
            objects,
            batch: list,
            ..
        } = self;
        let Some(object) = region.object().and_then(|id| objects.get(id)) else {
            return;
        };
        let shared = matches!(region.backing, Backing::Shared { .. });
        let (read_only, writable) = (region.hardware_read_only(), region.hardware());
        let end = object.page_count();
        let (mut own, mut theirs) = (0, None);
        let mut run = batch::map(0, 0, 0, 0);
        for (number, index) in range.clone().zip(region.object_page(range.start)..end) {
            if !shared && (number == range.start || number.is_multiple_of(CHUNK_PAGES)) {
                own = space
                    .pages
                    .chunk(chunks, number)
                    .map_or(0, |chunk| chunk.used);
            }
            if number == range.start || index.is_multiple_of(CHUNK_PAGES) {
                theirs = object.pages.chunk(chunks, index);
            }
            let frame = theirs.and_then(|chunk: &Chunk| chunk.frame(index));
            let Some(frame) = frame.filter(|_| own >> (number % CHUNK_PAGES) & 1 == 0) else {
                continue;
            };
            let prot = if shared && frames.owners(frame) == 1 {
                writable
            } else {
                read_only
            };
            let address = address_of(number);
            let follows =
                run.address + address_of(run.pages) == address && run.frame + run.pages == frame;
            if follows && run.prot == prot && run.pages > 0 {
                run.pages += 1;
                continue;
            }
            if run.pages > 0 && !list.is_full() {
                list.push(run);
            }
            run = batch::map(address, 1, frame, prot);
        }
        if run.pages > 0 && !list.is_full() {
            list.push(run);
        }
    }
}

/// The aligned window of [`AROUND`] pages around `number`, inside the region.
pub fn around(number: u32, region: &Region) -> Range<u32> {
    let pages = region.pages();
    let start = number & !(AROUND - 1);
    start.max(pages.start)..(start + AROUND).min(pages.end)
}

/// The same window as bits of the page's chunk.
pub fn window(number: u32, region: &Region) -> u32 {
    let range = around(number, region);
    let base = number - number % CHUNK_PAGES;
    below(range.end - base) & !below(range.start - base)
}
