//! Counts lines, words and bytes.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, show};

libsys::main!(main);

#[derive(Clone, Copy, Default)]
struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
    in_word: bool,
}

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "lwcm");
    let mut total = Counts::default();
    tool.each_input(|tool, fd, path| {
        let counts = count(fd)?;
        total.lines += counts.lines;
        total.words += counts.words;
        total.bytes += counts.bytes;
        print_counts(tool, counts, path);
        Ok(())
    });
    if tool.operands.len() > 1 {
        print_counts(&tool, total, b"total");
    }
    tool.status()
}

fn count(fd: file::Fd) -> Result<Counts, Errno> {
    let mut counts = Counts::default();
    let mut buffer = vec![0; 4096];
    loop {
        let length = file::read(fd, &mut buffer)?;
        if length == 0 {
            return Ok(counts);
        }
        counts.bytes += length as u64;
        for byte in &buffer[..length] {
            let is_blank = byte.is_ascii_whitespace();
            counts.lines += u64::from(*byte == b'\n');
            counts.words += u64::from(!is_blank && !counts.in_word);
            counts.in_word = !is_blank;
        }
    }
}

fn print_counts(tool: &Tool, counts: Counts, path: &[u8]) {
    let columns = [
        (tool.has(b'l'), counts.lines),
        (tool.has(b'w'), counts.words),
        (tool.has(b'c') || tool.has(b'm'), counts.bytes),
    ];
    let all = columns.iter().all(|(wanted, _)| !wanted);
    let numbers: Vec<String> = columns
        .iter()
        .filter(|(wanted, _)| *wanted || all)
        .map(|(_, number)| number.to_string())
        .collect();
    let name = if path == b"-" {
        String::new()
    } else {
        format!(" {}", show(path))
    };
    println!("{}{name}", numbers.join(" "));
}
