//! Writes `y`, or its arguments, again and again until nobody reads any more.
#![no_std]
#![no_main]

use libsys::prelude::*;
use programs::{Tool, put};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let tool = Tool::without_options(args);
    let words = if tool.operands.is_empty() {
        b"y".to_vec()
    } else {
        tool.operands.join(&b' ')
    };
    let line = [words.as_slice(), b"\n"].concat();
    loop {
        put(&line);
    }
}
