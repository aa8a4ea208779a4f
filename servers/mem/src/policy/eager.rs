//! Eager: a fork copies every private page at once. No fault follows, and nothing is shared.

use super::ForkPolicy;
use crate::batch;
use crate::fault::address_of;
use crate::memory::Memory;
use crate::pages::{CHUNK_PAGES, Mapped, below, each_bit};
use crate::ports::Machine;
use crate::region::Region;
use crate::space::Space;
use abi::{Errno, PAGE_BYTES};
use serde::{Deserialize, Serialize};

/// Copies everything at the fork.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Eager;

impl ForkPolicy for Eager {
    const NAME: &'static str = "eager";

    fn frames_at_once(&self, pages: u64) -> u64 {
        pages
    }

    fn copy<M: Machine>(
        &self,
        memory: &mut Memory,
        machine: &mut M,
        parent: &mut Space,
        child: &mut Space,
    ) -> Result<(), Errno> {
        for &region in parent.regions.as_slice() {
            copy_region(memory, machine, parent, child, &region)?;
        }
        memory.flush(machine, child)
    }
}

/// Copies the private pages of one region.
fn copy_region<M: Machine>(
    memory: &mut Memory,
    machine: &mut M,
    parent: &Space,
    child: &mut Space,
    region: &Region,
) -> Result<(), Errno> {
    let pages = region.pages();
    for key in parent
        .pages
        .keys()
        .filter(|key| *key >= pages.start / CHUNK_PAGES && key * CHUNK_PAGES < pages.end)
    {
        let first = key * CHUNK_PAGES;
        let Some(&chunk) = parent.pages.chunk(&memory.chunks, first) else {
            continue;
        };
        let low = pages.start.saturating_sub(first).min(CHUNK_PAGES);
        let inside = below((pages.end - first).min(CHUNK_PAGES)) & !below(low);
        let mut done = Ok(());
        each_bit(chunk.used & inside, |bit| {
            if done.is_ok() {
                done = copy_page(
                    memory,
                    machine,
                    child,
                    region,
                    first + bit,
                    chunk.frames[bit as usize],
                );
            }
        });
        done?;
    }
    Ok(())
}

fn copy_page<M: Machine>(
    memory: &mut Memory,
    machine: &mut M,
    child: &mut Space,
    region: &Region,
    number: u32,
    source: u32,
) -> Result<(), Errno> {
    let frame = memory.frames.take(child.rank).ok_or(Errno::ENOMEM)?;
    let mapped = if region.is_private_writable() {
        Mapped::Writable
    } else {
        Mapped::ReadOnly
    };
    if let Err(error) = child.pages.set(&mut memory.chunks, number, frame, mapped) {
        memory.frames.release(frame);
        return Err(error.into());
    }
    memory.copied += 1;
    // A page of memory that may not be accessed cannot be mapped: it is only filled.
    if region.prot == 0 {
        child
            .pages
            .set(&mut memory.chunks, number, frame, Mapped::No)?;
        return memory.push(
            machine,
            child,
            batch::fill_copy(frame, source, PAGE_BYTES as u32),
        );
    }
    let operation = batch::map_copy(
        address_of(number),
        frame,
        region.hardware(),
        source,
        PAGE_BYTES as u32,
    );
    memory.push(machine, child, operation)
}
