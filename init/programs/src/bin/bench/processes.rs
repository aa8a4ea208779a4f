//! fork, exec, wait, signals, the processor.

use crate::Bench;
use libsys::{
    arch,
    memory::{self, PROT_READ, PROT_WRITE},
    prelude::*,
    process,
    signal::{self, Action, Handler, SIGUSR1},
};

pub fn run(bench: &mut Bench) -> Result<(), Errno> {
    bench.measure("fork_exit_wait", 100, || fork_and(|| 0));
    bench.measure("fork_exec_wait", 50, || {
        fork_and(|| {
            process::execv("/bin/true", &["true"]);
            99
        })
    });
    with_four_megabytes(bench)?;
    bench.measure("null_call", 2000, || {
        arch::null();
        Ok(())
    });
    bench.measure("sched_yield_alone", 1000, || {
        arch::yield_now();
        Ok(())
    });
    signals(bench)
}

fn fork_and(work: impl FnOnce() -> i32) -> Result<(), Errno> {
    if process::fork()? == 0 {
        process::exit_now(work());
    }
    process::wait().map(drop)
}

/// A process with 4 MB of touched memory forks.
fn with_four_megabytes(bench: &mut Bench) -> Result<(), Errno> {
    const BYTES: u64 = 4 << 20;
    if !bench.wants("fork_exit_wait_4M") {
        return Ok(());
    }
    let address = memory::map(0, BYTES, PROT_READ | PROT_WRITE, 0)?;
    for at in (address..address + BYTES).step_by(4096) {
        // SAFETY: the range was mapped just now and no value lives there.
        unsafe { core::ptr::write_volatile(at as *mut u8, 1) };
    }
    bench.measure("fork_exit_wait_4M", 50, || fork_and(|| 0));
    // SAFETY: the mapping is not used any more.
    unsafe { memory::unmap(address, BYTES) }
}

fn nothing(_: i32) {}

fn signals(bench: &mut Bench) -> Result<(), Errno> {
    let action = Action {
        handler: Handler::Call(nothing),
        ..Action::default()
    };
    let set = signal::set_of(&[SIGUSR1]);
    bench.measure("sig_install", 500, || {
        signal::action(SIGUSR1, &action).map(drop)
    });
    bench.measure("sig_mask_x2", 500, || {
        signal::block(set)?;
        signal::unblock(set).map(drop)
    });
    bench.measure("sig_self_kill", 500, || signal::raise(SIGUSR1));
    signal::signal(SIGUSR1, Handler::Default).map(drop)
}
