//! The child becomes `echo`; the parent waits for it and prints its exit status.
#![no_std]
#![no_main]

use libsys::{prelude::*, process};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match process::fork() {
        Ok(0) => {
            let errno = process::execvp("echo", &["echo", "THIS", "IS", "ECHO"]);
            println!("exec failed: {errno}");
            return 1;
        }
        Ok(_) => println!("parent waiting"),
        Err(errno) => eprintln!("fork: {errno}"),
    }
    // Nothing may be left in the buffer: the child's output shall come after it.
    let _ = libsys::stdio::flush();
    match process::wait() {
        Ok((_, status)) => println!("the child exited with status {}", status.shell_status()),
        Err(errno) => eprintln!("wait: {errno}"),
    }
    0
}
