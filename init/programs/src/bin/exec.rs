//! After a successful `exec` nothing of the old program is left to print anything.
#![no_std]
#![no_main]

use libsys::{prelude::*, process};

libsys::main!(main);

fn main(_: Args) -> i32 {
    let errno = process::execvp("echo", &["echo", "this", "is", "echo"]);
    println!("exec failed: {errno}");
    1
}
