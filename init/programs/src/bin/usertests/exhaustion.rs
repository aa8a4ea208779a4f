//! Running out of memory or processes, and that all comes back.

use crate::{
    Case,
    memory::poke,
    support::{Check, Context, ensure, equal, free_frames, in_child, wait_for},
};
use libsys::{
    file,
    memory::{self, PROT_READ, PROT_WRITE},
    prelude::*,
    process, signal,
};

pub const CASES: &[Case] = &[
    ("frames", frames),
    ("memory-exhaustion", memory_exhaustion),
    ("process-exhaustion", process_exhaustion),
    ("file-exhaustion", file_exhaustion),
];

/// Frames that servers may keep for tables that have grown.
const TOLERANCE: u64 = 32;

/// Free memory is the same before and after thousands of processes.
fn frames() -> Check {
    let round = |count: u32| -> Check {
        for number in 0..count {
            let mut page = vec![0u8; 20_000];
            in_child(|| {
                page.fill(1);
                if number % 8 == 0 {
                    process::execv("/bin/true", &["true"]);
                }
                0
            })?;
        }
        Ok(())
    };
    // What is needed once (program text in memory, grown tables) is there after the first rounds.
    round(100)?;
    let before = free_frames()?;
    round(2000)?;
    let after = free_frames()?;
    ensure(
        &format!("{before} frames were free, then {after}"),
        after + 4 >= before,
    )
}

const PIECE: u64 = 1 << 20;

/// Takes memory until there is none: either the call says so, or the process is ended.
fn take_all() -> i32 {
    for _ in 0..4096 {
        let Ok(address) = memory::map(0, PIECE, PROT_READ | PROT_WRITE, 0) else {
            return 0;
        };
        for page in 0..PIECE / 4096 {
            // SAFETY: the mapping was made just now and is nobody else's.
            unsafe { poke(address + page * 4096, 1) };
        }
    }
    1
}

fn memory_exhaustion() -> Check {
    // The first time the servers' tables grow to what a process of all memory needs.
    in_child(take_all)?;
    let before = free_frames()?;
    for _ in 0..3 {
        let status = in_child(take_all)?;
        let ended = status.exited() == Some(0) || status.signaled() == Some(signal::SIGKILL);
        ensure(&format!("the process ended with {status:?}"), ended)?;
    }
    let status = in_child(|| i32::from(memory::sbrk(1 << 45) != Err(Errno::ENOMEM)))?;
    equal("a heap larger than the machine", status.exited(), Some(0))?;
    let after = free_frames()?;
    ensure(
        &format!("{before} frames were free, then {after}"),
        after + TOLERANCE >= before,
    )?;
    recovered()
}

/// A program still runs.
fn recovered() -> Check {
    let status = in_child(|| {
        process::execv("/bin/true", &["true"]);
        99
    })?;
    equal("/bin/true afterwards", status.exited(), Some(0))
}

/// A file that grows until there is no room: `ENOSPC` or `ENOMEM`, and all comes back.
fn file_exhaustion() -> Check {
    // The first time the servers' tables grow to what a file of all memory needs.
    fill_a_file()?;
    let before = free_frames()?;
    let errno = fill_a_file()?;
    ensure(
        &format!("the error is {}", errno.name()),
        matches!(errno, Errno::ENOSPC | Errno::ENOMEM),
    )?;
    let after = free_frames()?;
    ensure(
        &format!("{before} frames were free, then {after}"),
        after + TOLERANCE >= before,
    )?;
    recovered()
}

/// Writes to a file until that fails, and removes it; gives the error.
fn fill_a_file() -> Result<Errno, String> {
    let fd = file::open("/tmp/everything", file::O_WRONLY | file::O_CREAT, 0o600).doing("open")?;
    let piece = vec![1u8; 256 * 1024];
    let mut written = 0u64;
    let errno = loop {
        match file::write(fd, &piece) {
            Ok(count) => written += count as u64,
            Err(errno) => break errno,
        }
        if written > 8 << 30 {
            return Err(String::from("no end"));
        }
    };
    file::unlink("/tmp/everything").doing("unlink")?;
    file::close(fd).doing("close")?;
    Ok(errno)
}

fn process_exhaustion() -> Check {
    let (read, write) = file::pipe().doing("pipe")?;
    let mut children = Vec::new();
    let errno = loop {
        match process::fork() {
            Ok(0) => {
                let _ = file::close(write);
                let _ = file::read(read, &mut [0]);
                process::exit_now(0)
            }
            Ok(child) => children.push(child),
            Err(errno) => break errno,
        }
        if children.len() > 100_000 {
            return Err(String::from("no limit"));
        }
    };
    file::close(write).doing("close")?;
    for child in &children {
        equal("a child", wait_for(*child)?.exited(), Some(0))?;
    }
    ensure(
        &format!("fork failed with {} after {}", errno.name(), children.len()),
        matches!(errno, Errno::EAGAIN | Errno::ENOMEM),
    )?;
    ensure(
        &format!("only {} processes", children.len()),
        children.len() >= 200,
    )?;
    recovered()
}
