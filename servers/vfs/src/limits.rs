//! How much the server keeps in its own heap for programs, so that none can use it up.
//!
//! The limits follow the memory that the machine has: at the worst the heap takes about a quarter
//! of it for files, and an eighth for pipes and another for sockets.

use crate::pipe::CAPACITY;
use abi::PAGE_BYTES;
use serde::{Deserialize, Serialize};

/// Most descriptors of one process, whatever its limit says.
pub const DESCRIPTORS: u32 = 16384;

/// How many of each there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Files, directories, links, pipes: `ENOSPC` beyond.
    pub nodes: usize,
    /// Open files: `ENFILE` beyond.
    pub opens: usize,
    /// Pipes and FIFOs: `ENFILE` beyond.
    pub pipes: usize,
    /// Bytes that were sent to sockets and not received: `ENOBUFS` beyond.
    pub sent_bytes: usize,
}

impl Limits {
    /// For a machine with so many pages.
    pub fn for_pages(pages: u64) -> Self {
        let quarter = (pages / 4) as usize;
        Limits {
            // A node with its name and what is kept of it in the heap is 4 KiB at the most, nearly.
            nodes: quarter.max(1024),
            opens: quarter.max(1024),
            pipes: (pages * PAGE_BYTES / 8) as usize / CAPACITY.max(1),
            sent_bytes: ((pages * PAGE_BYTES / 8) as usize).max(4 * crate::socket::CAPACITY),
        }
    }
}
