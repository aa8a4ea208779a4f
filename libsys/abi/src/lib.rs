//! Numbers and layouts that the kernel and user space share: the binary interface of the kernel.
//!
//! Nothing here decides or calls anything. A change of a number or a layout changes the ABI and
//! belongs into the CHANGELOG; the tests at the end of each file hold the literal values.
#![no_std]
#![forbid(unsafe_code)]

pub mod addr;
pub mod boot;
pub mod call;
pub mod calls;
pub mod errno;
pub mod error;
pub mod handle;
pub mod layout;
pub mod map;
pub mod message;
pub mod thread;
pub mod trace;

pub use addr::{PAGE_BYTES, PhysAddr, UserAddr};
pub use errno::Errno;
pub use error::Error;
pub use handle::{Handle, Rights};
/// Structures and constants of the Linux/AArch64 ABI, which programs on the system see.
pub use linux_raw_sys as linux;
pub use message::{Badge, Lease, Message, Token, WORDS};
