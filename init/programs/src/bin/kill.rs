//! Sends a signal: `kill [-SIGNAL | -s SIGNAL] pid…`; `kill -l` names the signals.
#![no_std]
#![no_main]

use libsys::{prelude::*, signal};
use programs::{Tool, number, show};
use shell::system::{SIGNALS, signal_number};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::without_options(args);
    let (number_of_signal, targets) = match tool.operands.as_slice() {
        [b"-l", ..] => {
            SIGNALS
                .iter()
                .for_each(|(name, number)| println!("{number:2} {name}"));
            return 0;
        }
        [b"-s", name, targets @ ..] => (signal_number(name), targets.to_vec()),
        [b"--", targets @ ..] => (Some(signal::SIGTERM), targets.to_vec()),
        [[b'-', name @ ..], targets @ ..] => (signal_number(name), targets.to_vec()),
        targets => (Some(signal::SIGTERM), targets.to_vec()),
    };
    let Some(wanted) = number_of_signal else {
        tool.usage("unknown signal")
    };
    if targets.is_empty() {
        tool.usage("usage: kill [-signal] pid...");
    }
    for target in targets {
        match number(target) {
            Some(pid) => drop(tool.check(target, signal::kill(pid, wanted))),
            None => tool.complain(&format!("{}: no process id", show(target))),
        }
    }
    tool.status()
}
