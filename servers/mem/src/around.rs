//! Mapping the neighbours of a page that faulted, when their frames are there anyway: a fault costs
//! far more than an entry in a list.

use crate::batch;
use crate::fault::address_of;
use crate::memory::Memory;
use crate::pages::{CHUNK_PAGES, Chunk, below};
use crate::region::{Backing, Region};
use crate::space::Space;
use core::ops::Range;

/// Pages that one fault maps at most.
const AROUND: u32 = 16;

impl Memory {
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
