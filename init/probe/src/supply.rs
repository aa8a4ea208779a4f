//! Free frames, handed out from the first on.

use abi::Handle;
use abi::boot::{BootInfo, FrameRange};
use abi::map::MapOp;
use libsys::arch;

/// The frames that the kernel left.
pub struct Supply {
    range: FrameRange,
}

impl Supply {
    /// The largest free range.
    pub fn new(info: &BootInfo) -> Supply {
        let ranges = &info.free[..info.free_count as usize];
        let range = ranges
            .iter()
            .copied()
            .max_by_key(|range| range.count)
            .expect("free memory");
        Supply { range }
    }

    /// Takes a frame.
    pub fn frame(&mut self) -> u32 {
        self.range.count -= 1;
        self.range.first += 1;
        self.range.first - 1
    }

    /// Maps a fresh frame of zeros into `space`, donating tables as needed; returns the frame.
    pub fn map(&mut self, space: Handle, address: u64, prot: u8) -> u32 {
        let frame = self.frame();
        let op = MapOp {
            address,
            prot,
            fill: MapOp::ZERO,
            pages: 1,
            frame,
            ..MapOp::default()
        };
        while let Err((error, _)) = arch::space_apply(space, &[op]) {
            assert!(error == abi::Error::NeedsTable, "mapping failed: {error:?}");
            arch::space_donate(space, &[self.frame()]).expect("a free frame");
        }
        frame
    }
}
