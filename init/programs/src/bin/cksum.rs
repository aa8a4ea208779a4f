//! Checksum (POSIX's CRC) and length of files.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "");
    tool.each_input(|_, fd, path| {
        let (sum, bytes) = checksum(fd)?;
        let name = if path == b"-" {
            String::new()
        } else {
            format!(" {}", show(path))
        };
        println!("{sum} {bytes}{name}");
        Ok(())
    });
    tool.status()
}

/// One more byte into the sum (polynomial 0x04C11DB7, the high bit first).
fn step(sum: u32, byte: u8) -> u32 {
    let mut sum = sum ^ u32::from(byte) << 24;
    for _ in 0..8 {
        sum = (sum << 1) ^ if sum >> 31 != 0 { 0x04c1_1db7 } else { 0 };
    }
    sum
}

fn checksum(fd: file::Fd) -> Result<(u32, u64), Errno> {
    let (mut sum, mut bytes) = (0, 0u64);
    let mut buffer = vec![0; 4096];
    loop {
        let count = file::read(fd, &mut buffer)?;
        if count == 0 {
            break;
        }
        bytes += count as u64;
        sum = buffer[..count]
            .iter()
            .fold(sum, |sum, byte| step(sum, *byte));
    }
    // The length follows, its lowest byte first, without leading zeros.
    let mut length = bytes;
    while length > 0 {
        sum = step(sum, length as u8);
        length >>= 8;
    }
    Ok((!sum, bytes))
}
