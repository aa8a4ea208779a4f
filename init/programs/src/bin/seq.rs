//! Counts: `seq [first [step]] last`.
#![no_std]
#![no_main]

use libsys::prelude::*;
use programs::{Tool, number};

libsys::main!(main);

fn main(args: Args) -> i32 {
    // Negative numbers look like options, so there are none.
    let mut tool = Tool::without_options(args);
    let numbers: Option<Vec<i64>> = tool.operands.iter().map(|text| number(text)).collect();
    let (first, step, last) = match numbers.as_deref() {
        Some([last]) => (1, 1, *last),
        Some([first, last]) => (*first, 1, *last),
        Some([first, step, last]) if *step != 0 => (*first, *step, *last),
        _ => tool.usage("usage: seq [first [step]] last"),
    };
    let mut current = Some(first);
    while let Some(value) = current.filter(|value| {
        if step > 0 {
            *value <= last
        } else {
            *value >= last
        }
    }) {
        println!("{value}");
        current = value.checked_add(step);
    }
    tool.status()
}
