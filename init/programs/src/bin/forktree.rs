//! Three forks in a row make eight processes: each fork doubles their number.
#![no_std]
#![no_main]

use libsys::{prelude::*, process};

libsys::main!(main);

fn main(_: Args) -> i32 {
    for _ in 0..3 {
        if let Err(errno) = process::fork() {
            eprintln!("fork: {errno}");
        }
    }
    println!(
        "process {}, child of {}",
        process::getpid(),
        process::getppid()
    );

    // Each waits for its own children, so that the first ends last.
    while process::wait().is_ok() {}
    0
}
