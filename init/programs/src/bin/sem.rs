//! Two processes take turns by a semaphore; `SEM_UNDO` gives it back when its owner is killed.
#![no_std]
#![no_main]

use libsys::{
    ipc::{self, GETVAL, IPC_CREAT, IPC_PRIVATE, IPC_RMID, Operation, SEM_UNDO, SETVAL},
    prelude::*,
    process, signal, stdio,
};

libsys::main!(main);

const DOWN: Operation = Operation {
    index: 0,
    change: -1,
    flags: SEM_UNDO,
};
const UP: Operation = Operation {
    index: 0,
    change: 1,
    flags: SEM_UNDO,
};

fn main(_: Args) -> i32 {
    match show() {
        Ok(()) => 0,
        Err(errno) => {
            eprintln!("sem: {errno}");
            1
        }
    }
}

fn show() -> Result<(), Errno> {
    let set = ipc::semget(IPC_PRIVATE, 1, IPC_CREAT | 0o600)?;
    ipc::semctl(set, 0, SETVAL, 1)?;
    take_turns(set)?;
    owner_is_killed(set)?;
    ipc::semctl(set, 0, IPC_RMID, 0).map(drop)
}

/// Nobody is between `enters` and `leaves` while somebody else is.
fn take_turns(set: i32) -> Result<(), Errno> {
    let child = process::fork()?;
    let name = if child == 0 { "child" } else { "parent" };
    for _ in 0..2 {
        ipc::semop(set, &[DOWN])?;
        println!("{name} enters");
        stdio::flush()?;
        process::sleep(1);
        println!("{name} leaves");
        stdio::flush()?;
        ipc::semop(set, &[UP])?;
    }
    if child == 0 {
        process::exit(0);
    }
    process::wait().map(drop)
}

fn owner_is_killed(set: i32) -> Result<(), Errno> {
    let child = process::fork()?;
    if child == 0 {
        ipc::semop(set, &[DOWN])?;
        process::sleep(100);
        process::exit(0);
    }
    while ipc::semctl(set, 0, GETVAL, 0)? != 0 {
        let _ = process::nanosleep(10_000_000);
    }
    println!(
        "the child has the semaphore: value {}",
        ipc::semctl(set, 0, GETVAL, 0)?
    );
    signal::kill(child as i32, signal::SIGKILL)?;
    process::wait()?;
    println!(
        "the child was killed: value {}",
        ipc::semctl(set, 0, GETVAL, 0)?
    );
    Ok(())
}
