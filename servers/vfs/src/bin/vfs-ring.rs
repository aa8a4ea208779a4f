//! The file server whose pipes are rings of one page.
#![cfg_attr(target_os = "none", no_std, no_main)]

extern crate alloc;

#[path = "vfs/glue.rs"]
mod glue;

use vfs::policy::{Designs, PipeDesign};

libsys::server!(main);

fn main(_: libsys::args::Args) -> i32 {
    glue::run(Designs {
        pipe: PipeDesign::Ring,
        ..Designs::default()
    })
}
