//! A child whose parent ends gets process 1 as its new parent.
#![no_std]
#![no_main]

use libsys::{prelude::*, process};

libsys::main!(main);

fn main(_: Args) -> i32 {
    // One process more, so that the shell waits until the orphan has told its story.
    match process::fork() {
        Ok(0) => parent(),
        Ok(_) => {
            let _ = process::wait();
            process::sleep(2);
        }
        Err(errno) => eprintln!("fork: {errno}"),
    }
    0
}

fn parent() {
    let parent = process::getpid();
    match process::fork() {
        Ok(0) => {
            println!(
                "child {}: my parent is {}",
                process::getpid(),
                process::getppid()
            );
            process::sleep(1);
            println!(
                "child {}: my parent is {}",
                process::getpid(),
                process::getppid()
            );
            let _ = libsys::stdio::flush();
            let _ = process::system("ps");
        }
        Ok(_) => {
            println!("parent {parent} ends");
            // The child speaks first.
            let _ = process::nanosleep(200_000_000);
        }
        Err(errno) => eprintln!("fork: {errno}"),
    }
}
