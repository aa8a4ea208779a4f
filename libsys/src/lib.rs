//! What every program and server links: kernel calls, the server loop, typed calls, the runtime.
//!
//! A program looks like this:
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//! use libsys::prelude::*;
//!
//! libsys::main!(main);
//!
//! fn main(args: Args) -> i32 {
//!     println!("{} arguments", args.len());
//!     0
//! }
//! ```
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(
    not(target_os = "none"),
    allow(unused, reason = "on the host only decisions are tested")
)]

extern crate alloc;

pub mod arch;
pub mod args;
pub mod clock;
pub mod dir;
pub mod env;
pub mod file;
pub mod heap;
pub mod ipc;
pub mod lease;
pub mod log;
pub mod memory;
mod posix;
pub mod process;
pub mod request;
pub mod runtime;
pub mod serve;
pub mod signal;
pub mod stdio;
pub mod time;

pub use abi::{Errno, Handle};

/// What nearly every program uses.
pub mod prelude {
    pub use crate::args::Args;
    pub use crate::{Errno, eprint, eprintln, print, println};
    pub use alloc::borrow::ToOwned;
    pub use alloc::boxed::Box;
    pub use alloc::format;
    pub use alloc::string::{String, ToString};
    pub use alloc::vec;
    pub use alloc::vec::Vec;
}
