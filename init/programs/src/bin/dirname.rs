//! A path without its last component.
#![no_std]
#![no_main]

use libsys::prelude::*;
use programs::{Tool, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::without_options(args);
    let Some(path) = tool.operands.first() else {
        tool.usage("usage: dirname path")
    };
    println!("{}", show(directory(path)));
    0
}

fn directory(path: &[u8]) -> &[u8] {
    let without_slashes = |path: &'_ [u8]| {
        path.iter()
            .rposition(|byte| *byte != b'/')
            .map_or(0, |last| last + 1)
    };
    let end = without_slashes(path);
    match path[..end].iter().rposition(|byte| *byte == b'/') {
        None if end == 0 && !path.is_empty() => b"/",
        None => b".",
        Some(slash) => match without_slashes(&path[..slash]) {
            0 => b"/",
            end => &path[..end],
        },
    }
}
