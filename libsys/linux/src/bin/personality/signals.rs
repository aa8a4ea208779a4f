//! Signals: how a handler comes to run, and how it ends.
//!
//! The process server decides what is delivered. Here the frame is built on the program's stack, and
//! the block's registers are turned to the handler; `rt_sigreturn` takes them back from the frame.

use crate::thread::{Thread, action_changed};
use crate::{error, machine};
use abi::thread::Block;
use abi::{Errno, Handle};
use libsys::lease::Loan;
use libsys::request::request;
use libsys::signal::{SignalSet, change_mask};
use personality::frame::{self, AlternateStack, Context, Frame, SS_DISABLE, SS_ONSTACK, Signal};
use personality::layout::SA_RESTORER;
use personality::restart::Restart;
use proto::proc::{Delivery, Proc, Reply, Request};

const SIGSEGV: u32 = 11;
const SA_SIGINFO: u32 = 4;
const SA_ONSTACK: u32 = 0x800_0000;
const SA_RESETHAND: u32 = 0x8000_0000;
/// Bytes of the `svc` that a repeated call executes again.
const INSTRUCTION: u64 = 4;

/// A call that ended with `EINTR`.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    /// When it is repeated.
    pub restart: Restart,
    /// Its first argument, whose place the result takes.
    pub argument: u64,
}

