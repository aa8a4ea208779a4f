//! Copies standard input to standard output through a buffer of 64 bytes.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};

libsys::main!(main);

fn main(_: Args) -> i32 {
    let mut buffer = [0; 64];
    loop {
        match file::read(0, &mut buffer) {
            Ok(0) => return 0,
            Ok(count) => {
                let _ = file::write_all(1, &buffer[..count]);
            }
            Err(errno) => {
                eprintln!("copy: {errno}");
                return 1;
            }
        }
    }
}
