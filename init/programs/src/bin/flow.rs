//! Does one thing that is taught, and nothing else, so that its trace shows just that:
//! `trace flow open`, `pipe`, `fork`, `exec`, `cow`, `signal` or `semop`.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use libsys::ipc::{IPC_CREAT, IPC_PRIVATE, IPC_RMID, Operation};
use libsys::prelude::*;
use libsys::signal::{Action, Handler, SIGUSR1};
use libsys::{file, ipc, process, signal};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let flow = { args }.nth(1).unwrap_or_default();
    let done = match flow {
        b"open" => open(),
        b"pipe" => pipe(),
        b"fork" => fork(),
        b"exec" => Err(process::execv("/bin/true", &["true"])),
        b"cow" => copy_on_write(),
        b"signal" => handled_signal(),
        b"semop" => semaphore(),
        _ => Err(Errno::EINVAL),
    };
    match done {
        Ok(()) => 0,
        Err(errno) => {
            eprintln!("flow: {errno}");
            1
        }
    }
}

/// Open, read, close.
fn open() -> Result<(), Errno> {
    let passwords = file::open("/etc/passwd", file::O_RDONLY, 0)?;
    let mut buffer = [0; 16];
    file::read(passwords, &mut buffer)?;
    file::close(passwords)
}

/// The parent waits in `read` until the child writes.
fn pipe() -> Result<(), Errno> {
    let (reader, writer) = file::pipe()?;
    if process::fork()? == 0 {
        // The parent shall wait first.
        let _ = process::nanosleep(20_000_000);
        file::write(writer, b"hello")?;
        process::exit_now(0);
    }
    let mut buffer = [0; 8];
    file::read(reader, &mut buffer)?;
    process::wait().map(drop)
}

/// A child that ends at once.
fn fork() -> Result<(), Errno> {
    if process::fork()? == 0 {
        process::exit_now(7);
    }
    process::wait().map(drop)
}

/// What the child of [`copy_on_write`] changes. Both read it afterwards; otherwise the compiler would leave
/// the changes out.
static PAGE: AtomicU64 = AtomicU64::new(1);

/// The child writes to a page that it shares with its parent, which still has what it had before.
fn copy_on_write() -> Result<(), Errno> {
    PAGE.store(2, Relaxed);
    if process::fork()? == 0 {
        PAGE.store(3, Relaxed);
        process::exit_now(PAGE.load(Relaxed) as i32);
    }
    process::wait()?;
    match PAGE.load(Relaxed) {
        2 => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

/// How often the handler ran.
static HANDLED: AtomicU64 = AtomicU64::new(0);

fn handler(_: i32) {
    HANDLED.fetch_add(1, Relaxed);
}

/// A signal to oneself, and its handler.
fn handled_signal() -> Result<(), Errno> {
    let action = Action {
        handler: Handler::Call(handler),
        ..Action::default()
    };
    signal::action(SIGUSR1, &action)?;
    signal::raise(SIGUSR1)
}

/// A semaphore that one process raises and another waits for.
fn semaphore() -> Result<(), Errno> {
    let set = ipc::semget(IPC_PRIVATE, 1, IPC_CREAT | 0o600)?;
    let change = |change| Operation {
        index: 0,
        change,
        flags: 0,
    };
    if process::fork()? == 0 {
        // The parent shall wait first.
        let _ = process::nanosleep(20_000_000);
        ipc::semop(set, &[change(1)])?;
        process::exit_now(0);
    }
    ipc::semop(set, &[change(-1)])?;
    process::wait()?;
    ipc::semctl(set, 0, IPC_RMID, 0).map(drop)
}
