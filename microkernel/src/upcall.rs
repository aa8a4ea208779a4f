//! Upcalls: the kernel lets a thread go on at an entry in `libsys` that it registered. A kick (a
//! signal) may come between any two instructions, so it leaves all registers in the thread's block.
//! A Linux call (`svc #0`) is made by a program that expects x0 to change, and only changes what
//! `libsys` cannot preserve itself; `reflect.s` does the common case of it.

use abi::message::access;
use abi::thread::{Block, Registers, upcall};
use abi::trace::kind;
use abi::{Error, PAGE_BYTES};
use core::mem::{offset_of, size_of};
use kernel_core::object::{Objects, SpaceId, ThreadId};
use kernel_core::thread::{CallSite, PSTATE_FLAGS, flag, handling};
use kernel_core::trace::{self, WATCHED};

use crate::fault;
use crate::kernel::{Kernel, Memory};
use crate::user_memory;

/// Registers as bytes in the order of [`Registers`].
pub(crate) fn to_bytes(registers: &Registers) -> [u8; size_of::<Registers>()] {
    let mut bytes = [0; size_of::<Registers>()];
    let tail = [registers.sp, registers.pc, registers.pstate];
    for (place, word) in bytes
        .chunks_exact_mut(8)
        .zip(registers.x.iter().chain(&tail))
    {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    bytes
}

/// The inverse of [`to_bytes`], with `pstate` reduced to the flags: user space may not choose the
/// mode that it returns to.
pub(crate) fn from_bytes(bytes: &[u8; size_of::<Registers>()]) -> Registers {
    let mut words = [0; size_of::<Registers>() / 8];
    for (word, place) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_ne_bytes(*place);
    }
    let mut registers = Registers {
        x: [0; 31],
        sp: words[31],
        pc: words[32],
        pstate: words[33] & PSTATE_FLAGS,
    };
    registers.x.copy_from_slice(&words[..31]);
    registers
}

/// Checks an upcall's block address.
///
/// # Errors
/// [`Error::Invalid`] if it is unaligned, crosses a page or is no user address.
pub(crate) fn check_block(address: u64) -> Result<(), Error> {
    user_memory::UserRange::new(address, size_of::<Block>() as u64)?;
    if !address.is_multiple_of(16) || address % PAGE_BYTES + size_of::<Block>() as u64 > PAGE_BYTES
    {
        return Err(Error::Invalid);
    }
    Ok(())
}

/// The current thread's `svc #0` goes on in `libsys`, as in `reflect.s`; false if nobody there wants
/// it.
#[inline(never)]
pub(crate) fn linux_call(kernel: &mut Kernel) -> bool {
    let id = kernel.current;
    let thread = kernel.memory.thread(id);
    if thread.upcall.linux_entry == 0 || thread.upcall.active != handling::NOTHING {
        return false;
    }
    let (watched, registers) = (thread.has(WATCHED), &mut thread.registers);
    thread.upcall.call = CallSite {
        pc: registers.pc,
        sp: registers.sp,
        pstate: registers.pstate,
        scratch: [registers.x[16], registers.x[17]],
    };
    thread.upcall.active = handling::LINUX_CALL;
    registers.pc = thread.upcall.linux_entry;
    registers.sp = thread.upcall.stack;
    if watched {
        trace::reflected(&mut kernel.memory, id);
    }
    true
}

/// The current thread's `svc #2` returns behind its Linux call; false if it handles none.
#[inline(never)]
pub(crate) fn linux_return(kernel: &mut Kernel) -> bool {
    let id = kernel.current;
    let thread = kernel.memory.thread(id);
    if thread.upcall.active != handling::LINUX_CALL {
        return false;
    }
    let call = thread.upcall.call;
    thread.upcall.active = handling::NOTHING;
    thread.registers.x[16..18].copy_from_slice(&call.scratch);
    thread.registers.sp = call.sp;
    thread.registers.pc = call.pc;
    thread.registers.pstate = call.pstate;
    if thread.has(WATCHED) {
        trace::resumed(&mut kernel.memory, id);
    }
    true
}

