//! Prints its arguments with a blank between them.
#![no_std]
#![no_main]

use libsys::prelude::*;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let words: Vec<Vec<u8>> = args.skip(1).map(<[u8]>::to_vec).collect();
    programs::put(&shell::builtins::echo::echo_text(&words));
    programs::finish(0)
}