fn ask(wish: &Request) -> Result<Reply, Errno> {
    loop {
        match request::<Proc>(Handle::PROC, wish, [Loan::NONE; 2]) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// Sends a signal. One that the own handler shall get comes with the answer, and goes to its handler when
/// the call ends.
///
/// # Errors
/// Those of `kill`.
pub fn send(thread: &mut Thread, wish: &Request) -> Result<u64, Errno> {
    let reply = request::<Proc>(Handle::PROC, wish, [Loan::NONE; 2])?;
    if reply != Reply::Done {
        thread.taken = Some(reply.delivery().ok_or(Errno::EPROTO)?);
    }
    Ok(0)
}

/// The next signal for a handler, and whether another one may follow.
fn next(thread: &mut Thread) -> Option<(Delivery, bool)> {
    let taken = thread.taken.take();
    taken.or_else(|| ask(&Request::Take).ok().and_then(Reply::delivery))
}

/// Turns the thread to the handlers of all deliverable signals. Not inlined: other calls need less stack.
#[inline(never)]
pub fn deliver(thread: &mut Thread, block: &mut Block, interrupted: Option<Interrupted>) {
    machine::complete(block);
    let mut interrupted = interrupted;
    let mut more = true;
    while more && let Some((taken, another)) = next(thread) {
        more = another;
        let flags = taken.flags;
        if flags & SA_RESETHAND != 0 {
            action_changed();
        }
        if let Some(call) = interrupted.take() {
            if call.restart.after_handler(flags) {
                repeat(block, call);
            } else {
                block.registers.x[0] = error(Errno::EINTR);
            }
        }
        if push(thread, block, &taken).is_err() {
            return fail(thread);
        }
    }
    if let Some(call) = interrupted {
        restore_mask(thread);
        repeat(block, call);
    }
}

fn repeat(block: &mut Block, call: Interrupted) {
    block.registers.x[0] = call.argument;
    block.registers.pc = block.registers.pc.wrapping_sub(INSTRUCTION);
}

/// Goes back to the mask before a call that had one of its own.
pub fn restore_mask(thread: &mut Thread) {
    if let Some(set) = thread.saved_mask.take() {
        replace_mask(set);
    }
}

/// Sets the mask; what becomes deliverable by that brings a kick.
fn replace_mask(set: SignalSet) {
    if change_mask(0, set).is_none() {
        let _ = ask(&Request::Mask { how: 2, set });
    }
}

/// There is no room for a frame: the program ends by `SIGSEGV`, whatever it has arranged.
fn fail(thread: &mut Thread) {
    let reset = Request::Action {
        signal: SIGSEGV,
        change: true,
        handler: 0,
        flags: 0,
        mask: 0,
        restorer: 0,
    };
    let unblock = Request::Mask {
        how: 1,
        set: 1 << (SIGSEGV - 1),
    };
    let pid = thread.pid().unwrap_or(0) as i32;
    let kill = Request::Kill {
        pid,
        signal: SIGSEGV,
    };
    for wish in [reset, unblock, kill] {
        let _ = ask(&wish);
    }
}

/// The alternate stack as `sigaltstack` tells it to a thread with this stack pointer.
pub fn stack_now(stack: AlternateStack, sp: u64) -> AlternateStack {
    let on = if stack.holds(sp) { SS_ONSTACK } else { 0 };
    AlternateStack {
        flags: stack.flags | on,
        ..stack
    }
}

/// Builds the frame of one signal.
fn push(thread: &mut Thread, block: &mut Block, taken: &Delivery) -> Result<(), Errno> {
    let Delivery {
        signal,
        code,
        sender,
        value,
        handler,
        flags,
        restore,
        restorer,
    } = *taken;
    let registers = &mut block.registers;
    let stack = thread.stack;
    let alternate =
        flags & SA_ONSTACK != 0 && stack.flags & SS_DISABLE == 0 && !stack.holds(registers.sp);
    let top = if alternate {
        stack.address.wrapping_add(stack.bytes)
    } else {
        registers.sp
    };
    let bytes = frame::BYTES + frame::RECORD_BYTES;
    let sp = (top & !15).checked_sub(bytes as u64).ok_or(Errno::EFAULT)?;

    let mut image = [0; frame::USED_BYTES];
    let contents = Frame {
        signal: Signal {
            number: signal,
            code,
            sender,
            value,
        },
        registers,
        mask: thread.saved_mask.take().unwrap_or(restore),
        stack: stack_now(stack, registers.sp),
    };
    contents.write(&mut image);
    if let Some(place) = image
        .get_mut(frame::VECTOR..)
        .and_then(|rest| rest.first_chunk_mut())
    {
        machine::save_vector(place);
    }
    machine::write(sp, &image)?;
    machine::write(sp + frame::BYTES as u64, &contents.record())?;

    registers.x[0] = signal.into();
    if flags & SA_SIGINFO != 0 {
        registers.x[1] = sp;
        registers.x[2] = sp + frame::CONTEXT as u64;
    }
    registers.x[29] = sp + frame::BYTES as u64;
    registers.x[30] = if flags & SA_RESTORER != 0 {
        restorer
    } else {
        machine::sigreturn()
    };
    registers.sp = sp;
    registers.pc = handler;
    Ok(())
}

/// `rt_sigreturn`: everything as the frame says.
#[inline(never)]
pub fn end_handler(thread: &mut Thread, block: &mut Block) {
    if restore(thread, block).is_none() {
        fail(thread);
    }
}

/// Reads a frame in which a program put records of its own.
#[cold]
#[inline(never)]
fn read_long(sp: u64) -> Option<Context> {
    let mut bytes = [0; frame::BYTES];
    machine::read(sp, &mut bytes).ok()?;
    let context = frame::read(&bytes)?;
    load_vector(&bytes, &context)?;
    Some(context)
}

fn load_vector(bytes: &[u8], context: &Context) -> Option<()> {
    if let Some(vector) = context.vector {
        machine::load_vector(bytes.get(vector..)?.first_chunk()?);
    }
    Some(())
}

fn restore(thread: &mut Thread, block: &mut Block) -> Option<()> {
    machine::complete(block);
    let mut bytes = [0; frame::USED_BYTES];
    machine::read(block.registers.sp, &mut bytes).ok()?;
    let context = match frame::read(&bytes) {
        Some(context) => {
            load_vector(&bytes, &context)?;
            context
        }
        None => read_long(block.registers.sp)?,
    };
    block.registers = context.registers;
    let stack = context.stack;
    if !thread.stack.holds(block.registers.sp) {
        thread.stack = AlternateStack {
            flags: stack.flags & !SS_ONSTACK,
            ..stack
        };
    }
    if change_mask(0, context.mask).is_some() {
        return Some(());
    }
    // A pending signal is let through.
    let returned = ask(&Request::Return { mask: context.mask });
    if let Ok(Reply::Set {
        deliverable: true, ..
    }) = returned
    {
        deliver(thread, block, None);
    }
    Some(())
}
