//! Two processes see the same memory: what the child writes, the parent reads.
#![no_std]
#![no_main]

use core::sync::atomic::Ordering;
use libsys::{
    ipc::{self, IPC_CREAT, IPC_PRIVATE},
    prelude::*,
    process,
};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match share() {
        Ok(()) => 0,
        Err(errno) => {
            eprintln!("shm: {errno}");
            1
        }
    }
}

fn share() -> Result<(), Errno> {
    let segment = ipc::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0o600)?;
    let word = &ipc::attach(segment)?.words()[0];
    // Removed now, it lives until the last process has detached it.
    ipc::shm_remove(segment)?;

    let mut own = 1;
    word.store(1, Ordering::SeqCst);
    if process::fork()? == 0 {
        own += 41;
        word.store(own, Ordering::SeqCst);
        println!("child wrote {own}");
        process::exit(0);
    }
    process::wait()?;
    println!(
        "parent reads {} in shared memory, {own} in its own",
        word.load(Ordering::SeqCst)
    );
    Ok(())
}
