//! Switches the machine off (`-r`: starts it again).
#![no_std]
#![no_main]

use libsys::{arch::Power, prelude::*, process};
use programs::Tool;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "r");
    let errno = process::power(if tool.has(b'r') {
        Power::Restart
    } else {
        Power::Off
    });
    tool.fail(b"power", errno);
    tool.status()
}
