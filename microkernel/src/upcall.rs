//! Upcalls: the kernel lets a thread go on at its registered entry in `libsys`, with what it did
//! before in its block. Linux calls (`svc #0`) and kicks (signals) arrive so.

use abi::message::access;
use abi::thread::{Block, Registers, upcall};
use abi::trace::kind;
use abi::{Error, PAGE_BYTES};
use core::mem::{offset_of, size_of};
use kernel_core::object::{Objects, ThreadId};
use kernel_core::thread::{PSTATE_FLAGS, flag};
use kernel_core::trace::{self, WATCHED};

use crate::fault;
use crate::kernel::Kernel;
use crate::user_memory;

/// Bytes of a `svc` instruction.
const INSTRUCTION: u64 = 4;

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

/// The current thread's `svc #0` becomes an upcall. If its block is absent the thread faults there
/// and repeats the `svc` afterwards.
#[inline(never)]
pub(crate) fn linux_call(kernel: &mut Kernel) {
    let id = kernel.current;
    if kernel.is_watched(id) {
        trace::reflected(&mut kernel.memory, id);
    }
    if deliver(kernel, id, upcall::LINUX_CALL).is_err() {
        kernel.memory.thread(id).registers.pc -= INSTRUCTION;
        fault_on_block(kernel, id);
    }
}

/// Delivers a due upcall before `id` goes to user mode; false if it faulted instead and waits.
pub(crate) fn prepare(kernel: &mut Kernel, id: ThreadId) -> bool {
    let thread = kernel.memory.thread(id);
    if !thread.has(flag::KICKED) || thread.upcall.active != 0 {
        return true;
    }
    if thread.upcall.entry == 0 {
        thread.flags &= !flag::KICKED;
        return true;
    }
    thread.flags &= !flag::KICKED;
    if deliver(kernel, id, upcall::KICKED).is_ok() {
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
fn deliver(kernel: &mut Kernel, id: ThreadId, reason: u64) -> Result<(), Error> {
    let thread = kernel.memory.thread(id);
    let (target, space, registers) = (thread.upcall, thread.space, thread.registers);
    let mut bytes = [0; offset_of!(Block, user)];
    bytes[..size_of::<Registers>()].copy_from_slice(&to_bytes(&registers));
    bytes[offset_of!(Block, reason)..].copy_from_slice(&reason.to_ne_bytes());
    user_memory::write(&mut kernel.memory, space, target.block, &bytes)?;
    let thread = kernel.memory.thread(id);
    thread.registers.pc = target.entry;
    thread.registers.sp = target.stack;
    thread.registers.x[0] = target.block;
    thread.upcall.active = 1;
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

/// Goes on with what is in the current thread's block.
///
/// # Errors
/// [`Error::Invalid`] without an upcall, [`Error::BufferFault`] if the block is absent.
pub(crate) fn resume(kernel: &mut Kernel) -> Result<(), Error> {
    let (upcall, space) = (kernel.current().upcall, kernel.current().space);
    if upcall.entry == 0 {
        return Err(Error::Invalid);
    }
    let mut bytes = [0; size_of::<Registers>()];
    user_memory::read(&mut kernel.memory, space, upcall.block, &mut bytes)?;
    let thread = kernel.current();
    thread.registers = from_bytes(&bytes);
    thread.upcall.active = 0;
    if thread.has(WATCHED) {
        let id = kernel.current;
        trace::resumed(&mut kernel.memory, id);
    }
    Ok(())
}
