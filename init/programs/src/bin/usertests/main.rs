//! Promises of the system, one case each: `usertests [NAME…]` prints `NAME: ok` or `NAME: FAILED why`.
//!
//! A case runs in a process of its own, so that one that is killed does not take the others along.
#![no_std]
#![no_main]

mod arguments;
mod exhaustion;
mod files;
mod fuzz;
mod identity;
mod ipc;
mod isolation;
mod memory;
mod pipes;
mod pointers;
mod processes;
mod signals;
mod support;

use libsys::{prelude::*, process, stdio};
use support::Check;

libsys::main!(main);

/// A case: its name and what it does.
type Case = (&'static str, fn() -> Check);

/// All cases, in the order in which they run.
fn cases() -> impl Iterator<Item = &'static Case> {
    let groups = [
        arguments::CASES,
        pointers::CASES,
        processes::CASES,
        identity::CASES,
        files::CASES,
        pipes::CASES,
        memory::CASES,
        isolation::CASES,
        signals::CASES,
        ipc::CASES,
        fuzz::CASES,
        exhaustion::CASES,
    ];
    groups.into_iter().flatten()
}

fn main(args: Args) -> i32 {
    let wanted: Vec<&[u8]> = args.skip(1).collect();
    if wanted == [b"-l"] {
        cases().for_each(|(name, _)| println!("{name}"));
        return 0;
    }
    let known = |name: &&[u8]| cases().any(|(known, _)| known.as_bytes() == *name);
    if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
        eprintln!(
            "usertests: {}: no such case; -l lists them",
            programs::show(unknown)
        );
        return 2;
    }
    let mut failed = 0;
    for case in cases().filter(|(name, _)| wanted.is_empty() || wanted.contains(&name.as_bytes())) {
        failed += i32::from(!run(case));
    }
    i32::from(failed > 0)
}

/// Runs a case in a child; the child itself prints how it went, unless it was killed.
fn run((name, case): &Case) -> bool {
    let _ = stdio::flush();
    let child = match process::fork() {
        Ok(0) => process::exit(report(name, case())),
        Ok(child) => child,
        Err(errno) => {
            println!("{name}: FAILED fork: {errno}");
            return false;
        }
    };
    match support::wait_for(child) {
        Ok(status) if status.exited() == Some(0) => true,
        Ok(status) if status.exited() == Some(1) => false,
        other => {
            println!("{name}: FAILED the case itself ended with {other:?}");
            false
        }
    }
}

fn report(name: &str, result: Check) -> i32 {
    match result {
        Ok(()) => {
            println!("{name}: ok");
            0
        }
        Err(reason) => {
            println!("{name}: FAILED {reason}");
            1
        }
    }
}
