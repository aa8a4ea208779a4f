//! The smallest file server that a shell runs on: the boot archive, read-only, and a few devices.
//!
//! To be read in one sitting: `tree.rs` says what a path leads to, `process.rs` what a process has
//! open, `server.rs` and `names.rs` what each request does. There are no permissions, no pipes, no `/proc`, and
//! everything belongs to root; what is left out is refused with the error that Linux has for it.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod device;
mod layout;
mod names;
mod process;
mod server;
pub mod tree;

pub use server::{Minimal, Outside};
