//! The last lines (`-n`, or just `-5`; 10; `+N`: from line N on) or bytes (`-c`) of files.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, number, put, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "#n:c:");
    let count = tool.value(b'n').or(tool.value(b'c')).unwrap_or(b"10");
    let by_bytes = tool.value(b'c').is_some();
    let (from_start, digits) = match count.strip_prefix(b"+") {
        Some(digits) => (true, digits),
        None => (false, count.strip_prefix(b"-").unwrap_or(count)),
    };
    let count: usize = number(digits).unwrap_or_else(|| tool.usage("-n and -c need a number"));
    let titles = tool.operands.len() > 1;
    tool.each_input(|_, fd, path| {
        let content = file::read_to_end(fd)?;
        if titles {
            println!("==> {} <==", show(path));
        }
        let pieces: Vec<&[u8]> = if by_bytes {
            content.chunks(1).collect()
        } else {
            content.split_inclusive(|b| *b == b'\n').collect()
        };
        let skip = if from_start {
            count.saturating_sub(1)
        } else {
            pieces.len().saturating_sub(count)
        };
        pieces.iter().skip(skip).for_each(|piece| put(piece));
        Ok(())
    });
    tool.status()
}
