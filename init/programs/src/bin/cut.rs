//! Parts of lines: characters (`-c LIST`) or fields (`-f LIST`, separated by `-d` or a tab).
#![no_std]
#![no_main]

use core::ops::ControlFlow;
use libsys::prelude::*;
use programs::{Tool, chomp, each_line, number, put};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "c:b:f:d:s");
    let list = tool.value(b'c').or(tool.value(b'b')).or(tool.value(b'f'));
    let Some(ranges) = list.and_then(ranges) else {
        tool.usage("-c or -f with a list of numbers is needed")
    };
    let by_field = tool.value(b'f').is_some();
    let delimiter = tool
        .value(b'd')
        .and_then(|text| text.first().copied())
        .unwrap_or(b'\t');
    let chosen = |at: usize| {
        ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&at))
    };
    tool.each_input(|tool, fd, _| {
        each_line(fd, |line| {
            let line = chomp(line);
            let parts: Vec<&[u8]> = match by_field {
                true if !line.contains(&delimiter) && tool.has(b's') => {
                    return ControlFlow::Continue(());
                }
                true if !line.contains(&delimiter) => vec![line],
                true => pick(line.split(|byte| *byte == delimiter), chosen),
                false => pick(line.chunks(1), chosen),
            };
            put(&if by_field {
                parts.join(&delimiter)
            } else {
                parts.concat()
            });
            put(b"\n");
            ControlFlow::Continue(())
        })
    });
    tool.status()
}

fn pick<'a>(
    parts: impl Iterator<Item = &'a [u8]>,
    chosen: impl Fn(usize) -> bool,
) -> Vec<&'a [u8]> {
    parts
        .enumerate()
        .filter(|(at, _)| chosen(at + 1))
        .map(|(_, part)| part)
        .collect()
}

/// Reads `1,3-5,7-`.
fn ranges(list: &[u8]) -> Option<Vec<(usize, usize)>> {
    let range = |text: &[u8]| match text.iter().position(|byte| *byte == b'-') {
        None => number(text).map(|at| (at, at)),
        Some(dash) => {
            let (low, high) = (&text[..dash], &text[dash + 1..]);
            let low = if low.is_empty() { Some(1) } else { number(low) };
            let high = if high.is_empty() {
                Some(usize::MAX)
            } else {
                number(high)
            };
            low.zip(high)
        }
    };
    list.split(|byte| *byte == b',').map(range).collect()
}
