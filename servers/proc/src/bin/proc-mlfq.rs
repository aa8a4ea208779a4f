//! The process server that prefers programs that wait much.
#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

#[path = "proc/glue.rs"]
mod glue;

use proc::policy::{Scheduling, feedback::Feedback};

libsys::server!(main);

fn main(_: libsys::args::Args) -> i32 {
    glue::run(Scheduling::Feedback(Feedback::default()))
}
