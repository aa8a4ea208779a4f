//! Writes files one after the other to standard output.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::Tool;

libsys::main!(main);

fn main(args: Args) -> i32 {
    // Nothing is buffered, so `-u` changes nothing.
    let mut tool = Tool::new(args, "u");
    tool.each_input(|_, fd, _| copy(fd));
    tool.status()
}

fn copy(fd: file::Fd) -> Result<(), Errno> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match file::read(fd, &mut buffer)? {
            0 => return Ok(()),
            count => file::write_all(1, &buffer[..count])?,
        }
    }
}
