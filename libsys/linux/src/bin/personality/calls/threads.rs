//! Threads: `clone` in all its shapes, the end of a thread, robust lists.

use super::{Arguments, Result, futex, mem, proc};
use crate::areas::{self, Area};
use crate::thread::Thread;
use crate::{machine, signals};
use abi::thread::Block;
use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use personality::clone::{FIRST_BYTES, NEWEST_BYTES, Shape, Wish, arguments, wish};
use personality::number;
use proto::mem::Request as MemRequest;
use proto::proc::{Proc, Reply, Request};

/// Bytes of a `struct robust_list_head`.
const ROBUST_BYTES: u64 = 24;

/// The calls of this file.
pub fn call(thread: &mut Thread, block: &mut Block, number: u64, a: Arguments) -> Option<Result> {
    Some(match number {
        number::CLONE => clone(thread, block, a),
        number::CLONE3 => clone_by_structure(thread, block, a),
        number::EXIT => exit(thread, a[0] as i32),
        number::SET_ROBUST_LIST => set_robust(thread, a),
        number::GET_ROBUST_LIST => get_robust(thread, a),
        _ => return None,
    })
}

/// The arguments on AArch64: flags, stack, parent's place for the tid, TLS, child's place.
fn clone(thread: &mut Thread, block: &mut Block, a: Arguments) -> Result {
    let wish = wish(a[0])?;
    match wish.shape {
        Shape::Fork => fork(thread, block, wish, a),
        Shape::Borrow | Shape::Thread => begin(thread, block, wish, a),
    }
}

/// `clone3`: the same, from a structure that says how long it is; what is longer than known must be 0 there.
fn clone_by_structure(thread: &mut Thread, block: &mut Block, a: Arguments) -> Result {
    let (at, size) = (a[0], a[1]);
    if size > abi::PAGE_BYTES {
        return Err(Errno::E2BIG);
    }
    if size < FIRST_BYTES as u64 {
        return Err(Errno::EINVAL);
    }
    let mut bytes = [0; NEWEST_BYTES];
    let known = (size as usize).min(NEWEST_BYTES);
    machine::read(at, bytes.get_mut(..known).unwrap_or_default())?;
    for offset in known as u64..size {
        let mut byte = [0];
        machine::read(at.wrapping_add(offset), &mut byte)?;
        if byte != [0] {
            return Err(Errno::E2BIG);
        }
    }
    let [flags, stack, parent_tid, tls, child_tid] = arguments(&bytes)?;
    clone(thread, block, [flags, stack, parent_tid, tls, child_tid, 0])
}

/// Asks until no signal comes between: `clone` is never interrupted.
fn until_heard(wish: &Request, loans: [Loan<'_>; 2]) -> core::result::Result<Reply, Errno> {
    loop {
        match request::<Proc>(Handle::PROC, wish, loans) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

fn number_of(reply: Reply) -> core::result::Result<u32, Errno> {
    match reply {
        Reply::Pid(number) => Ok(number),
        _ => Err(Errno::EPROTO),
    }
}

fn fork(thread: &mut Thread, block: &mut Block, wish: Wish, a: Arguments) -> Result {
    let [_, stack, parent_tid, tls, child_tid, _] = a;
    // Nothing is written that another page would have to be copied for, in both processes.
    let alone = areas::alone();
    let ask = || until_heard(&Request::Fork, [Loan::NONE; 2]);
    let reply = match alone {
        true => ask(),
        false => libsys::heap::quiescent(ask),
    };
    let pid = number_of(reply?)?;
    if pid != 0 {
        if wish.parent_tid {
            // As on Linux, a bad place is no reason to fail once the child is there.
            let _ = machine::write(parent_tid, &pid.to_le_bytes());
        }
        return Ok(pid.into());
    }
    thread.forked();
    if !alone {
        areas::forked(thread.area);
        futex::forked();
    }
    if stack != 0 {
        machine::complete(block);
        block.registers.sp = stack;
    }
    if wish.tls {
        machine::set_thread_pointer(tls);
    }
    if wish.clear_tid {
        thread.clear_tid = child_tid;
    }
    if wish.child_tid {
        let own = thread.pid()?;
        let _ = machine::write(child_tid, &own.to_le_bytes());
    }
    Ok(0)
}

/// A thread, or a child that uses the caller's memory: both start with the registers in an area that
/// is filled here.
fn begin(thread: &mut Thread, block: &mut Block, wish: Wish, a: Arguments) -> Result {
    let [_, stack, parent_tid, tls, child_tid, _] = a;
    let area = areas::claim()?;
    machine::complete(block);
    area.with(|front| {
        front.block = *block;
        front.block.registers.x[0] = 0;
        if stack != 0 {
            front.block.registers.sp = stack;
        }
        front.block.user[0] = if wish.tls {
            tls
        } else {
            machine::thread_pointer()
        };
        if wish.clear_tid {
            front.thread.clear_tid = child_tid;
        }
        match wish.shape {
            Shape::Thread => front.thread.beside(thread),
            _ => front.thread.stack = thread.stack,
        }
    });
    let place = |wanted: bool, address: u64| match wanted {
        true => machine::lend_out(address, 4).unwrap_or(Loan::NONE),
        false => Loan::NONE,
    };
    let loans = [
        place(wish.parent_tid, parent_tid),
        place(wish.child_tid, child_tid),
    ];
    let started = start(wish.shape, area, loans);
    if wish.shape == Shape::Borrow || started.is_err() {
        // The child has a program of its own now, or has ended.
        area.with(|front| front.thread.program = alloc::vec::Vec::new());
        area.release();
    }
    started.map(u64::from)
}

fn start(shape: Shape, area: Area, loans: [Loan<'_>; 2]) -> core::result::Result<u32, Errno> {
    let (block, stack) = (area.address(), area.address());
    let wish = match shape {
        Shape::Thread => Request::Spawn { block, stack },
        _ => Request::VFork { block, stack },
    };
    match until_heard(&wish, loans) {
        // As on Linux, a bad place for the number is no reason to fail.
        Err(Errno::EFAULT) => until_heard(&wish, [Loan::NONE; 2]),
        result => result,
    }
    .and_then(number_of)
}

fn exit(thread: &Thread, status: i32) -> Result {
    loop {
        let _ = proc(Request::ExitThread {
            status,
            clear: thread.clear_tid,
            area: thread.area.word(),
        });
    }
}

fn set_robust(thread: &mut Thread, a: Arguments) -> Result {
    if a[1] != ROBUST_BYTES {
        return Err(Errno::EINVAL);
    }
    mem(MemRequest::Robust { head: a[0] })?;
    thread.robust = a[0];
    Ok(0)
}

/// Of the threads of this process; others may not be looked into.
fn get_robust(thread: &mut Thread, a: Arguments) -> Result {
    let tid = a[0] as i32;
    let head = match tid {
        0 => thread.robust,
        tid if tid.unsigned_abs() == thread.tid()? => thread.robust,
        tid => mem(MemRequest::RobustOf {
            tid: tid.unsigned_abs(),
        })
        .or_else(|_| strange(thread, tid))?,
    };
    machine::write(a[2], &ROBUST_BYTES.to_le_bytes())?;
    machine::write(a[1], &head.to_le_bytes()).map(|()| 0)
}

/// Why a thread of another process is not looked into: whether it is there at all is asked without a trace,
/// by signal 0.
fn strange(thread: &mut Thread, tid: i32) -> Result {
    let ask = Request::KillThread {
        pid: 0,
        tid,
        signal: 0,
        code: 0,
        value: 0,
    };
    signals::send(thread, &ask).and(Err(Errno::EPERM))
}
