//! `exit` runs the exit handlers and writes what is buffered; `_exit` does neither.
#![no_std]
#![no_main]

use libsys::{prelude::*, process, stdio};

libsys::main!(main);

/// `exit` or `_exit`.
type Ending = fn(i32) -> !;

fn main(_: Args) -> i32 {
    // As if standard output were a file: written when the buffer is full.
    stdio::with_stdout(|stdout| stdout.set_buffering(stdio::Buffering::Full));
    let endings: [(&str, Ending); 2] = [("exit", process::exit), ("_exit", process::exit_now)];
    for (name, ending) in endings {
        match process::fork() {
            Ok(0) => {
                process::atexit(|| print!("the handler runs, "));
                print!("buffered, ");
                ending(0);
            }
            Ok(_) => {
                let _ = process::wait();
                println!("<- that was {name}");
                let _ = stdio::flush();
            }
            Err(errno) => eprintln!("fork: {errno}"),
        }
    }
    0
}
