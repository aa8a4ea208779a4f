//! What the kernel tells the root task.
//!
//! The root task starts with its handles [`crate::Handle`] 1 (own thread), `OWN_SPACE` (2) and
//! `SYSTEM` (3, all rights), and with x0 = [`crate::layout::BOOT_INFO`].

/// A range of physical frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FrameRange {
    /// First frame number (physical address / 4096).
    pub first: u32,
    /// Number of frames.
    pub count: u32,
}

/// What the kernel found, in one read-only page.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct BootInfo {
    /// Layout version, [`BootInfo::VERSION`].
    pub version: u32,
    /// Number of entries used in `free`.
    pub free_count: u32,
    /// RAM that is nobody's yet. Archive and device tree are not part of it.
    pub free: [FrameRange; 16],
    /// The boot archive's frames.
    pub archive: FrameRange,
    /// The boot archive's length in bytes.
    pub archive_bytes: u64,
    /// The device tree's frames.
    pub device_tree: FrameRange,
    /// The device tree's offset in its first frame, in bytes.
    pub device_tree_offset: u64,
    /// All RAM in frames, the kernel's included.
    pub total_frames: u64,
    /// Frequency of `CNTVCT_EL0`, in Hz.
    pub counter_hz: u64,
    /// Counter value when the kernel was entered.
    pub boot_ticks: u64,
    /// Random bytes from the device tree's `rng-seed`, or zeros.
    pub seed: [u8; 32],
    /// The command line (`/chosen/bootargs`), ended by a 0.
    pub command_line: [u8; 512],
}

impl BootInfo {
    /// The layout that this file describes.
    pub const VERSION: u32 = 1;
}
