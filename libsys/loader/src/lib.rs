//! From the first bytes of a program file to a plan: what to map, where to start, what is on the stack.
//!
//! Nothing here reads a file or maps a page. The process server and the root task give bytes in and
//! carry out the plan; so every malformed file is met on the host first, in tests.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod image;
pub mod script;
pub mod stack;

pub use image::{Calls, FileAt, Plan, plan};
pub use script::{Script, script};
pub use stack::{Auxiliary, Stack, Start, argument_limit};

/// Bytes of a file that a plan is made from. All program headers must lie within them.
pub const HEADER_BYTES: usize = 4096;
/// Where a position-independent program is placed.
pub const PIE_BASE: u64 = abi::layout::IMAGE_BASE;
/// Where an interpreter (dynamic linker) is placed.
pub const INTERPRETER_BASE: u64 = 0x20_0000_0000;
