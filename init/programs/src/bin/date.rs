//! Prints date and time in UTC, in a format if one is given: `date +%Y-%m-%d`; `+%s` are seconds.
#![no_std]
#![no_main]

use libsys::{
    prelude::*,
    time::{self, Date},
};
use programs::{Tool, calendar, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "u");
    let Some(now_ns) = tool.check(b"clock", time::realtime_ns()) else {
        return 1;
    };
    let seconds = (now_ns / 1_000_000_000).to_string();
    let format = match tool.operands.first() {
        None => String::from("%a %b %e %T %Z %Y"),
        Some([b'+', format @ ..]) => show(format).replace("%s", &seconds),
        Some(_) => tool.usage("usage: date [+format]"),
    };
    println!("{}", calendar::text(&Date::from_ns(now_ns), &format));
    0
}
