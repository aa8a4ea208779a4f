//! The child writes a message into a pipe, the parent reads it.
#![no_std]
#![no_main]

use libsys::{file, prelude::*, process};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match from_a_child(b"this is pipe2\n") {
        Ok(message) => programs::put(&message),
        Err(errno) => eprintln!("pipe2: {errno}"),
    }
    0
}

fn from_a_child(message: &[u8]) -> Result<Vec<u8>, Errno> {
    let (read, write) = file::pipe()?;
    if process::fork()? == 0 {
        let _ = file::write(write, message);
        process::exit(0);
    }
    let mut buffer = vec![0; 100];
    let count = file::read(read, &mut buffer)?;
    buffer.truncate(count);
    process::wait()?;
    Ok(buffer)
}
