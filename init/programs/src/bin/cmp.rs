//! Compares two files: says where they differ (`-s`: says nothing).
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "s");
    let [left, right] = tool.operands[..] else {
        tool.usage("usage: cmp [-s] file1 file2")
    };
    let contents = [left, right].map(|path| tool.check(path, content(path)));
    let [Some(a), Some(b)] = contents else {
        return 2;
    };
    if a == b {
        return 0;
    }
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let line = a[..same].iter().filter(|byte| **byte == b'\n').count() + 1;
    if tool.has(b's') {
        return 1;
    }
    if same == a.len().min(b.len()) {
        eprintln!(
            "cmp: EOF on {} after byte {same}",
            show(if a.len() < b.len() { left } else { right })
        );
    } else {
        println!(
            "{} {} differ: char {}, line {line}",
            show(left),
            show(right),
            same + 1
        );
    }
    1
}

fn content(path: &[u8]) -> Result<Vec<u8>, Errno> {
    if path == b"-" {
        file::read_to_end(0)
    } else {
        libsys::stdio::read_file(path)
    }
}
