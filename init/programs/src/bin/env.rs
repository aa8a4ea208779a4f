//! Prints the environment, or runs a program in a changed one: `env [-i] [NAME=value]… [program]`.
#![no_std]
#![no_main]

use libsys::{env, prelude::*, process};
use programs::{Tool, put};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "iu:");
    if tool.has(b'i') {
        for entry in env::all() {
            env::unset(entry.split(|byte| *byte == b'=').next().unwrap_or(b""));
        }
    }
    if let Some(name) = tool.value(b'u') {
        env::unset(name);
    }
    while let Some(at) = tool
        .operands
        .first()
        .and_then(|word| word.iter().position(|byte| *byte == b'='))
    {
        let entry = tool.operands.remove(0);
        env::set(&entry[..at], &entry[at + 1..]);
    }
    let Some(program) = tool.operands.first().copied() else {
        env::all()
            .iter()
            .for_each(|entry| put(&[entry.as_slice(), b"\n"].concat()));
        return 0;
    };
    let errno = process::execvp(program, &tool.operands);
    tool.fail(program, errno);
    if errno == Errno::ENOENT { 127 } else { 126 }
}
