//! Creates `output.txt` and writes `ooo` and a line end to it.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match file::open(
        "output.txt",
        file::O_WRONLY | file::O_CREAT | file::O_TRUNC,
        0o644,
    ) {
        Ok(fd) => {
            let _ = file::write(fd, b"ooo\n");
            0
        }
        Err(errno) => {
            eprintln!("open: output.txt: {errno}");
            1
        }
    }
}
