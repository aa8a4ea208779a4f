//! Sorts lines: `-r` backwards, `-n` by number, `-u` each once, `-k N` by the Nth word.
#![no_std]
#![no_main]

use core::cmp::Ordering;
use libsys::{file, prelude::*};
use programs::{Tool, number, put};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "rnuk:");
    let field = tool
        .value(b'k')
        .and_then(|text| text.split(|b| *b == b',').next())
        .and_then(number)
        .unwrap_or(0);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    tool.each_input(|_, fd, _| {
        let content = file::read_to_end(fd)?;
        let text = content.strip_suffix(b"\n").unwrap_or(&content);
        if !content.is_empty() {
            lines.extend(text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        }
        Ok(())
    });
    let numeric = tool.has(b'n');
    let compare = |a: &Vec<u8>, b: &Vec<u8>| compare(key(a, field), key(b, field), numeric);
    lines.sort_by(|a, b| {
        compare(a, b).then_with(|| {
            if tool.has(b'u') {
                Ordering::Equal
            } else {
                a.cmp(b)
            }
        })
    });
    if tool.has(b'u') {
        lines.dedup_by(|a, b| compare(a, b) == Ordering::Equal);
    }
    if tool.has(b'r') {
        lines.reverse();
    }
    lines
        .iter()
        .for_each(|line| put(&[line, b"\n".as_slice()].concat()));
    tool.status()
}

/// The line from the given word on; 0 means all of it.
fn key(line: &[u8], field: usize) -> &[u8] {
    let mut rest = line;
    for _ in 1..field {
        rest = rest.trim_ascii_start();
        let length = rest
            .iter()
            .take_while(|byte| !byte.is_ascii_whitespace())
            .count();
        rest = &rest[length..];
    }
    if field > 0 {
        rest.trim_ascii_start()
    } else {
        rest
    }
}

fn compare(a: &[u8], b: &[u8], numeric: bool) -> Ordering {
    if numeric {
        leading_number(a).cmp(&leading_number(b))
    } else {
        a.cmp(b)
    }
}

fn leading_number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (sign, digits) = text
        .strip_prefix(b"-")
        .map_or((1, text), |digits| (-1, digits));
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    number(&digits[..length]).map_or(0, |value: i64| sign * value)
}
