//! Decisions of the root task: what the boot files say, and what each server is to be given.
//!
//! Nothing here makes a kernel call; `main.rs` carries out what is decided.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod archive;
pub mod device_tree;
pub mod exit;
pub mod frames;
pub mod manifest;
pub mod plan;
