//! What all spaces have in common: frames, page tables of our own, objects, and how operations
//! reach the kernel.

use crate::batch::{self, Batch};
use crate::frames::{Frames, Rank};
use crate::object::Objects;
use crate::pages::Chunks;
use crate::ports::{Machine, SpaceKey};
use crate::space::Space;
use abi::map::MapOp;
use abi::{Errno, Error};
use serde::{Deserialize, Serialize};

/// Frames given to a space that lacks one for a page table: one for each level below the root.
const DONATION: usize = 2;

/// Frames, objects, and the list of operations under way.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The frames.
    pub frames: Frames,
    /// Chunks of all page tables.
    pub chunks: Chunks,
    /// The memory objects.
    pub objects: Objects,
    /// Operations for the next kernel call.
    #[serde(skip)]
    pub batch: Batch,
    /// Frames copied on write.
    pub copied: u64,
    /// Faults served.
    pub faults: u64,
}

impl Memory {
    /// Adds an operation for `space`, applying the list when it is full.
    ///
    /// # Errors
    /// `ENOMEM` if the full list could not be applied; then it is empty.
    pub fn push<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        operation: MapOp,
    ) -> Result<(), Errno> {
        if self.batch.is_full() {
            self.flush(machine, space)?;
        }
        self.batch.push(operation);
        Ok(())
    }

    /// Applies the list and empties it.
    ///
    /// # Errors
    /// `ENOMEM` if a page table could not be made; a prefix is done then.
    pub fn flush<M: Machine>(&mut self, machine: &mut M, space: &Space) -> Result<(), Errno> {
        let done = apply(machine, &mut self.frames, space, self.batch.as_slice());
        self.batch.clear();
        done
    }

    /// Applies one operation.
    ///
    /// # Errors
    /// `ENOMEM` if a page table could not be made; nothing is done then.
    pub fn apply_one<M: Machine>(
        &mut self,
        machine: &mut M,
        space: &Space,
        operation: MapOp,
    ) -> Result<(), Errno> {
        apply(machine, &mut self.frames, space, &[operation])
    }

    /// Keeps frames back for the holes of objects that servers hold.
    pub fn keep_promises(&mut self) {
        self.frames.promise(self.objects.promised());
    }

    /// Takes a frame with the first `bytes` of `source` and zeros behind them.
    ///
    /// # Errors
    /// `ENOMEM` if there is none.
    pub fn take_copy<M: Machine>(
        &mut self,
        machine: &mut M,
        rank: Rank,
        source: u32,
        bytes: u32,
    ) -> Result<u32, Errno> {
        let frame = self.frames.take(rank).ok_or(Errno::ENOMEM)?;
        let operation = match bytes {
            0 => batch::fill_zero(frame),
            _ => batch::fill_copy(frame, source, bytes),
        };
        match machine.apply(SpaceKey::OWN, &[operation]) {
            Ok(()) => Ok(frame),
            Err(_) => {
                self.frames.release(frame);
                Err(Errno::ENOMEM)
            }
        }
    }
}

/// Carries out a list, giving the space frames for page tables where it lacks them.
fn apply<M: Machine>(
    machine: &mut M,
    frames: &mut Frames,
    space: &Space,
    list: &[MapOp],
) -> Result<(), Errno> {
    let mut rest = list;
    while !rest.is_empty() {
        match machine.apply(space.key, rest) {
            Ok(()) => return Ok(()),
            Err((done, Error::NeedsTable)) => {
                rest = rest.get(done..).unwrap_or(&[]);
                donate(machine, frames, space, DONATION)?;
            }
            Err(_) => return Err(Errno::ENOMEM),
        }
    }
    Ok(())
}

/// Gives the space up to `wanted` frames for page tables, at least one.
///
/// # Errors
/// `ENOMEM` if there is none.
pub fn donate<M: Machine>(
    machine: &mut M,
    frames: &mut Frames,
    space: &Space,
    wanted: usize,
) -> Result<(), Errno> {
    let mut list = [0; 8];
    let mut count = 0;
    while count < wanted.min(list.len()) {
        let Some(frame) = frames.take_kernel(space.rank) else {
            break;
        };
        list[count] = frame;
        count += 1;
    }
    let list = &list[..count];
    if count > 0 && machine.donate(space.key, list).is_ok() {
        return Ok(());
    }
    list.iter().for_each(|&frame| frames.release_kernel(frame));
    Err(Errno::ENOMEM)
}
