//! What takes access away: unmapping, and weaker permissions. It needs no table, so it cannot fail.
//!
//! Mapped pages of anonymous regions are all marked in the space's chunks, so only those are named
//! to the kernel. Pages of objects are not marked; there the whole range is named.

use crate::batch;
use crate::fault::address_of;
use crate::memory::Memory;
use crate::pages::each_run;
use crate::ports::Machine;
use crate::region::{Backing, EXECUTE, page};
use crate::space::Space;
use abi::Errno;
use abi::map::MapOp;

impl Memory {
    /// Removes all mappings of a range of pages.
    pub fn unmap<M: Machine>(&mut self, machine: &mut M, space: &mut Space, start: u64, end: u64) {
        self.split(space, start, end);
        let gone = space.regions.overlapping(start, end);
        for at in gone.clone() {
            let region = space.regions.as_slice()[at];
            self.hide(machine, space, region.backing, region.start, region.end);
        }
        for at in gone.clone() {
            let region = space.regions.as_slice()[at];
            self.drop_private(space, region.start, region.end);
            space.size -= region.bytes();
            if let Some(object) = region.object() {
                self.objects
                    .remove_mapping(&mut self.chunks, &mut self.frames, object);
            }
        }
        space.regions.remove(gone);
    }

    /// Takes pages of one region out of the page tables.
    pub fn hide<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        backing: Backing,
        start: u64,
        end: u64,
    ) {
        let done = self.each_mapped(machine, space, backing, (start, end), batch::unmap);
        debug_assert!(done.is_ok(), "unmapping needs nothing");
        space.pages.visit(
            &mut self.chunks,
            page(start)..page(end),
            |_, chunk, bits| {
                chunk.mapped &= !bits;
                chunk.writable &= !bits;
            },
        );
    }

    /// Unmaps pages whether they are marked or not.
    pub fn hide_all<M: Machine>(&mut self, machine: &mut M, space: &Space, start: u64, end: u64) {
        let done = self.apply_one(machine, space, batch::unmap(start, page(end - start)));
        debug_assert!(done.is_ok(), "unmapping needs nothing");
    }

    /// Applies `operation` (which gets an address and a number of pages) to what may be mapped.
    fn each_mapped<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        backing: Backing,
        (start, end): (u64, u64),
        operation: impl Fn(u64, u32) -> MapOp,
    ) -> Result<(), Errno> {
        if backing != Backing::Anonymous {
            return self.apply_one(machine, space, operation(start, page(end - start)));
        }
        for (base, slot, inside) in space.pages.slots(page(start)..page(end)) {
            let mapped = self.chunks.at(slot).mapped & inside;
            let mut done = Ok(());
            each_run(mapped, |bit, count| {
                if done.is_ok() {
                    done = self.push(machine, space, operation(address_of(base + bit), count));
                }
            });
            done?;
        }
        self.flush(machine, space)
    }

    /// Gives up the private pages of a range that is not mapped any more.
    pub(crate) fn drop_private(&mut self, space: &mut Space, start: u64, end: u64) {
        let frames = &mut self.frames;
        space
            .pages
            .remove(&mut self.chunks, page(start)..page(end), |_, frame| {
                frames.release(frame)
            });
    }

    /// Makes what is mapped in a range as weak as `prot`; what `prot` allows more comes by faults.
    pub(crate) fn weaken<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        start: u64,
        end: u64,
        prot: u8,
    ) {
        let hardware = if prot & EXECUTE != 0 {
            abi::map::prot::EXECUTE
        } else {
            0
        };
        let protect = |address, pages| batch::protect(address, pages, hardware);
        for at in space.regions.overlapping(start, end) {
            let region = space.regions.as_slice()[at];
            let (from, to) = (region.start.max(start), region.end.min(end));
            if prot == 0 {
                self.hide(machine, space, region.backing, from, to);
                continue;
            }
            let done = self.each_mapped(machine, space, region.backing, (from, to), protect);
            debug_assert!(done.is_ok(), "protecting needs nothing");
            space
                .pages
                .visit(&mut self.chunks, page(from)..page(to), |_, chunk, bits| {
                    chunk.writable &= !bits;
                });
        }
    }
}
