//! The kernel's decisions, free of hardware: what is queued, who runs, what a handle names, what a
//! page-table entry says, what a frame is used as.
//!
//! Invariant of the whole crate: a function that returns an error has changed nothing. Objects
//! refer to each other by the number of the frame they live in ([`object`]), never by pointer, so
//! everything here runs under `cargo test` on the host.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod archive;
pub mod asid;
pub mod endpoint;
pub mod frames;
pub mod object;
pub mod page_table;
pub mod queue;
pub mod ranges;
pub mod ready;
pub mod space;
pub mod thread;
pub mod trace;
