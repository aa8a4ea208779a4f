//! Ports: what the memory server asks of the kernel. The binary answers with kernel calls, a test
//! with a model of page tables and frames.

use abi::Error;
use abi::map::MapOp;
use proto::Pid;
use serde::{Deserialize, Serialize};

/// Names an address space at the kernel (a handle's number).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceKey(pub u32);

impl SpaceKey {
    /// The memory server's own space, through which frames are filled that nobody maps.
    pub const OWN: SpaceKey = SpaceKey(abi::Handle::OWN_SPACE.0);
}

/// Names a thread at the kernel (a handle's number).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadKey(pub u32);

/// Which table frames [`Machine::reclaim`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaim {
    /// Those that no table was made of yet.
    Unused,
    /// All; nothing may be mapped any more.
    TearDown,
}

/// The kernel, as the memory server needs it. Frames are physical addresses / 4096.
pub trait Machine {
    /// Makes an empty space whose faults come with the badge `id`.
    ///
    /// # Errors
    /// [`Error::NoAsid`], [`Error::NoSlot`] or [`Error::FrameBusy`]; the frames are free then.
    fn create_space(&mut self, frame: u32, root: u32, id: Pid) -> Result<SpaceKey, Error>;

    /// Makes a stopped thread.
    ///
    /// # Errors
    /// [`Error::NoSlot`], [`Error::FrameBusy`] or [`Error::Invalid`]; the frame is free then.
    fn create_thread(
        &mut self,
        frame: u32,
        space: SpaceKey,
        priority: u32,
    ) -> Result<ThreadKey, Error>;

    /// Ends a space in which nothing is mapped, and forgets its key.
    ///
    /// # Errors
    /// [`Error::FrameBusy`] while it has pages or threads.
    fn destroy_space(&mut self, space: SpaceKey) -> Result<(), Error>;

    /// Ends a thread, and forgets its key.
    ///
    /// # Errors
    /// [`Error::BadHandle`] if it is gone already.
    fn destroy_thread(&mut self, thread: ThreadKey) -> Result<(), Error>;

    /// Carries out `list` in order.
    ///
    /// # Errors
    /// How many operations were done, and why the next one failed.
    fn apply(&mut self, space: SpaceKey, list: &[MapOp]) -> Result<(), (usize, Error)>;

    /// Gives the space frames for page tables.
    ///
    /// # Errors
    /// [`Error::FrameBusy`] if one is in use.
    fn donate(&mut self, space: SpaceKey, frames: &[u32]) -> Result<(), Error>;

    /// Takes table frames back and returns how many.
    fn reclaim(&mut self, space: SpaceKey, into: &mut [u32], which: Reclaim) -> usize;

    /// Unmaps everything.
    fn clear(&mut self, space: SpaceKey);

    /// Gives the space a frame of further handle slots.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it has all that it can have.
    fn extend(&mut self, space: SpaceKey, frame: u32) -> Result<(), Error>;

    /// Copies `bytes` to `address` of the space, whatever the permissions, and returns how many
    /// could be copied before an absent page.
    fn write(&mut self, space: SpaceKey, address: u64, bytes: &[u8]) -> usize;

    /// Copies what is in `frame` at `offset`.
    fn read_frame(&mut self, frame: u32, offset: usize, into: &mut [u8]);

    /// Copies `bytes` to `offset` of `frame`.
    fn write_frame(&mut self, frame: u32, offset: usize, bytes: &[u8]);
}
