//! Prints the calls of a program and of its children: `strace [-c] COMMAND…`.
#![no_std]
#![no_main]

use libsys::prelude::*;
use programs::{Tool, watch};
use trace::{Schema, show, summary::Summary};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let tool = Tool::new(args, "c");
    if tool.operands.is_empty() {
        eprintln!("usage: strace [-c] COMMAND [ARGUMENT...]");
        return 2;
    }
    let schema = Schema::of_proto();
    let mut summary = Summary::default();
    let only_counts = tool.has(b'c');
    let watched = watch::watch(&tool.operands, |span| {
        if only_counts {
            summary.add(&schema, &span);
        } else if let Some(line) = show::strace(&schema, &span) {
            eprintln!("{line}");
        }
    });
    match watched {
        Ok(watched) => {
            if only_counts {
                eprint!("{}", summary.show());
            } else {
                eprintln!("+++ exited with {} +++", watched.status);
            }
            watch::report("strace", &watched);
            watched.status
        }
        Err(errno) => {
            eprintln!("strace: /dev/trace: {errno}");
            1
        }
    }
}
