//! Writes files one after the other to standard output.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, mode, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    // Nothing is buffered, so `-u` changes nothing.
    let mut tool = Tool::new(args, "u");
    tool.each_input(|tool, fd, path| {
        if feeds_itself(fd) {
            tool.complain(&format!("{}: input file is output file", show(path)));
            return Ok(());
        }
        copy(fd)
    });
    tool.status()
}

/// Whether what is written would be read again, without end: the same file, with something to read.
fn feeds_itself(fd: file::Fd) -> bool {
    let (Ok(input), Ok(output)) = (file::fstat(fd), file::fstat(1)) else {
        return false;
    };
    mode::kind_letter(input.mode) == '-'
        && (input.device, input.inode) == (output.device, output.inode)
        && input.bytes > 0
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
