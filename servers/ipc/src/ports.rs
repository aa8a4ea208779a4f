//! Ports: what the server may do with others. A binary answers with calls, a test with fakes.

use abi::Errno;
use proto::{
    Pid,
    ipc::Reply,
    mem::ObjectId,
    port::{Callers, Clock},
    publish::Processes,
};

/// How to map a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Whose memory.
    pub space: Pid,
    /// What.
    pub object: ObjectId,
    /// Where; 0: anywhere.
    pub address: u64,
    /// How much.
    pub bytes: u64,
    /// `PROT_*` bits.
    pub prot: u32,
    /// [`proto::mem::flags`].
    pub flags: u32,
}

/// Memory objects, kept by `mem`.
pub trait Objects {
    /// Makes an object of zeros.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn create(&mut self, bytes: u64) -> Result<ObjectId, Errno>;

    /// Gives it up; it lives on while it is mapped.
    fn release(&mut self, object: ObjectId);

    /// Maps it; the address.
    ///
    /// # Errors
    /// `EEXIST`: something is there; `ENOMEM`, `EINVAL`.
    fn map(&mut self, mapping: Mapping) -> Result<u64, Errno>;

    /// Removes the mapping that starts at `address`.
    ///
    /// # Errors
    /// `EINVAL`: there is none.
    fn unmap(&mut self, space: Pid, object: ObjectId, address: u64) -> Result<(), Errno>;

    /// How often it is mapped.
    ///
    /// # Errors
    /// If `mem` does not know it.
    fn mappings(&mut self, object: ObjectId) -> Result<u64, Errno>;
}

/// What `proc` reads to know of which processes this server must hear.
pub trait Notes {
    /// Whether the process is noted.
    fn is_noted(&self, process: Pid) -> bool;

    /// Notes it or takes the note back. What was written is seen before anything that follows.
    fn note(&mut self, process: Pid, noted: bool);
}

/// All ports in one.
pub trait Ports: Callers<Reply> + Clock + Processes + Objects + Notes {}

impl<T: Callers<Reply> + Clock + Processes + Objects + Notes> Ports for T {}
