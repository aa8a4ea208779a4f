//! A line that is still in the buffer at `fork` is in both processes, and is printed twice.
#![no_std]
#![no_main]

use libsys::{prelude::*, process, stdio};

libsys::main!(main);

fn main(_: Args) -> i32 {
    // As if standard output were a file: written when the buffer is full.
    stdio::with_stdout(|stdout| stdout.set_buffering(stdio::Buffering::Full));
    println!("printed once, before fork");
    match process::fork() {
        Ok(0) => {}
        Ok(_) => {
            let _ = process::wait();
        }
        Err(errno) => eprintln!("fork: {errno}"),
    }
    0
}
