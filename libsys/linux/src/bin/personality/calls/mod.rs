//! From a call's number to what does it. One file for each group of calls; each file asks one or two
//! services. A number that none of them has is `ENOSYS`.

mod control;
mod events;
mod files;
mod futex;
mod identity;
mod ipc;
mod machine_calls;
mod memory;
mod paths;
mod processes;
mod queues;
pub mod quick;
mod scheduling;
mod signal;
mod sockets;
mod threads;
mod time;
mod timers;
mod transfer;
mod waiting;

pub use transfer::tell_by_signal;

use crate::thread::Thread;
use abi::thread::Block;
use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use personality::number::{self, State};
use proto::{mem, proc, vfs};

/// What a call gives: a value for x0, or why not.
pub type Result = core::result::Result<u64, Errno>;
/// The six arguments.
pub type Arguments = [u64; 6];

/// Carries out a call that is not in [`quick::QUICK`].
///
/// # Errors
/// As the call's manual page says; `ENOSYS`.
pub fn call(thread: &mut Thread, block: &mut Block, number: u64, a: Arguments) -> Result {
    let frequent = match number {
        number::FUTEX => return futex::call(thread, a),
        number::NANOSLEEP..=number::CLOCK_NANOSLEEP => time::call(thread, number, a),
        number::KILL..=number::RT_SIGRETURN => signal::call(thread, block, number, a),
        number::GETPID..=number::GETTID => identity::call(thread, number, a),
        _ => None,
    };
    frequent.unwrap_or_else(|| search(thread, block, number, a))
}

/// As [`call`], for numbers of which it does not know whose they are.
#[inline(never)]
fn search(thread: &mut Thread, block: &mut Block, number: u64, a: Arguments) -> Result {
    if let Some(result) = transfer::call(thread, number, a) {
        return result;
    }
    let rest = threads::call(thread, block, number, a)
        .or_else(|| processes::call(thread, number, a))
        .or_else(|| files::call(number, a))
        .or_else(|| paths::call(number, a))
        .or_else(|| memory::call(number, a))
        .or_else(|| signal::call(thread, block, number, a))
        .or_else(|| waiting::call(thread, number, a))
        .or_else(|| events::call(thread, number, a))
        .or_else(|| sockets::call(thread, number, a))
        .or_else(|| identity::call(thread, number, a))
        .or_else(|| time::call(thread, number, a))
        .or_else(|| timers::call(number, a))
        .or_else(|| scheduling::call(number, a))
        .or_else(|| control::call(thread, number, a))
        .or_else(|| machine_calls::call(number, a))
        .or_else(|| ipc::call(number, a))
        .or_else(|| queues::call(number, a));
    rest.unwrap_or_else(|| Err(refusal(number)))
        .inspect_err(|&errno| {
            // A socket may be told not to raise the signal of `EPIPE`.
            if errno == Errno::EFBIG {
                transfer::tell_by_signal(thread, errno);
            }
        })
}

/// The error of a call that is not there.
fn refusal(number: u64) -> Errno {
    let known = number::CALLS.iter().find(|call| call.number == number);
    match known {
        Some(call) if call.state == State::Refused => Errno::EOPNOTSUPP,
        _ => Errno::ENOSYS,
    }
}

/// Says for all processes' count that this program made a call that is not there.
pub fn tell_missing(number: u64) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    // What cannot be counted changes nothing for the program.
    let _ = vfs(vfs::Request::Unimplemented { number }, [Loan::NONE; 2]);
}

/// Asks the file service; the answer is a number. Inlined, because the request is known then: what is
/// left is a few moves.
#[inline(always)]
fn vfs(request_: vfs::Request, loans: [Loan<'_>; 2]) -> Result {
    match request::<vfs::Vfs>(Handle::VFS, &request_, loans)? {
        vfs::Reply::Done => Ok(0),
        vfs::Reply::Count(count) => Ok(count),
        vfs::Reply::Descriptor(fd) => Ok(fd as u64),
        _ => Err(Errno::EPROTO),
    }
}

/// Asks the memory service; the answer is a number.
#[inline(always)]
fn mem(request_: mem::Request) -> Result {
    match request::<mem::Mem>(Handle::MEM, &request_, [Loan::NONE; 2])? {
        mem::Reply::Done => Ok(0),
        mem::Reply::Address(value) | mem::Reply::Count(value) => Ok(value),
        _ => Err(Errno::EPROTO),
    }
}

/// Asks the process service.
#[inline(always)]
fn proc(request_: proc::Request) -> core::result::Result<proc::Reply, Errno> {
    request::<proc::Proc>(Handle::PROC, &request_, [Loan::NONE; 2])
}

/// Asks the process service; the answer is a number.
#[inline(always)]
fn proc_number(request_: proc::Request) -> Result {
    match proc(request_)? {
        proc::Reply::Done => Ok(0),
        proc::Reply::Count(count) => Ok(count),
        proc::Reply::Pid(pid) => Ok(pid.into()),
        _ => Err(Errno::EPROTO),
    }
}

/// A descriptor as programs pass it: the low half of a register.
fn descriptor(register: u64) -> vfs::Fd {
    register as i32
}

/// An `int` or `unsigned` argument: the low half of a register.
fn word(register: u64) -> u32 {
    register as u32
}
