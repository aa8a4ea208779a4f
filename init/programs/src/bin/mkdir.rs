//! Makes directories: `-p` with all that lead to them, `-m MODE` with permissions.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, mode};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "pm:");
    let mode = tool
        .value(b'm')
        .map_or(Some(0o777), |text| mode::changed(0o777, text));
    let Some(mode) = mode else {
        tool.usage("bad mode")
    };
    if tool.operands.is_empty() {
        tool.usage("usage: mkdir [-p] [-m mode] directory...");
    }
    for path in tool.operands.clone() {
        let result = if tool.has(b'p') {
            make_all(path, mode)
        } else {
            file::mkdir(path, mode)
        };
        tool.check(path, result);
    }
    tool.status()
}

/// Makes each directory of the path that is missing.
fn make_all(path: &[u8], mode: u32) -> Result<(), Errno> {
    let ends = path
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, byte)| **byte == b'/')
        .map(|(at, _)| at);
    for end in ends.chain([path.len()]) {
        match file::mkdir(&path[..end], mode) {
            Err(Errno::EEXIST) if file::stat(&path[..end])?.is_directory() => {}
            result => result?,
        }
    }
    Ok(())
}
