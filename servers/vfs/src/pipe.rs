//! A pipe or FIFO: a buffer and its two kinds of users.

use crate::policy::{Buffer, PipeBuffer, PipeDesign};
use abi::{Errno, PAGE_BYTES};
use serde::{Deserialize, Serialize};

/// Bytes that a pipe holds, of whatever design, unless its size is set.
pub const CAPACITY: usize = 65536;
/// Most that its size may be set to, as Linux allows those without privileges (`pipe-max-size`).
pub const MOST: usize = 1 << 20;

/// A pipe or FIFO.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pipe {
    /// What was written and not read yet.
    pub buffer: Buffer,
    /// Most bytes that it may hold.
    pub capacity: usize,
    /// Open files that can read.
    pub readers: u32,
    /// Open files that can write.
    pub writers: u32,
    /// How often a reader came, so that a writer that waits for one does not miss a short visit.
    pub readers_seen: u32,
    /// How often a writer came.
    pub writers_seen: u32,
}

impl Pipe {
    /// An empty one without users.
    pub fn new(design: PipeDesign) -> Self {
        let buffer = Buffer::new(design);
        Pipe {
            capacity: buffer.capacity(),
            buffer,
            readers: 0,
            writers: 0,
            readers_seen: 0,
            writers_seen: 0,
        }
    }

    /// Bytes that can be written now.
    pub fn space(&self) -> usize {
        self.capacity.saturating_sub(self.buffer.len())
    }

    /// What it would hold if its size were set to `bytes`: whole pages, a power of two of them.
    ///
    /// # Errors
    /// `EINVAL` for more than any pipe has, `EPERM` for more than this one may have, `EBUSY` for less than what
    /// is in it.
    pub fn resized(&self, bytes: u64) -> Result<usize, Errno> {
        /// Linux counts no further.
        const LAST: u64 = 1 << 31;
        if bytes > LAST {
            return Err(Errno::EINVAL);
        }
        let capacity = (bytes.max(PAGE_BYTES) as usize).next_power_of_two();
        if !self.buffer.grows() {
            // Its size is what the design is about.
            return match capacity <= self.capacity {
                true => Ok(self.capacity),
                false => Err(Errno::EPERM),
            };
        }
        if capacity > MOST {
            return Err(Errno::EPERM);
        }
        match self.buffer.len().next_multiple_of(PAGE_BYTES as usize) > capacity {
            true => Err(Errno::EBUSY),
            false => Ok(capacity),
        }
    }

    /// As how many pipes of the usual size it counts.
    pub fn weight(&self) -> usize {
        weight(self.capacity)
    }

    /// How many of `wanted` bytes can be written now: small writes go in one piece or wait.
    pub fn writable(&self, wanted: usize) -> usize {
        let space = self.space();
        if wanted <= proto::vfs::PIPE_BUF && space < wanted {
            0
        } else {
            space.min(wanted)
        }
    }

    /// An open file with these abilities came.
    pub fn enter(&mut self, reads: bool, writes: bool) {
        if reads {
            self.readers += 1;
            self.readers_seen = self.readers_seen.wrapping_add(1);
        }
        if writes {
            self.writers += 1;
            self.writers_seen = self.writers_seen.wrapping_add(1);
        }
    }

    /// An open file with these abilities went. What nobody can read any more is dropped.
    pub fn leave(&mut self, reads: bool, writes: bool) {
        self.readers -= u32::from(reads);
        self.writers -= u32::from(writes);
        if self.readers == 0 && self.writers == 0 {
            self.buffer.clear();
        }
    }
}

/// As how many pipes of the usual size one of this capacity counts.
pub fn weight(capacity: usize) -> usize {
    capacity.div_ceil(CAPACITY)
}
