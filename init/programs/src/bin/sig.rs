//! Signals: a handler, a blocked signal that waits, an alarm that cuts a sleep short, `SIGCHLD`.
#![no_std]
#![no_main]

use libsys::{
    prelude::*,
    process,
    signal::{self, Action, Handler, SIGALRM, SIGCHLD, SIGUSR1},
    stdio,
};

libsys::main!(main);

fn handler(signal: i32) {
    println!("handler: SIG{}", signal::name(signal));
}

fn main(_: Args) -> i32 {
    match show() {
        Ok(()) => 0,
        Err(errno) => {
            eprintln!("sig: {errno}");
            1
        }
    }
}

fn show() -> Result<(), Errno> {
    for signal in [SIGUSR1, SIGALRM, SIGCHLD] {
        signal::action(
            signal,
            &Action {
                handler: Handler::Call(handler),
                ..Action::default()
            },
        )?;
    }
    println!("sending myself a signal");
    signal::raise(SIGUSR1)?;

    let usr1 = signal::set_of(&[SIGUSR1]);
    signal::block(usr1)?;
    signal::raise(SIGUSR1)?;
    println!("blocked: pending is {}", signal::pending()? & usr1 == usr1);
    signal::unblock(usr1)?;

    process::alarm(1);
    let left = process::sleep(10);
    println!("an alarm cut the sleep short: {left} of 10 seconds were left");

    stdio::flush()?;
    if process::fork()? == 0 {
        process::exit_now(0);
    }
    while process::wait().is_err() {}
    println!("the child ended");
    Ok(())
}
