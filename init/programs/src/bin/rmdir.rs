//! Removes empty directories.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::Tool;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "");
    if tool.operands.is_empty() {
        tool.usage("usage: rmdir directory...");
    }
    for path in tool.operands.clone() {
        tool.check(path, file::rmdir(path));
    }
    tool.status()
}
