//! One process writes a message into a pipe and reads it from the other end.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match through_a_pipe(b"this is pipe1\n") {
        Ok(message) => programs::put(&message),
        Err(errno) => eprintln!("pipe1: {errno}"),
    }
    0
}

fn through_a_pipe(message: &[u8]) -> Result<Vec<u8>, Errno> {
    let (read, write) = file::pipe()?;
    file::write(write, message)?;

    let mut buffer = vec![0; 100];
    let count = file::read(read, &mut buffer)?;
    buffer.truncate(count);
    Ok(buffer)
}
