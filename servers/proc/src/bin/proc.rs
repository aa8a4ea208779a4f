//! The process server of the standard system, which leaves scheduling to the kernel.
#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

#[path = "proc/glue.rs"]
mod glue;

use proc::policy::Scheduling;

libsys::server!(main);

fn main(_: libsys::args::Args) -> i32 {
    glue::run(Scheduling::Kernel)
}
