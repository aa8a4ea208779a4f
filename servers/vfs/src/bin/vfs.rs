//! The file server of the standard system.
#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

#[path = "vfs/glue.rs"]
mod glue;

use vfs::policy::Designs;

libsys::server!(main);

fn main(_: libsys::args::Args) -> i32 {
    glue::run(Designs::default())
}
