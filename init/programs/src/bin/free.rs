//! Shows how much memory there is, in KiB (`-m`: MiB), from `/proc/meminfo`.
#![no_std]
#![no_main]

use libsys::{prelude::*, stdio};
use programs::{Tool, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "km");
    let Some(text) = tool.check(b"/proc/meminfo", stdio::read_file("/proc/meminfo")) else {
        return 1;
    };
    let text = show(&text);
    let unit = if tool.has(b'm') { 1024 } else { 1 };
    let value = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(name) && line[name.len()..].starts_with(':'));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
            .unwrap_or(0)
            / unit
    };
    let (total, free, cached) = (value("MemTotal"), value("MemFree"), value("Cached"));
    println!(
        "{:>16} {:>10} {:>10} {:>10}",
        "total", "used", "free", "cached"
    );
    println!(
        "Mem: {total:>11} {:>10} {free:>10} {cached:>10}",
        total.saturating_sub(free)
    );
    0
}
