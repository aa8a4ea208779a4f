//! A pipe or FIFO: a buffer and its two kinds of users.

use crate::policy::{Buffer, PipeBuffer, PipeDesign};
use serde::{Deserialize, Serialize};

/// Most bytes in a pipe, of whatever design.
pub const CAPACITY: usize = 65536;

/// A pipe or FIFO.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pipe {
    /// What was written and not read yet.
    pub buffer: Buffer,
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
        Pipe {
            buffer: Buffer::new(design),
            readers: 0,
            writers: 0,
            readers_seen: 0,
            writers_seen: 0,
        }
    }

    /// Bytes that can be written now.
    pub fn space(&self) -> usize {
        self.buffer.capacity().saturating_sub(self.buffer.len())
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
