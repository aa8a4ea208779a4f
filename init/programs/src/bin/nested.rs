//! Signals in signal handlers: another signal interrupts a handler, the same one waits for its end
//! unless `SA_NODEFER` is set, a call in a handler is interrupted like any other, and a handler may
//! fork.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};
use libsys::{
    file,
    prelude::*,
    process,
    signal::{self, Action, Handler, SA_NODEFER, SIGALRM, SIGUSR1, SIGUSR2},
};

libsys::main!(main);

/// How many handlers are running now, and how many have been started.
static DEPTH: AtomicU32 = AtomicU32::new(0);
static STARTED: AtomicU32 = AtomicU32::new(0);

fn main(_: Args) -> i32 {
    match show() {
        Ok(()) => 0,
        Err(errno) => {
            eprintln!("nested: {errno}");
            1
        }
    }
}

fn show() -> Result<(), Errno> {
    catch(SIGUSR2, say, 0)?;
    println!("another signal:");
    catch(SIGUSR1, raises_another, 0)?;
    signal::raise(SIGUSR1)?;
    println!("the same signal:");
    catch(SIGUSR1, raises_itself, 0)?;
    signal::raise(SIGUSR1)?;
    println!("the same signal with SA_NODEFER:");
    STARTED.store(0, Ordering::Relaxed);
    catch(SIGUSR1, raises_itself, SA_NODEFER)?;
    signal::raise(SIGUSR1)?;
    println!("a call in a handler:");
    catch(SIGALRM, say, 0)?;
    catch(SIGUSR1, waits, 0)?;
    signal::raise(SIGUSR1)?;
    println!("a fork in a handler:");
    catch(SIGUSR1, forks, 0)?;
    signal::raise(SIGUSR1)?;
    println!("blocked signals: {:#x}", signal::current_mask()?);
    Ok(())
}

fn catch(signal: i32, handler: fn(i32), flags: u32) -> Result<(), Errno> {
    let action = Action {
        handler: Handler::Call(handler),
        flags,
        mask: 0,
    };
    signal::action(signal, &action).map(drop)
}

fn note(what: &str) {
    let indent = DEPTH.load(Ordering::Relaxed) as usize * 2;
    println!("{:indent$}{what}", "");
}

/// Does `work` one level deeper than what it interrupts.
fn deeper(name: &str, work: impl FnOnce() -> Result<(), Errno>) {
    DEPTH.fetch_add(1, Ordering::Relaxed);
    note(&format!("{name} begins"));
    if let Err(errno) = work() {
        note(&format!("error: {errno}"));
    }
    note(&format!("{name} ends"));
    DEPTH.fetch_sub(1, Ordering::Relaxed);
}

fn say(signal: i32) {
    deeper(signal::name(signal), || Ok(()));
}

fn raises_another(_: i32) {
    deeper("outer", || signal::raise(SIGUSR2));
}

fn raises_itself(_: i32) {
    deeper("handler", || {
        match STARTED.fetch_add(1, Ordering::Relaxed) {
            0 => signal::raise(SIGUSR1),
            _ => Ok(()),
        }
    });
}

fn waits(_: i32) {
    deeper("handler", || {
        let (read, _write) = file::pipe()?;
        process::set_timer(process::Timer::Real, 20_000_000, 0)?;
        let result = file::read(read, &mut [0]);
        note(&format!("read: {result:?}"));
        Ok(())
    });
}

fn forks(_: i32) {
    deeper("handler", || {
        libsys::stdio::flush()?;
        let child = process::fork()?;
        if child == 0 {
            return signal::raise(SIGUSR2);
        }
        let (_, status) = process::waitpid(child as i32, 0)?.unwrap_or((0, process::Status(0)));
        note(&format!("the child ended with {:?}", status.exited()));
        process::exit(0)
    });
}
