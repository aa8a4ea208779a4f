//! The interprocess-communication server's logic: System V messages, semaphores, shared memory.
//!
//! The whole state is plain data in [`Ipc`]. A request that must wait is parked there as data and
//! answered through the ports when something changed.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod layout;
pub mod limits;
mod message;
mod numbers;
mod permission;
pub mod ports;
mod semaphore;
mod server;
mod shared;
mod table;

pub use server::Ipc;
