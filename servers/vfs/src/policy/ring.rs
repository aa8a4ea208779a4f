//! A pipe buffer as one ring of one page: it never grows, so a pipe holds 4096 bytes and no more.
//!
//! This is the pipe of the early UNIX systems, whose buffer was what a block or a page holds (4096 bytes in
//! Version 7: Bach, "The Design of the UNIX Operating System", 5.12; 512 in xv6's `pipe.c`), and of Linux up
//! to 2.6.10. For it speaks that memory is bounded by the number of pipes and that nothing is
//! allocated while bytes flow. Against it: a writer of much runs only a page ahead of its reader, so the
//! two take turns 16 times as often as with 64 KiB. 4096 is the least that POSIX's promise for small
//! writes allows here, because `PIPE_BUF` is 4096 as on Linux.

use super::PipeBuffer;
use abi::PAGE_BYTES;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Bytes of the ring.
const BYTES: usize = PAGE_BYTES as usize;

/// Bytes from `start` on, wrapping around at the end of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// Empty until the first byte comes, then of one page.
    page: Vec<u8>,
    start: usize,
    used: usize,
}

/// The two ranges that `count` bytes from `start` on occupy.
fn pieces(start: usize, count: usize) -> [core::ops::Range<usize>; 2] {
    let first = count.min(BYTES - start);
    [start..start + first, 0..count - first]
}

impl PipeBuffer for Ring {
    fn capacity(&self) -> usize {
        BYTES
    }

    fn grows(&self) -> bool {
        false
    }

    fn len(&self) -> usize {
        self.used
    }

    fn append<E>(
        &mut self,
        count: usize,
        mut fill: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = count.min(BYTES - self.used);
        self.page.resize(BYTES, 0);
        let mut offset = 0;
        for piece in pieces((self.start + self.used) % BYTES, count) {
            let bytes = piece.len();
            if bytes > 0 {
                fill(offset, &mut self.page[piece])?;
            }
            offset += bytes;
        }
        self.used += count;
        Ok(())
    }

    fn consume<E>(
        &mut self,
        count: usize,
        mut take: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = count.min(self.used);
        let mut offset = 0;
        for piece in pieces(self.start, count) {
            let bytes = piece.len();
            if bytes > 0 {
                take(offset, &self.page[piece])?;
            }
            offset += bytes;
        }
        self.used -= count;
        // An empty ring starts over, so that the next bytes are one piece.
        self.start = if self.used == 0 {
            0
        } else {
            (self.start + count) % BYTES
        };
        Ok(())
    }
}
