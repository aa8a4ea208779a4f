//! Who has to wait when several programs compute: three long jobs, and a short one that comes later.
//!
//! Shows what scheduling does: `make compare SERVICE=proc WITH=proc,proc-rr,proc-mlfq CMD=turnaround`.
#![no_std]
#![no_main]

use core::hint::black_box;
use libsys::{clock, prelude::*, process};

libsys::main!(main);

/// Steps of a long job.
const LONG: u64 = 20_000_000;
/// Steps of the short job.
const SHORT: u64 = 4_000_000;
/// When the short one comes, in nanoseconds after the long ones.
const LATER_NS: u64 = 150_000_000;

fn main(_: Args) -> i32 {
    for number in 1..=3 {
        start(&format!("long job {number}"), LONG);
    }
    let _ = process::nanosleep(LATER_NS);
    start("short job", SHORT);
    while process::wait().is_ok() {}
    0
}

/// Starts a job that computes and tells how long it took, and how long it would have taken alone.
fn start(name: &str, steps: u64) {
    match process::fork() {
        Ok(0) => {
            let began_ns = clock::now_ns();
            for step in 0..steps {
                black_box(step);
            }
            let took_ms = (clock::now_ns() - began_ns) / 1_000_000;
            let own_ms = process::own_usage().map_or(0, |usage| usage.user_ns / 1_000_000);
            println!("{name}: {took_ms} ms, of which it ran {own_ms} ms");
            process::exit(0);
        }
        Ok(_) => {}
        Err(errno) => eprintln!("fork: {errno}"),
    }
}
