//! The process server that lets programs take turns.
#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

#[path = "proc/glue.rs"]
mod glue;

use proc::policy::{Scheduling, round_robin::RoundRobin};

libsys::server!(main);

fn main(_: libsys::args::Args) -> i32 {
    glue::run(Scheduling::RoundRobin(RoundRobin::default()))
}
