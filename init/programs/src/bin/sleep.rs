//! Sleeps for seconds, which may have a fraction.
#![no_std]
#![no_main]

use libsys::{prelude::*, process};
use programs::Tool;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "");
    let mut total_ns = 0u64;
    for text in tool.operands.clone() {
        match nanoseconds(text) {
            Some(ns) => total_ns = total_ns.saturating_add(ns),
            None => tool.usage("usage: sleep seconds"),
        }
    }
    let mut left = total_ns;
    while let Err(remaining) = process::nanosleep(left) {
        left = remaining;
    }
    0
}

/// Reads `1`, `0.5`, `2m`.
fn nanoseconds(text: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(text).ok()?;
    let (digits, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(digits) if text.ends_with('m') => (digits, 60),
        Some(digits) if text.ends_with('h') => (digits, 3600),
        Some(digits) => (digits, 1),
        None => (text, 1),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let seconds: u64 = whole.parse().ok()?;
    let nine_digits: u64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    seconds
        .checked_mul(1_000_000_000)?
        .checked_add(nine_digits)?
        .checked_mul(unit)
}
