//! The lowest free descriptor is used: after `close(1)`, a file that is opened is standard output.
#![no_std]
#![no_main]

use libsys::{file, prelude::*, process};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match process::fork() {
        Ok(0) => {
            let _ = file::close(1);
            if let Err(errno) = file::open(
                "output.txt",
                file::O_WRONLY | file::O_CREAT | file::O_TRUNC,
                0o644,
            ) {
                eprintln!("redirect: output.txt: {errno}");
                return 1;
            }
            let errno = process::execvp("echo", &["echo", "this", "is", "redirected", "echo"]);
            eprintln!("exec failed: {errno}");
            1
        }
        Ok(_) => process::wait().map_or(1, |(_, status)| status.shell_status()),
        Err(errno) => {
            eprintln!("fork: {errno}");
            1
        }
    }
}
