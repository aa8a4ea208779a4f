//! Copy on write: a fork shares all frames, and the first write to a page copies it.
//!
//! The child starts with empty page tables and faults its pages in; the parent's writable pages
//! are protected in one list. So a fork costs by chunks of 32 pages and not by pages.
//!
//! The few pages that earlier children touched at once ([`crate::hot`]) are given to the child at
//! the fork: those that were written as copies, so that the parent keeps writing to its own without
//! a fault, and the others as they are. *Rejected*: doing so by the stack pointer, which only the
//! kernel knows, and which misses the data that a C library writes around a fork.

use super::ForkPolicy;
use crate::around::around;
use crate::batch::{self, CAPACITY};
use crate::fault::address_of;
use crate::hot::{MOST, Touched};
use crate::memory::Memory;
use crate::pages::{CHUNK_PAGES, Mapped, each_run};
use crate::ports::Machine;
use crate::region::Backing;
use crate::space::Space;
use abi::{Errno, PAGE_BYTES};
use serde::{Deserialize, Serialize};

/// Free frames below which nothing is copied ahead.
const PLENTY: u64 = 256;

/// Most operations that one hot page takes.
const PAGE_OPERATIONS: usize = 17;

/// Shares now, copies on the first write.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct CopyOnWrite;

impl ForkPolicy for CopyOnWrite {
    const NAME: &'static str = "cow";

    fn frames_at_once(&self, _pages: u64) -> u64 {
        0
    }

    fn copy<M: Machine>(
        &self,
        memory: &mut Memory,
        machine: &mut M,
        parent: &mut Space,
        child: &mut Space,
    ) -> Result<(), Errno> {
        let Memory { chunks, frames, .. } = memory;
        child
            .pages
            .copy_of(chunks, &parent.pages, |frame| frames.share(frame))?;
        let kept = give_hot(memory, machine, parent, child)?;
        protect(memory, machine, parent, &kept)
    }
}

/// Pages of the parent that it does not share and so may go on writing.
#[derive(Debug, Default)]
struct Kept {
    list: [u32; MOST],
    count: usize,
}

impl Kept {
    fn add(&mut self, page: u32) {
        if let Some(slot) = self.list.get_mut(self.count) {
            *slot = page;
            self.count += 1;
        }
    }

    /// Those in the chunk that starts at page `first`, as bits.
    fn in_chunk(&self, first: u32) -> u32 {
        let inside = |page: &&u32| first <= **page && **page < first + CHUNK_PAGES;
        let bits = self.list[..self.count].iter().filter(inside);
        bits.fold(0, |bits, page| bits | 1 << (page - first))
    }
}

/// Gives the child the pages that it will touch at once.
fn give_hot<M: Machine>(
    memory: &mut Memory,
    machine: &mut M,
    parent: &mut Space,
    child: &mut Space,
) -> Result<Kept, Errno> {
    let mut kept = Kept::default();
    let hot = parent.hot;
    parent.hot.count_fork();
    if hot.pages().is_empty() || !memory.frames.has(PLENTY, child.rank) {
        return Ok(kept);
    }
    for touched in hot.pages() {
        if memory.batch.as_slice().len() + PAGE_OPERATIONS > CAPACITY {
            memory.flush(machine, child)?;
        }
        if give_page(memory, child, touched) {
            kept.add(touched.page);
        }
    }
    memory.flush(machine, child)?;
    Ok(kept)
}

/// Adds an operation for one hot page; says whether the child got a copy of its own.
fn give_page(memory: &mut Memory, child: &mut Space, touched: &Touched) -> bool {
    let (number, address) = (touched.page, address_of(touched.page));
    let Some(region) = child
        .regions
        .find(address)
        .filter(|region| region.prot != 0)
    else {
        return false;
    };
    let Some(source) = child.pages.get(&memory.chunks, number) else {
        if matches!(region.backing, Backing::Private { .. }) {
            memory.push_present(child, &region, around(number, &region));
        }
        return false;
    };
    // Two owners are parent and child; a third would make the parent share it anyway.
    let copied =
        touched.written && region.is_private_writable() && memory.frames.owners(source) == 2;
    let frame = if copied {
        memory.frames.take(child.rank)
    } else {
        None
    };
    let Some(frame) = frame else {
        if let Some(chunk) = child.pages.chunk_mut(&mut memory.chunks, number) {
            chunk.mapped |= 1 << (number % CHUNK_PAGES);
        }
        memory
            .batch
            .push(batch::map(address, 1, source, region.hardware_read_only()));
        return false;
    };
    let old = child
        .pages
        .set(&mut memory.chunks, number, frame, Mapped::Writable);
    debug_assert_eq!(old, Ok(Some(source)), "the page is in the table");
    memory.frames.release(source);
    memory.copied += 1;
    memory.batch.push(batch::map_copy(
        address,
        frame,
        region.hardware(),
        source,
        PAGE_BYTES as u32,
    ));
    true
}

/// Makes sure that the parent faults on its next write to any page that it shares.
///
/// What is writable and executable can only be read, too: the next execution of it faults, and gets its
/// permission back without that to write.
fn protect<M: Machine>(
    memory: &mut Memory,
    machine: &mut M,
    parent: &Space,
    kept: &Kept,
) -> Result<(), Errno> {
    let mut done = Ok(());
    for key in parent.pages.keys() {
        let first = key * CHUNK_PAGES;
        let Some(chunk) = parent.pages.chunk_mut(&mut memory.chunks, first) else {
            continue;
        };
        let shared = chunk.writable & !kept.in_chunk(first);
        chunk.writable &= !shared;
        each_run(shared, |bit, count| {
            if done.is_ok() {
                done = memory.push(
                    machine,
                    parent,
                    batch::protect(address_of(first + bit), count, 0),
                );
            }
        });
    }
    done.and_then(|()| memory.flush(machine, parent))
}
