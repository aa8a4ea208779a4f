//! Prints all paths below directories: `find [path…] [-name PATTERN] [-type f|d|l|p]`.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, base_name, join, mode, names, show};
use shell::expand::pattern;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::without_options(args);
    let count = tool
        .operands
        .iter()
        .take_while(|word| !word.starts_with(b"-"))
        .count();
    let tests = tool.operands.split_off(count);
    if tool.operands.is_empty() {
        tool.operands.push(b".");
    }
    let known = |test: &[&[u8]]| matches!(test, [b"-name" | b"-type", _] | [b"-print"]);
    if !tests.chunks(2).all(known) {
        tool.usage("usage: find [path...] [-name pattern] [-type f|d|l|p]");
    }
    for path in tool.operands.clone() {
        visit(&mut tool, path, &tests, Depth::Start);
    }
    tool.status()
}

/// Whether a path was named by the user.
#[derive(Clone, Copy, PartialEq)]
enum Depth {
    Start,
    Below,
}

fn visit(tool: &mut Tool, path: &[u8], tests: &[&[u8]], depth: Depth) {
    let data = match file::lstat(path) {
        Ok(data) => data,
        // What was listed may be gone by now, as processes in `/proc` are.
        Err(Errno::ENOENT) if depth == Depth::Below => return,
        Err(errno) => return tool.fail(path, errno),
    };
    let kind = match mode::kind_letter(data.mode) {
        '-' => 'f',
        letter => letter,
    };
    let fits = |test: &[&[u8]]| match test {
        [b"-name", name] => pattern::matches(name, base_name(path)),
        [b"-type", letter] => letter.first() == Some(&(kind as u8)),
        _ => true,
    };
    if tests.chunks(2).all(fits) {
        println!("{}", show(path));
    }
    if data.is_directory() {
        for name in tool.check(path, names(path)).unwrap_or_default() {
            visit(tool, &join(path, &name), tests, Depth::Below);
        }
    }
}
