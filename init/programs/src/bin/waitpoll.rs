//! The parent asks each second, without waiting, whether its child has ended.
#![no_std]
#![no_main]

use libsys::{prelude::*, process};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match process::fork() {
        Ok(0) => {
            process::sleep(3);
            5
        }
        Ok(_) => poll(),
        Err(errno) => {
            eprintln!("fork: {errno}");
            1
        }
    }
}

fn poll() -> i32 {
    loop {
        match process::waitpid(-1, process::WNOHANG) {
            Ok(None) => println!("the child still runs"),
            Ok(Some((pid, status))) => {
                println!("child {pid} ended with status {}", status.shell_status());
                return 0;
            }
            Err(errno) => {
                eprintln!("waitpid: {errno}");
                return 1;
            }
        }
        process::sleep(1);
    }
}
