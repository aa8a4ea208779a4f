//! Linux's side of the personality: numbers, structures as bytes, and decisions about arguments.
//!
//! Nothing here touches memory of a program or sends a message; the blob (`src/bin/personality`)
//! does. So all of it runs in tests on the host.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod actions;
pub mod arguments;
pub mod bytes;
pub mod clock;
pub mod clone;
pub mod frame;
pub mod futex;
pub mod layout;
pub mod local;
pub mod memory;
pub mod number;
pub mod restart;
pub mod select;
