//! The memory server's logic: frames, address spaces, regions, memory objects, page faults.
//!
//! No system calls and no unsafe code: the kernel is behind [`ports::Machine`]. All state is plain
//! data. The README says what always holds.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod advise;
mod around;
pub mod batch;
mod exec;
pub mod fault;
pub mod frames;
pub mod futex;
mod handle;
pub mod hot;
mod lock;
pub mod map;
mod mapping;
mod memory;
pub mod object;
mod objects;
mod observe;
pub mod pages;
pub mod policy;
pub mod pool;
pub mod ports;
mod process;
pub mod region;
pub mod remap;
pub mod space;
mod threads;
mod unmap;

pub use handle::Answer;
pub use memory::Memory;

use abi::Errno;
use abi::boot::FrameRange;
use alloc::vec::Vec;
use fault::{Decline, Replaced};
use frames::{Frames, Rank};
use futex::Futexes;
use policy::ForkPolicy;
use ports::Machine;
use proto::handover::State;
use proto::{Pid, server_id};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use space::Spaces;

/// The server's own heap is full: what the request needs to remember does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

impl From<NoRoom> for Errno {
    fn from(_: NoRoom) -> Self {
        Errno::ENOMEM
    }
}

/// What the kernel's fault message is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The thread tries again.
    Retry,
    /// The program made a mistake, or memory ran out: an `abi::message::decline` code.
    Decline(u64),
}

/// The memory server.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Mem<P> {
    policy: P,
    spaces: Spaces,
    memory: Memory,
    futexes: Futexes,
    /// Room for images and for what is copied from and to leases.
    #[serde(skip)]
    scratch: Vec<u8>,
}

/// Servers with the same fork policy can follow each other.
impl<P: ForkPolicy + Serialize + DeserializeOwned> State for Mem<P> {
    type Service = proto::mem::Mem;
    const FORM: &'static str = P::NAME;
}

impl<P: ForkPolicy> Mem<P> {
    /// Takes over the frames of `free`, and the boot archive as the object [`object::ARCHIVE`].
    ///
    /// # Errors
    /// [`NoRoom`] if the heap does not hold the archive's pages.
    pub fn new(
        policy: P,
        free: &[FrameRange],
        archive: FrameRange,
        archive_bytes: u64,
    ) -> Result<Self, NoRoom> {
        let mut memory = Memory {
            frames: Frames::new(free, archive),
            ..Memory::default()
        };
        // One for each 32 frames: what programs that use memory in one piece need at most.
        memory
            .chunks
            .reserve((memory.frames.total() / pages::CHUNK_PAGES) as usize)?;
        let id = memory
            .objects
            .create(archive_bytes, Some(server_id::ROOT))?;
        debug_assert_eq!(id, object::ARCHIVE, "the first object");
        for page in 0..archive.count {
            memory
                .objects
                .set(&mut memory.chunks, id, page, archive.first + page)?;
        }
        Ok(Mem {
            policy,
            spaces: Spaces::default(),
            memory,
            futexes: Futexes::default(),
            scratch: Vec::new(),
        })
    }

    /// Serves a page fault of `pid` at `address` with `abi::message::access` bits.
    pub fn fault<M: Machine>(
        &mut self,
        machine: &mut M,
        pid: Pid,
        address: u64,
        bits: u64,
    ) -> Resolution {
        let Some(space) = self.spaces.get_mut(pid) else {
            return Resolution::Decline(Decline::NotMapped.code());
        };
        space.faults += 1;
        self.memory.faults += 1;
        match self.memory.resolve(machine, space, address, bits) {
            Ok(None) => {
                if space.parent != Pid(0) {
                    let written = bits & abi::message::access::WRITE != 0;
                    space.hot.add(region::page(address), written);
                }
                Resolution::Retry
            }
            Ok(Some(replaced)) => {
                self.hide_replaced(machine, pid, replaced);
                Resolution::Retry
            }
            Err(decline) => Resolution::Decline(decline.code()),
        }
    }

    /// Unmaps a page of an object that got another frame, except where it is up to date.
    fn hide_replaced<M: Machine>(&mut self, machine: &mut M, pid: Pid, replaced: Replaced) {
        let Replaced {
            object,
            page,
            address,
        } = replaced;
        self.each_mapping(
            object,
            page..page + 1,
            |memory, space, region, start, end| {
                if space.pid != pid || start != address {
                    memory.hide(machine, space, region.backing, start, end);
                }
            },
        );
    }

    /// Takes a frame for the server's own heap; it never comes back.
    pub fn take_own_frame(&mut self) -> Option<u32> {
        self.memory.frames.take(Rank::Server)
    }

    /// The frames, for accounting.
    pub fn frames(&self) -> &Frames {
        &self.memory.frames
    }

    /// Everything but the spaces, for accounting.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The spaces.
    pub fn spaces(&mut self) -> &mut Spaces {
        &mut self.spaces
    }

    /// Name of the fork policy.
    pub fn policy_name(&self) -> &'static str {
        P::NAME
    }
}
