//! Prints the current directory.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "LP");
    if let Some(path) = tool.check(b".", file::getcwd()) {
        println!("{}", show(&path));
    }
    tool.status()
}
