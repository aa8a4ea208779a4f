//! The file server's logic: descriptors, paths, files, pipes, devices, `/proc`.
//!
//! [`Vfs`] is plain data. It is asked through [`Vfs::handle`], learns of events through
//! [`Vfs::notified`], and reaches the outside only through the [`ports`]. A request that must wait
//! is parked as data and tried again when something changed.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod archive;
pub mod data;
pub mod device;
pub mod directory;
mod find;
pub mod layout;
pub mod limits;
pub mod linux;
pub mod locks;
mod naming;
pub mod node;
pub mod object;
pub mod open_file;
mod pair;
pub mod park;
pub mod path;
pub mod permission;
pub mod pipe;
pub mod policy;
mod poll;
pub mod ports;
pub mod process;
pub mod procfs;
mod requests;
pub mod slab;
pub mod socket;
mod terminal;
mod tree;
mod unnamed;
mod vfs;

pub use vfs::{FileSystem, Mount, Vfs};
