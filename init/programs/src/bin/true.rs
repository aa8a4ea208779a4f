//! Succeeds.
#![no_std]
#![no_main]

use libsys::prelude::*;

libsys::main!(main);

fn main(_: Args) -> i32 {
    0
}
