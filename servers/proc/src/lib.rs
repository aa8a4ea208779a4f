//! The process server: pids, parents, groups, credentials, limits, signals, timers, `exec`.
//!
//! [`Proc`] is plain data; it answers one message at a time through [`Proc::handle`] and does
//! everything else through its [`ports`]. A request that must wait lies as data in its process.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod clone;
pub mod cpu;
pub mod credentials;
mod exec;
mod exit;
mod fork;
mod identity;
mod jobs;
pub mod limits;
mod memory;
mod park;
pub mod policy;
pub mod ports;
mod posix_timers;
pub mod process;
mod published;
mod resources;
mod schedule;
pub mod scheduling;
mod service;
pub mod signal;
mod start;
pub mod table;
pub mod task;
mod timers;
mod wait;
mod watched;
pub mod wishes;

pub use service::{Answer, Proc};
pub use start::USER_PRIORITY;
