//! A list of mapping operations for one kernel call, in a fixed buffer that is used again and
//! again, so that collecting operations never allocates.

use abi::PAGE_BYTES;
use abi::map::MapOp;

/// Most operations in one kernel call.
pub const CAPACITY: usize = 64;

/// Operations collected so far.
#[derive(Debug)]
pub struct Batch {
    list: [MapOp; CAPACITY],
    length: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Batch {
            list: [MapOp::default(); CAPACITY],
            length: 0,
        }
    }
}

impl Batch {
    /// Adds an operation, as part of the last one where that goes on; call only while not full.
    pub fn push(&mut self, operation: MapOp) {
        if let Some(last) = self.list[..self.length].last_mut()
            && continues(last, &operation)
        {
            last.pages += operation.pages;
            last.bytes += operation.bytes;
            return;
        }
        debug_assert!(self.length < CAPACITY, "a full batch must be applied first");
        if let Some(slot) = self.list.get_mut(self.length) {
            *slot = operation;
            self.length += 1;
        }
    }

    /// Whether it must be applied before the next push.
    pub fn is_full(&self) -> bool {
        self.length == CAPACITY
    }

    /// The operations.
    pub fn as_slice(&self) -> &[MapOp] {
        &self.list[..self.length]
    }

    /// Forgets the operations.
    pub fn clear(&mut self) {
        self.length = 0;
    }
}

/// Whether `next` does the same as `last` to the pages behind it.
fn continues(last: &MapOp, next: &MapOp) -> bool {
    let bytes = u64::from(last.pages) * PAGE_BYTES;
    let alike = last.kind == next.kind
        && last.prot == next.prot
        && last.fill == next.fill
        && last.address + bytes == next.address;
    let frames_follow = last.kind != MapOp::MAP || last.frame + last.pages == next.frame;
    let sources_follow = last.fill != MapOp::COPY
        || (last.source + last.pages == next.source && u64::from(last.bytes) == bytes);
    alike && frames_follow && sources_follow && last.kind != MapOp::FILL
}

/// Maps `pages` frames from `frame` on, as they are.
pub fn map(address: u64, pages: u32, frame: u32, prot: u8) -> MapOp {
    MapOp {
        address,
        kind: MapOp::MAP,
        prot,
        pages,
        frame,
        ..MapOp::default()
    }
}

/// Maps one zeroed frame.
pub fn map_zero(address: u64, frame: u32, prot: u8) -> MapOp {
    MapOp {
        fill: MapOp::ZERO,
        ..map(address, 1, frame, prot)
    }
}

/// Maps one frame with the first `bytes` of `source`, and zeros behind them.
pub fn map_copy(address: u64, frame: u32, prot: u8, source: u32, bytes: u32) -> MapOp {
    MapOp {
        fill: MapOp::COPY,
        source,
        bytes,
        ..map(address, 1, frame, prot)
    }
}

/// Copies the first `bytes` of `source` to a frame that is not mapped, and zeros behind them.
pub fn fill_copy(frame: u32, source: u32, bytes: u32) -> MapOp {
    MapOp {
        kind: MapOp::FILL,
        ..map_copy(0, frame, 0, source, bytes)
    }
}

/// Zeroes a frame that is not mapped.
pub fn fill_zero(frame: u32) -> MapOp {
    MapOp {
        kind: MapOp::FILL,
        ..map_zero(0, frame, 0)
    }
}

/// Unmaps pages.
pub fn unmap(address: u64, pages: u32) -> MapOp {
    MapOp {
        address,
        kind: MapOp::UNMAP,
        pages,
        ..MapOp::default()
    }
}

/// Changes permissions of pages.
pub fn protect(address: u64, pages: u32, prot: u8) -> MapOp {
    MapOp {
        address,
        kind: MapOp::PROTECT,
        prot,
        pages,
        ..MapOp::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_that_go_on_are_joined() {
        let mut batch = Batch::default();
        batch.push(map(0x1000, 1, 7, 0));
        batch.push(map(0x2000, 1, 8, 0));
        batch.push(map(0x3000, 1, 10, 0));
        batch.push(map(0x4000, 1, 11, 1));
        assert_eq!(
            batch.as_slice(),
            [
                map(0x1000, 2, 7, 0),
                map(0x3000, 1, 10, 0),
                map(0x4000, 1, 11, 1)
            ]
        );
    }

    #[test]
    fn copies_are_joined_only_when_whole() {
        let mut batch = Batch::default();
        batch.push(map_copy(0x1000, 7, 1, 20, 4096));
        batch.push(map_copy(0x2000, 8, 1, 21, 100));
        batch.push(map_copy(0x3000, 9, 1, 22, 4096));
        assert_eq!(batch.as_slice().len(), 2);
        assert_eq!(
            (batch.as_slice()[0].pages, batch.as_slice()[0].bytes),
            (2, 4196)
        );
    }
}