/// Delivers a due upcall before `id` goes to user mode; false if it faulted instead and waits.
pub(crate) fn prepare(kernel: &mut Kernel, id: ThreadId) -> bool {
    let thread = kernel.memory.thread(id);
    if !thread.has(flag::KICKED) || thread.upcall.active != handling::NOTHING {
        return true;
    }
    if thread.upcall.entry == 0 {
        thread.flags &= !flag::KICKED;
        return true;
    }
    thread.flags &= !flag::KICKED;
    if deliver(kernel, id).is_ok() {
        if kernel.is_watched(id) {
            trace::event(&mut kernel.memory, kind::UPCALL, ThreadId::NONE, id, 0);
        }
        return true;
    }
    kernel.memory.thread(id).flags |= flag::KICKED;
    fault_on_block(kernel, id);
    false
}

/// Writes the block and turns the thread to its entry.
fn deliver(kernel: &mut Kernel, id: ThreadId) -> Result<(), Error> {
    let thread = kernel.memory.thread(id);
    let (target, space, registers) = (thread.upcall, thread.memory, thread.registers);
    let mut bytes = [0; offset_of!(Block, user)];
    bytes[..size_of::<Registers>()].copy_from_slice(&to_bytes(&registers));
    bytes[offset_of!(Block, reason)..].copy_from_slice(&upcall::KICKED.to_ne_bytes());
    user_memory::write(&mut kernel.memory, space, target.block, &bytes)?;
    let thread = kernel.memory.thread(id);
    thread.registers.pc = target.entry;
    thread.registers.sp = target.stack;
    thread.registers.x[0] = target.block;
    thread.upcall.active = handling::BLOCK;
    kernel.memory.upcalls_done += 1;
    Ok(())
}

/// The block's page is absent or not writable: the pager mends that as for any write.
fn fault_on_block(kernel: &mut Kernel, id: ThreadId) {
    let address = kernel.memory.thread(id).upcall.block;
    if fault::send_page_fault(kernel, id, address, access::WRITE).is_err() {
        kernel.halt(id);
    }
}

/// The registers and the thread pointer that a new thread finds in its block.
///
/// # Errors
/// [`Error::Invalid`] for an address that no block has, [`Error::BufferFault`] if it is absent.
pub(crate) fn read_new(
    memory: &mut Memory,
    space: SpaceId,
    block: u64,
) -> Result<(Registers, u64), Error> {
    const POINTER: usize = offset_of!(Block, user);
    check_block(block)?;
    let mut bytes = [0; POINTER + 8];
    user_memory::read(memory, space, block, &mut bytes)?;
    let registers = bytes.first_chunk().ok_or(Error::Invalid)?;
    let pointer = bytes.last_chunk().ok_or(Error::Invalid)?;
    Ok((from_bytes(registers), u64::from_ne_bytes(*pointer)))
}

/// Goes on with what is in the current thread's block.
///
/// # Errors
/// [`Error::Invalid`] without an upcall, [`Error::BufferFault`] if the block is absent.
pub(crate) fn resume(kernel: &mut Kernel) -> Result<(), Error> {
    let (upcall, space) = (kernel.current().upcall, kernel.current().memory);
    if upcall.entry == 0 && upcall.linux_entry == 0 {
        return Err(Error::Invalid);
    }
    let mut bytes = [0; size_of::<Registers>()];
    user_memory::read(&mut kernel.memory, space, upcall.block, &mut bytes)?;
    let thread = kernel.current();
    thread.registers = from_bytes(&bytes);
    thread.upcall.active = handling::NOTHING;
    if thread.has(WATCHED) {
        let id = kernel.current;
        trace::resumed(&mut kernel.memory, id);
    }
    Ok(())
}
