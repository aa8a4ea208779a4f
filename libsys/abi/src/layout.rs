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
/// Type of the (empty) program header that says: this program makes kernel calls itself. One without
/// it is a Linux program, and gets the personality mapped. The number is in the range that the ELF
/// format leaves to operating systems, so no other tool chain writes it.
pub const NATIVE_HEADER: u32 = 0x6e55_e7a0;
/// Where the personality is mapped in Linux programs, up to [`USER_END`].
pub const PERSONALITY: u64 = 0x7f_f000_0000;
/// Bytes of code at [`PERSONALITY`] that touch memory which the program named. A fault there is no
/// fault of the program: it goes on behind them, at `PERSONALITY + GUARDED_BYTES`.
pub const GUARDED_BYTES: u64 = 0x100;
/// Where the personality says at which address it counts refused calls: [`MISSING_COUNTS`] numbers of 32
/// bits, one for each call's number and the last one for all numbers beyond.
pub const MISSING: u64 = PERSONALITY + GUARDED_BYTES + 8;
/// How many counts there are.
pub const MISSING_COUNTS: usize = 513;
/// Where the personality has its ELF image with the clocks of `AT_SYSINFO_EHDR`.
pub const VDSO: u64 = PERSONALITY + 0x1000;
/// Bytes that are for that image alone: its code runs as the program's, and so do its faults.
pub const VDSO_BYTES: u64 = 0x1000;
/// Where the kernel maps [`crate::boot::BootInfo`] in the root task.
pub const BOOT_INFO: u64 = 0x10_0000;
/// Where the kernel maps the boot archive in the root task, read-only.
pub const ARCHIVE: u64 = 0x60_0000_0000;
