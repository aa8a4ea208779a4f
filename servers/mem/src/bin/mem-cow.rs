//! The memory server that copies pages on the first write after a fork.
#![no_std]
#![no_main]

extern crate alloc;

#[path = "../glue/mod.rs"]
mod glue;

use mem::policy::CopyOnWrite;

libsys::server!(main);

fn main(_: libsys::args::Args) -> i32 {
    glue::run(CopyOnWrite)
}
