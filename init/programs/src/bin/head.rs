//! The first lines (`-n`, or just `-5`; 10) or bytes (`-c`) of files.
#![no_std]
#![no_main]

use core::ops::ControlFlow;
use libsys::{file, prelude::*};
use programs::{Tool, each_line, number, put, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "#n:c:");
    let lines = tool
        .value(b'n')
        .map_or(Some(10), number)
        .unwrap_or_else(|| tool.usage("-n needs a number"));
    let bytes = tool
        .value(b'c')
        .map(|text| number(text).unwrap_or_else(|| tool.usage("-c needs a number")));
    let titles = tool.operands.len() > 1;
    tool.each_input(|_, fd, path| {
        if titles {
            println!("==> {} <==", show(path));
        }
        match bytes {
            Some(bytes) => first_bytes(fd, bytes),
            None => first_lines(fd, lines),
        }
    });
    tool.status()
}

fn first_lines(fd: file::Fd, count: usize) -> Result<(), Errno> {
    let mut left = count;
    if left == 0 {
        return Ok(());
    }
    each_line(fd, |line| {
        put(line);
        left -= 1;
        if left == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

fn first_bytes(fd: file::Fd, count: usize) -> Result<(), Errno> {
    let mut left = count;
    let mut buffer = vec![0; 4096];
    while left > 0 {
        let most = left.min(buffer.len());
        let length = file::read(fd, &mut buffer[..most])?;
        if length == 0 {
            break;
        }
        put(&buffer[..length]);
        left -= length;
    }
    Ok(())
}
