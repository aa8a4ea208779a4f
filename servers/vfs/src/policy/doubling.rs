//! A pipe buffer as one ring that doubles when it is full: at most two pieces for each transfer.
//!
//! The standard. A pipe that carries little takes little (512 bytes), one that carries much copies its
//! bytes a few times while it grows and then moves each of them with the fewest lease copies of all
//! designs. It never shrinks before it is closed.

use super::PipeBuffer;
use crate::pipe::CAPACITY;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Size of the first allocation; many pipes never hold more.
const FIRST_BYTES: usize = 512;

/// Bytes from `start` on, wrapping around at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubling {
    bytes: Vec<u8>,
    start: usize,
    used: usize,
}

impl Doubling {
    /// Makes room for `count` more bytes.
    fn reserve(&mut self, count: usize) {
        let needed = self.used + count;
        if needed <= self.bytes.len() {
            return;
        }
        let size = needed.max(FIRST_BYTES).next_power_of_two();
        let mut bytes = Vec::with_capacity(size);
        let (first, second) = self.pieces(self.start, self.used);
        bytes.extend_from_slice(&self.bytes[first]);
        bytes.extend_from_slice(&self.bytes[second]);
        bytes.resize(size, 0);
        self.bytes = bytes;
        self.start = 0;
    }

    /// The two ranges that `count` bytes from `start` on occupy.
    fn pieces(
        &self,
        start: usize,
        count: usize,
    ) -> (core::ops::Range<usize>, core::ops::Range<usize>) {
        let first = count.min(self.bytes.len() - start);
        (start..start + first, 0..count - first)
    }

    /// The index that is `count` behind `start`; the size is a power of two.
    fn behind(&self, count: usize) -> usize {
        (self.start + count) & self.bytes.len().wrapping_sub(1)
    }
}

impl PipeBuffer for Doubling {
    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn len(&self) -> usize {
        self.used
    }

    fn append<E>(
        &mut self,
        count: usize,
        mut fill: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.reserve(count);
        if count == 0 {
            return Ok(());
        }
        let (first, second) = self.pieces(self.behind(self.used), count);
        let split = first.len();
        fill(0, &mut self.bytes[first])?;
        if !second.is_empty() {
            fill(split, &mut self.bytes[second])?;
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
        if count == 0 {
            return Ok(());
        }
        let (first, second) = self.pieces(self.start, count);
        let split = first.len();
        take(0, &self.bytes[first])?;
        if !second.is_empty() {
            take(split, &self.bytes[second])?;
        }
        self.start = self.behind(count);
        self.used -= count;
        if self.used == 0 {
            self.start = 0;
        }
        Ok(())
    }
}
