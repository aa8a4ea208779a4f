//! A child receives the messages of one type before those of another, whatever their order.
#![no_std]
#![no_main]

use libsys::{
    ipc::{self, IPC_CREAT, IPC_PRIVATE},
    prelude::*,
    process,
};

libsys::main!(main);

fn main(_: Args) -> i32 {
    match talk() {
        Ok(()) => 0,
        Err(errno) => {
            eprintln!("msgq: {errno}");
            1
        }
    }
}

fn talk() -> Result<(), Errno> {
    let queue = ipc::msgget(IPC_PRIVATE, IPC_CREAT | 0o600)?;
    ipc::msgsnd(queue, 1, b"first of type 1", 0)?;
    ipc::msgsnd(queue, 2, b"first of type 2", 0)?;
    ipc::msgsnd(queue, 1, b"second of type 1", 0)?;

    if process::fork()? == 0 {
        let received = [2, 1, 0].map(|kind| receive(queue, kind));
        process::exit(i32::from(received.iter().any(Result::is_err)));
    }
    process::wait()?;
    println!("messages left: {}", ipc::msg_stat(queue)?.messages);
    ipc::msg_remove(queue)
}

/// Type 0 means the oldest message of any type.
fn receive(queue: i32, kind: i64) -> Result<(), Errno> {
    let mut text = [0; 64];
    let (found, length) = ipc::msgrcv(queue, &mut text, kind, 0)?;
    println!(
        "asked for type {kind}, received type {found}: {}",
        programs::show(&text[..length])
    );
    Ok(())
}
