//! Checks what a running server owes its callers: `conform SERVICE [PROFILE…]`, for instance
//! `conform vfs base pipes`.
//!
//! Each promise is a line, `SERVICE PROFILE NAME: kept`; the status is 0 if none is broken. Without
//! profiles, those are checked that the server claims: `claims=PROFILE,…` in its line of the boot
//! manifest, or all that the standard servers keep. The promises are in `libsys/conform`.
#![no_std]
#![no_main]

extern crate alloc;

mod claims;
mod mailbox;
mod workers;

use conform::{Promise, Side, check_claims, ipc, mem, proc, run, tty, vfs};
use libsys::{Handle, prelude::*, stdio};
use workers::{Children, Workers};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let words: Vec<String> = args.skip(1).map(programs::show).collect();
    let Some((service, profiles)) = words.split_first() else {
        eprintln!("usage: conform proc|ipc|vfs|tty|mem [PROFILE…]");
        return 2;
    };
    let result = match service.as_str() {
        "vfs" => check(service, vfs::PROMISES, profiles, vfs::FULL, |promise| {
            (promise.check)(&mut Workers::new(Handle::VFS, Children::Forgotten)?)
        }),
        "ipc" => check(service, ipc::PROMISES, profiles, ipc::FULL, |promise| {
            (promise.check)(&mut Workers::new(Handle::IPC, Children::Forgotten)?)
        }),
        "mem" => check(service, mem::PROMISES, profiles, mem::FULL, |promise| {
            (promise.check)(&mut Workers::new(Handle::MEM, Children::Forgotten)?)
        }),
        "proc" => check(service, proc::PROMISES, profiles, proc::FULL, |promise| {
            (promise.check)(&mut Workers::new(Handle::PROC, Children::Kept)?)
        }),
        "tty" => check(service, tty::PROMISES, profiles, tty::FULL, |_| {
            Err(String::from("no program can send to this service"))
        }),
        _ => Err(format!("{service}: no promises are known of this service")),
    };
    result.unwrap_or_else(|problem| {
        eprintln!("conform: {problem}");
        2
    })
}

/// Checks one service and gives the program's status.
fn check<W: ?Sized>(
    service: &str,
    promises: &[&'static [Promise<W>]],
    profiles: &[String],
    standard: &[&str],
    mut keep: impl FnMut(&Promise<W>) -> conform::Check,
) -> Result<i32, String> {
    let claimed = match profiles {
        [] => claims::of(service)?,
        _ => Some(profiles.to_vec()),
    };
    let claims: Vec<&str> = match &claimed {
        Some(claimed) => claimed.iter().map(String::as_str).collect(),
        None => standard.to_vec(),
    };
    check_claims(promises, &claims)?;
    let summary = run(
        promises,
        &claims,
        Side::Machine,
        &mut keep,
        &mut |promise, verdict| {
            println!("{service} {} {}: {verdict}", promise.profile, promise.name);
            // So that a check that hangs is seen by what is missing.
            let _ = stdio::flush();
        },
    );
    println!("{service}: {summary}");
    Ok(i32::from(summary.broken > 0))
}
