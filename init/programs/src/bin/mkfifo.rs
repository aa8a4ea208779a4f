//! Makes FIFOs: pipes with a name.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::Tool;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "");
    if tool.operands.is_empty() {
        tool.usage("usage: mkfifo path...");
    }
    for path in tool.operands.clone() {
        tool.check(path, file::mkfifo(path, 0o666));
    }
    tool.status()
}
