//! Prints the messages of a program, of its children, and of the servers on their behalf, as a tree.
//!
//! `-c` sums up by message and by server; `-p PID`, `-s SERVER`, `-m NAME` leave only those; `-g`
//! leaves out what differs from run to run; `-M` prints a Mermaid chart; `-r` takes no command but
//! shows what was recorded until now.
#![no_std]
#![no_main]

use libsys::prelude::*;
use programs::{Tool, watch};
use trace::show::{Names, Style};
use trace::{Schema, Span, show, summary::Summary, text::Numbers};

libsys::main!(main);

const USAGE: &str =
    "usage: trace [-cgM] [-p PID] [-s SERVER] [-m MESSAGE] COMMAND [ARGUMENT...] | -r";

fn main(args: Args) -> i32 {
    let tool = Tool::new(args, "cgMrp:s:m:");
    let words = |letter| {
        tool.value(letter)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let process = words(b'p').map(|text| text.parse::<u32>());
    if tool.operands.is_empty() != tool.has(b'r') || matches!(process, Some(Err(_))) {
        eprintln!("{USAGE}");
        return 2;
    }
    let mut style = if tool.has(b'g') {
        Style::STABLE
    } else {
        Style::FULL
    };
    (style.server, style.message) = (words(b's'), words(b'm'));
    let process = process.and_then(Result::ok);
    let (schema, mut spans) = (Schema::of_proto(), Vec::new());
    let mut printer = Printer {
        schema: &schema,
        style,
        names: Names::default(),
        last: String::new(),
    };
    let collects = tool.has(b'c') || tool.has(b'M');
    let each = |span: Span| {
        if process.is_some_and(|wanted| wanted != span.begin.from_id) {
            return;
        }
        if collects {
            spans.push(span)
        } else {
            printer.print(&span)
        }
    };
    let watched = match tool.has(b'r') {
        true => watch::recorded(each),
        false => watch::watch(&tool.operands, each),
    };
    let watched = match watched {
        Ok(watched) => watched,
        Err(errno) => {
            eprintln!("trace: /dev/trace: {errno}");
            return 1;
        }
    };
    if tool.has(b'M') {
        print!("{}", show::mermaid(&schema, &spans, printer.style.numbers));
    } else if tool.has(b'c') {
        let mut summary = Summary::default();
        spans.iter().for_each(|span| summary.add(&schema, span));
        print!("{}", summary.show());
    }
    watch::report("trace", &watched);
    watched.status
}

/// Prints messages as they come.
struct Printer<'s> {
    schema: &'s Schema,
    style: Style,
    names: Names,
    last: String,
}

impl Printer<'_> {
    fn print(&mut self, span: &Span) {
        let mut lines = Vec::new();
        show::tree(self.schema, span, &self.style, &mut self.names, &mut lines);
        for line in lines {
            // How often a page is touched differs between builds.
            if self.style.numbers == Numbers::Exact || line != self.last {
                println!("{line}");
            }
            self.last = line;
        }
    }
}
