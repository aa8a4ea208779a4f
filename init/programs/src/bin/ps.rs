//! Lists the processes, from `/proc`.
#![no_std]
#![no_main]

use libsys::{prelude::*, stdio};
use programs::{Tool, names, number, show};

libsys::main!(main);

fn main(args: Args) -> i32 {
    // `ps aux` and `ps -ef` are what fingers type; all of it is always shown.
    let mut tool = Tool::new(args, "aefxul");
    let found = tool.check(b"/proc", names(b"/proc")).unwrap_or_default();
    let mut pids: Vec<u32> = found.iter().filter_map(|name| number(name)).collect();
    pids.sort_unstable();
    println!("{:>5} {:>5} {:>5} STAT NAME", "PID", "PPID", "PGID");
    for pid in pids {
        // A process may end while this is going on.
        let Ok(text) = stdio::read_file(format!("/proc/{pid}/stat")) else {
            continue;
        };
        print_line(pid, &show(&text));
    }
    tool.status()
}

/// `pid (name) state ppid pgrp …`; the name may hold anything, so the last `)` ends it.
fn print_line(pid: u32, stat: &str) {
    let Some((start, rest)) = stat.rsplit_once(')') else {
        return;
    };
    let name = start.split_once('(').map_or("?", |(_, name)| name);
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let [state, ppid, pgrp, ..] = fields[..] else {
        return;
    };
    println!("{pid:>5} {ppid:>5} {pgrp:>5} {state:<4} {name}");
}
