//! Parent and child both go on behind `fork`; only its result tells them apart.
#![no_std]
#![no_main]

use libsys::{prelude::*, process};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match process::fork() {
        Ok(0) => println!("child: fork returned 0"),
        Ok(child) => {
            println!("parent: fork returned {child}");
            let _ = process::wait();
        }
        Err(errno) => eprintln!("fork: {errno}"),
    }
    0
}
