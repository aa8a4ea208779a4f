//! Where things are in a user address space (39 bits).

/// First address behind the user half.
pub const USER_END: u64 = 1 << 39;
/// Where native programs and servers are linked to start.
pub const IMAGE_BASE: u64 = 0x20_0000;
/// First address behind the initial stack, which grows down from here.
pub const STACK_TOP: u64 = 0x3fff_f000;
/// Most that the initial stack may grow to, in bytes.
pub const STACK_BYTES: u64 = 8 << 20;
/// Where mappings without a wished address are placed, upwards.
pub const MMAP_BASE: u64 = 0x40_0000_0000;
/// Where the kernel maps [`crate::boot::BootInfo`] in the root task.
pub const BOOT_INFO: u64 = 0x10_0000;
/// Where the kernel maps the boot archive in the root task, read-only.
pub const ARCHIVE: u64 = 0x60_0000_0000;
