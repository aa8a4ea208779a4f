//! The limits that programs can ask for, with Linux's values where memory allows.

/// Longest message in bytes (`MSGMAX`).
pub const MSGMAX: usize = 8192;
/// Most bytes in a queue, unless the superuser allows more (`MSGMNB`).
pub const MSGMNB: u64 = 16384;
/// Most queues (`MSGMNI`). Linux has 32000; here a full set of queues takes 16 MB.
pub const MSGMNI: usize = 1024;

/// Most semaphores in a set (`SEMMSL`).
pub const SEMMSL: u32 = 32000;
/// Most sets (`SEMMNI`).
pub const SEMMNI: usize = 1024;
/// Most semaphores in all sets (`SEMMNS`).
pub const SEMMNS: usize = 128_000;
/// Most operations of a `semop` (`SEMOPM`).
pub const SEMOPM: usize = 500;
/// Largest value (`SEMVMX`).
pub const SEMVMX: i32 = 32767;
/// Largest adjustment at exit (`SEMAEM`).
pub const SEMAEM: i32 = SEMVMX;

/// Smallest segment in bytes (`SHMMIN`).
pub const SHMMIN: u64 = 1;
/// Largest segment in bytes (`SHMMAX`): what an address space can hold.
pub const SHMMAX: u64 = 1 << 38;
/// Most segments (`SHMMNI`).
pub const SHMMNI: usize = 4096;
