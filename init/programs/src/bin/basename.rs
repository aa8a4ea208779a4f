//! The last component of a path, without a suffix if one is given.
#![no_std]
#![no_main]

use libsys::prelude::*;
use programs::{Tool, base_name, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::without_options(args);
    let Some(path) = tool.operands.first() else {
        tool.usage("usage: basename path [suffix]")
    };
    let name = base_name(path);
    let suffix = tool.operands.get(1).copied().unwrap_or(b"");
    println!(
        "{}",
        show(
            name.strip_suffix(suffix)
                .filter(|rest| !rest.is_empty())
                .unwrap_or(name)
        )
    );
    0
}
