//! The memory server that copies all pages at a fork.
#![no_std]
#![no_main]

extern crate alloc;

#[path = "../glue/mod.rs"]
mod glue;

use mem::policy::Eager;

libsys::server!(main);

fn main(_: libsys::args::Args) -> i32 {
    glue::run(Eager)
}
