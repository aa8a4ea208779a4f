//! Changes permissions: `chmod 644 file`, `chmod u+x,go-w file`; `-R` with all below.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, join, mode, names};

libsys::main!(main);

fn main(args: Args) -> i32 {
    // A change such as `-x` looks like an option: words are read as they are.
    let mut tool = Tool::without_options(args);
    let recursive = tool.operands.first() == Some(&b"-R".as_slice());
    if recursive {
        tool.operands.remove(0);
    }
    let Some((change, paths)) = tool
        .operands
        .split_first()
        .filter(|(_, paths)| !paths.is_empty())
    else {
        tool.usage("usage: chmod [-R] mode file...")
    };
    let (change, paths) = (*change, paths.to_vec());
    for path in paths {
        set(&mut tool, path, change, recursive);
    }
    tool.status()
}

fn set(tool: &mut Tool, path: &[u8], change: &[u8], recursive: bool) {
    let Some(data) = tool.check(path, file::stat(path)) else {
        return;
    };
    let Some(mode) = mode::changed(data.mode, change) else {
        tool.usage("bad mode")
    };
    tool.check(path, file::chmod(path, mode));
    if recursive && data.is_directory() {
        for name in tool.check(path, names(path)).unwrap_or_default() {
            set(tool, &join(path, &name), change, recursive);
        }
    }
}
