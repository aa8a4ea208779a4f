//! What a pager asks of a space, one operation each.

/// One operation on an address space. A list of them is one kernel call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct MapOp {
    /// First page's virtual address; for [`MapOp::FILL`] unused.
    pub address: u64,
    /// What is done: [`MapOp::MAP`], [`MapOp::UNMAP`], [`MapOp::PROTECT`] or [`MapOp::FILL`].
    pub kind: u8,
    /// [`prot`] bits.
    pub prot: u8,
    /// Content first given to the frames: [`MapOp::KEEP`], [`MapOp::ZERO`] or [`MapOp::COPY`].
    pub fill: u8,
    /// 0.
    pub reserved: u8,
    /// Number of pages, at consecutive addresses and in consecutive frames.
    pub pages: u32,
    /// First frame: physical address / 4096.
    pub frame: u32,
    /// First frame to copy from, for [`MapOp::COPY`].
    pub source: u32,
    /// Bytes to copy in all, for [`MapOp::COPY`]; the rest of the frames is zeroed.
    pub bytes: u32,
    /// 0.
    pub reserved2: u32,
}

impl MapOp {
    /// Maps frames; what was mapped there before is replaced.
    pub const MAP: u8 = 0;
    /// Unmaps pages; those not mapped are skipped.
    pub const UNMAP: u8 = 1;
    /// Changes the permissions of those pages that are mapped.
    pub const PROTECT: u8 = 2;
    /// Only fills the frames.
    pub const FILL: u8 = 3;

    /// Leaves the frames as they are.
    pub const KEEP: u8 = 0;
    /// Zeroes the frames.
    pub const ZERO: u8 = 1;
    /// Copies other frames' content.
    pub const COPY: u8 = 2;
}

/// Permission bits of a mapping. Reading is always allowed.
pub mod prot {
    /// May be written.
    pub const WRITE: u8 = 1;
    /// May be executed.
    pub const EXECUTE: u8 = 2;
    /// Device memory (only for frames outside RAM, and always for those).
    pub const DEVICE: u8 = 4;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_thirty_two_bytes() {
        assert_eq!(core::mem::size_of::<MapOp>(), 32);
        assert_eq!(core::mem::offset_of!(MapOp, pages), 12);
        assert_eq!(core::mem::offset_of!(MapOp, bytes), 24);
    }
}
