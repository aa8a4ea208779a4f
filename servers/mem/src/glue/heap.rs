//! The memory server's own heap. It cannot ask itself, so it maps frames of its own.
//!
//! A request that is being served may need memory while the library is in use, so frames are put
//! aside between requests: first a part of the boot ranges, later a small store.

use abi::boot::FrameRange;
use abi::map::{MapOp, prot};
use abi::{Error, Handle, PAGE_BYTES};
use libsys::arch;
use mem::Mem;
use mem::policy::ForkPolicy;
use spin::Mutex;

/// A page through which frames are looked at.
pub const WINDOW: u64 = 0x4000_0000;
/// Where the heap starts: under the same page table as the window.
const HEAP: u64 = WINDOW + PAGE_BYTES;
/// Most frames in the store.
const STORE: usize = 256;
/// Fewest that it is filled up to.
const FEW: usize = 64;
/// Frames of memory that a page of the heap describes: four bytes each for count and place.
const FRAMES_PER_PAGE: u32 = 440;
/// Further frames for the heap's start.
const START: u32 = 48;

/// Frames put aside, and how far the heap is mapped.
struct Supply {
    fresh: FrameRange,
    store: [u32; STORE],
    stored: usize,
    end: u64,
}

static SUPPLY: Mutex<Supply> = Mutex::new(Supply {
    fresh: FrameRange { first: 0, count: 0 },
    store: [0; STORE],
    stored: 0,
    end: HEAP,
});

/// Takes the heap's first frames out of the largest of `ranges`: enough for the table of all frames
/// and the list of the archive's pages.
pub fn start(ranges: &mut [FrameRange], archive_pages: u32) {
    let first = ranges.iter().map(|range| range.first).min().unwrap_or(0);
    let last = ranges
        .iter()
        .map(|range| range.first + range.count)
        .max()
        .unwrap_or(0);
    let wanted = (last - first) / FRAMES_PER_PAGE + archive_pages / 512 + START;
    if let Some(range) = ranges.iter_mut().max_by_key(|range| range.count) {
        let count = wanted.min(range.count);
        range.count -= count;
        SUPPLY.lock().fresh = FrameRange {
            first: range.first + range.count,
            count,
        };
    }
    libsys::heap::set_mover(move_break);
}

/// Puts frames aside for the next request. What cannot be had now may be had later.
#[inline(always)]
pub fn refill<P: ForkPolicy>(mem: &mut Mem<P>) {
    let mut supply = SUPPLY.lock();
    let wanted = wanted(&supply);
    if supply.stored + supply.fresh.count as usize >= wanted / 2 {
        return;
    }
    while supply.stored < wanted {
        let Some(frame) = mem.take_own_frame() else {
            return;
        };
        let at = supply.stored;
        supply.store[at] = frame;
        supply.stored += 1;
    }
}

/// The allocator grows by an eighth of what it has, so the store grows with it.
fn wanted(supply: &Supply) -> usize {
    (FEW + ((supply.end - HEAP) / PAGE_BYTES / 8) as usize).min(STORE)
}

/// Moves the end of the heap up to `end`, as `libsys::heap::BreakMover` says.
fn move_break(end: u64) -> u64 {
    let mut supply = SUPPLY.lock();
    while supply.end < end {
        let pages = ((end - supply.end).div_ceil(PAGE_BYTES)).min(u64::from(u32::MAX)) as u32;
        let Some(run) = supply.take(pages) else { break };
        if !supply.map(run) {
            break;
        }
        supply.end += u64::from(run.count) * PAGE_BYTES;
    }
    supply.end
}

impl Supply {
    /// Takes up to `pages` consecutive frames.
    fn take(&mut self, pages: u32) -> Option<FrameRange> {
        if self.fresh.count > 0 {
            let count = pages.min(self.fresh.count);
            self.fresh.count -= count;
            return Some(FrameRange {
                first: self.fresh.first + self.fresh.count,
                count,
            });
        }
        self.stored = self.stored.checked_sub(1)?;
        Some(FrameRange {
            first: self.store[self.stored],
            count: 1,
        })
    }

    /// Maps frames at the end of the heap.
    fn map(&mut self, run: FrameRange) -> bool {
        let operation = MapOp {
            address: self.end,
            kind: MapOp::MAP,
            prot: prot::WRITE,
            fill: MapOp::ZERO,
            pages: run.count,
            frame: run.first,
            ..MapOp::default()
        };
        loop {
            match arch::space_apply(Handle::OWN_SPACE, &[operation]) {
                Ok(()) => return true,
                Err((Error::NeedsTable, _)) => {
                    let Some(table) = self.take(1) else {
                        return false;
                    };
                    if arch::space_donate(Handle::OWN_SPACE, &[table.first]).is_err() {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
    }
}
