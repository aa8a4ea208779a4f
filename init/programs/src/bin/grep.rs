//! Prints the lines that a regular expression fits.
//!
//! `-v` those that it does not, `-c` only their number, `-n` with numbers, `-i` ignoring case,
//! `-q` only the status, `-l` only file names, `-F` fixed text, `-E` with `+ ? |`.
#![no_std]
#![no_main]

use core::ops::ControlFlow;
use libsys::{file, prelude::*};
use programs::{
    Tool, chomp, each_line, put,
    regex::{Regex, Syntax},
    show,
};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "vcniqlhHsFEe:");
    let expression = match tool.value(b'e') {
        Some(expression) => expression,
        None if tool.operands.is_empty() => tool.usage("usage: grep [-vcniqlFE] pattern [file...]"),
        None => tool.operands.remove(0),
    };
    let Some(regex) = compile(&tool, expression) else {
        tool.usage("unmatched [")
    };
    let titles = (tool.operands.len() > 1 || tool.has(b'H')) && !tool.has(b'h');
    let mut found = false;
    tool.each_input(|tool, fd, path| {
        let title = if titles {
            format!("{}:", show(path))
        } else {
            String::new()
        };
        let count = search(tool, &regex, fd, &title)?;
        found |= count > 0;
        if tool.has(b'l') && count > 0 {
            println!("{}", show(path));
        } else if tool.has(b'c') && !tool.has(b'l') {
            println!("{title}{count}");
        }
        Ok(())
    });
    match (tool.status(), found) {
        (0, true) => 0,
        (0, false) => 1,
        _ => 2,
    }
}

fn compile(tool: &Tool, expression: &[u8]) -> Option<Regex> {
    let syntax = match (tool.has(b'F'), tool.has(b'E')) {
        (true, _) => Syntax::Fixed,
        (false, true) => Syntax::Extended,
        (false, false) => Syntax::Basic,
    };
    let regex = Regex::new(expression, syntax)?;
    Some(if tool.has(b'i') {
        regex.ignoring_case()
    } else {
        regex
    })
}

/// Prints the lines of one file that fit; gives their number.
fn search(tool: &Tool, regex: &Regex, fd: file::Fd, title: &str) -> Result<u64, Errno> {
    let silent = tool.has(b'c') || tool.has(b'q') || tool.has(b'l');
    let (mut count, mut number) = (0, 0);
    each_line(fd, |line| {
        number += 1;
        if regex.is_match(chomp(line)) == tool.has(b'v') {
            return ControlFlow::Continue(());
        }
        count += 1;
        if !silent {
            print!("{title}");
            if tool.has(b'n') {
                print!("{number}:");
            }
            put(chomp(line));
            put(b"\n");
        }
        if tool.has(b'q') {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(count)
}
