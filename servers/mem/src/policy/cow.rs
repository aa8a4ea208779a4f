//! Copy on write: a fork shares all frames, and the first write to a page copies it.
//!
//! The child starts with empty page tables and faults its pages in; the parent's writable pages
//! are protected in one list. So a fork costs by chunks of 32 pages and not by pages.

use super::ForkPolicy;
use crate::batch;
use crate::fault::address_of;
use crate::memory::Memory;
use crate::pages::each_run;
use crate::ports::Machine;
use crate::space::Space;
use abi::Errno;

/// Shares now, copies on the first write.
#[derive(Clone, Copy, Debug, Default)]
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
        protect(memory, machine, parent)
    }
}

/// Makes sure that the parent faults on its next write to any private page.
///
/// Nothing writable is executable, so taking the write permission leaves reading only.
fn protect<M: Machine>(memory: &mut Memory, machine: &mut M, parent: &Space) -> Result<(), Errno> {
    let mut done = Ok(());
    for key in parent.pages.keys() {
        let first = key * crate::pages::CHUNK_PAGES;
        let Some(chunk) = parent.pages.chunk_mut(&mut memory.chunks, first) else {
            continue;
        };
        let writable = core::mem::take(&mut chunk.writable);
        each_run(writable, |bit, count| {
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
