//! A child that ended and was not waited for is a zombie: `ps` shows it with state Z.
#![no_std]
#![no_main]

use libsys::{prelude::*, process};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match process::fork() {
        Ok(0) => return 0,
        Ok(child) => println!("child {child} ends, and nobody waits for it:"),
        Err(errno) => eprintln!("fork: {errno}"),
    }
    process::sleep(1);
    let _ = libsys::stdio::flush();
    let _ = process::system("ps");

    let _ = process::wait();
    println!("after wait it is gone:");
    let _ = libsys::stdio::flush();
    let _ = process::system("ps");
    0
}
