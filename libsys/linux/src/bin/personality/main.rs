//! The personality: answers the calls of Linux programs, in their own process.
//!
//! The process server maps it into every Linux program and starts the process here. It registers
//! its upcall with the kernel and jumps to the program. From then on the kernel brings each `svc #0`
//! and each signal to [`upcall`], on a stack that belongs to this code.
//!
//! It must use no vector register (they are the program's) and no memory of the program but through
//! `machine`.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg(target_arch = "aarch64")]

extern crate alloc;

mod areas;
mod calls;
mod heap;
mod machine;
mod signals;
mod text;
mod thread;
mod vdso;

use abi::Errno;
use abi::layout::MISSING_COUNTS;
use abi::thread::Block;
use areas::Front;
use core::sync::atomic::{AtomicU32, Ordering};
use libsys::runtime;
use personality::local::NUMBERS;
use personality::{number, restart};
use signals::Interrupted;

/// How often each call was refused with `ENOSYS` since the program was started, by number; the last
/// count is for all numbers that have none. `/proc/PID/unimplemented` shows them
/// ([`abi::layout::MISSING`]). They are inherited by `fork`.
static MISSING: [AtomicU32; MISSING_COUNTS] = [const { AtomicU32::new(0) }; MISSING_COUNTS];
const _: () = assert!(MISSING_COUNTS == NUMBERS + 1);

const AT_BASE: u64 = 7;
const AT_ENTRY: u64 = 9;
/// Where an ELF file header names the entry.
const ELF_ENTRY: u64 = 24;

/// The first Rust code of a Linux process.
#[unsafe(no_mangle)]
fn __tessera_main() -> i32 {
    libsys::heap::set_mover(heap::move_end);
    vdso::start();
    let program = runtime::auxiliary(AT_ENTRY).unwrap_or(0);
    let entry = match runtime::auxiliary(AT_BASE) {
        None | Some(0) => program,
        Some(base) => base.wrapping_add(machine::word(base.wrapping_add(ELF_ENTRY)).unwrap_or(0)),
    };
    machine::enter(entry, runtime::initial_stack())
}

/// A signal waits.
extern "C" fn kicked(front: &mut Front) {
    front.thread.kicked();
    signals::deliver(&mut front.thread, &mut front.block, None);
}

/// A call of Linux that `machine` has no answer to. The block lacks what the kernel keeps
/// ([`machine::complete`]).
extern "C" fn linux_call(front: &mut Front) {
    let Front { block, thread } = front;
    let number = block.registers.x[8];
    if number == number::RT_SIGRETURN {
        return signals::end_handler(thread, block);
    }
    if thread.repeats() {
        machine::complete(block);
        thread.resumes(number, block.registers.pc);
    }
    let arguments = arguments(block);
    let result = calls::call(thread, block, number, arguments);
    match result {
        Ok(value) => block.registers.x[0] = value,
        Err(errno) => refuse(front, errno),
    }
    deliver_taken(front);
}

/// A call of [`calls::quick::QUICK`] failed. The block is as for [`linux_call`].
extern "C" fn failed(front: &mut Front, errno: u64) {
    let errno = Errno(errno as u16);
    calls::tell_by_signal(&mut front.thread, errno);
    refuse(front, errno);
    deliver_taken(front);
}

fn arguments(block: &Block) -> calls::Arguments {
    let x = &block.registers.x;
    [x[0], x[1], x[2], x[3], x[4], x[5]]
}

/// The call in hand gives an error, or is interrupted.
fn refuse(front: &mut Front, errno: Errno) {
    let Front { block, thread } = front;
    let number = block.registers.x[8];
    if errno == Errno::ENOSYS {
        count_missing(number);
    }
    if errno != Errno::EINTR {
        block.registers.x[0] = error(errno);
        return;
    }
    let arguments = arguments(block);
    let interrupted = Interrupted {
        restart: restart::of(number, &arguments),
        argument: arguments[0],
    };
    machine::complete(block);
    thread.interrupted(number, block.registers.pc);
    signals::deliver(thread, block, Some(interrupted));
}

/// A signal that the call sent to this process goes to its handler.
fn deliver_taken(front: &mut Front) {
    if front.thread.taken.is_some() {
        signals::deliver(&mut front.thread, &mut front.block, None);
    }
}

/// A call's failure as programs see it.
pub fn error(errno: Errno) -> u64 {
    u64::from(errno.0).wrapping_neg()
}

fn count_missing(number: u64) {
    let place = number.min(NUMBERS as u64) as usize;
    if MISSING[place].fetch_add(1, Ordering::Relaxed) == 0 {
        calls::tell_missing(number);
    }
}
