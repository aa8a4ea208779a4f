//! Drops lines that repeat the one before: `-c` counts them, `-d` keeps only repeated ones.
#![no_std]
#![no_main]

use core::ops::ControlFlow;
use libsys::prelude::*;
use programs::{Tool, chomp, each_line, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "cdu");
    tool.each_input(|tool, fd, _| {
        let mut last: Option<(Vec<u8>, usize)> = None;
        each_line(fd, |line| {
            let line = chomp(line);
            match &mut last {
                Some((text, count)) if text == line => *count += 1,
                other => {
                    print_group(tool, other.take());
                    *other = Some((line.to_vec(), 1));
                }
            }
            ControlFlow::Continue(())
        })?;
        print_group(tool, last);
        Ok(())
    });
    tool.status()
}

fn print_group(tool: &Tool, group: Option<(Vec<u8>, usize)>) {
    let Some((line, count)) = group else { return };
    let hidden = (tool.has(b'd') && count == 1) || (tool.has(b'u') && count > 1);
    match (hidden, tool.has(b'c')) {
        (true, _) => {}
        (false, true) => println!("{count:7} {}", show(&line)),
        (false, false) => println!("{}", show(&line)),
    }
}
