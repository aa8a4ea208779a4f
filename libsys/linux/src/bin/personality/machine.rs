//! What cannot be said in Rust: the entries, memory of the program, vector registers.
//!
//! All `unsafe` of the personality is here. A program can give any address; it is used by guarded
//! code only (a fault there is an answer), or lent to a server, which checks it; and never above
//! [`abi::layout::PERSONALITY`], where this code lives. So nothing a program names is memory that Rust owns.

use crate::areas::{self, Front};
use crate::calls::quick::QUICK;
use crate::thread::Thread;
use abi::layout::GUARDED_BYTES;
use abi::thread::{Block, upcall};
use abi::{Errno, call};
use core::arch::{asm, global_asm};
use core::mem::offset_of;
use libsys::lease::Loan;
use personality::local::{LOCAL, NUMBERS};

global_asm!(
    // x0 target, x1 source, x2 bytes: copies; x0 = 0 then. A fault goes on at the end of this
    // section, with x0 = 1. Code here keeps x30 and sp as they were.
    ".section .text.guarded, \"ax\"",
    ".global personality_copy",
    "personality_copy:",
    "1: cmp x2, #64",
    "b.lo 2f",
    "ldp x3, x4, [x1], #16",
    "ldp x5, x6, [x1], #16",
    "ldp x7, x8, [x1], #16",
    "ldp x9, x10, [x1], #16",
    "stp x3, x4, [x0], #16",
    "stp x5, x6, [x0], #16",
    "stp x7, x8, [x0], #16",
    "stp x9, x10, [x0], #16",
    "sub x2, x2, #64",
    "b 1b",
    "2: tbz x2, #5, 3f",
    "ldp x3, x4, [x1], #16",
    "ldp x5, x6, [x1], #16",
    "stp x3, x4, [x0], #16",
    "stp x5, x6, [x0], #16",
    "3: tbz x2, #4, 4f",
    "ldp x3, x4, [x1], #16",
    "stp x3, x4, [x0], #16",
    "4: tbz x2, #3, 5f",
    "ldr x3, [x1], #8",
    "str x3, [x0], #8",
    "5: tbz x2, #2, 6f",
    "ldr w3, [x1], #4",
    "str w3, [x0], #4",
    "6: tbz x2, #1, 7f",
    "ldrh w3, [x1], #2",
    "strh w3, [x0], #2",
    "7: tbz x2, #0, 8f",
    "ldrb w3, [x1]",
    "strb w3, [x0]",
    "8: mov x0, #0",
    "ret",
    // x0 address, x1 most: counts the bytes before the first zero, or x1 without one; x1 is the
    // count, x0 = 0. A fault as above.
    ".global personality_length",
    "personality_length:",
    "mov x2, x0",
    "add x1, x0, x1",
    "4: cmp x2, x1",
    "b.eq 5f",
    "ldrb w3, [x2], #1",
    "cbnz w3, 4b",
    "sub x2, x2, #1",
    "5: sub x1, x2, x0",
    "mov x0, #0",
    "ret",
    ".balign {guarded}, 0",
    ".previous",
    ".section .text.fixed, \"ax\"",
    "mov x0, #1",
    "ret",
    // abi::layout::MISSING
    ".quad {missing}",
    ".previous",
    // A kick: x0 and sp are the front of the thread's area, below which its stack ends.
    ".section .text.upcall, \"ax\"",
    "personality_kicked:",
    "mov x29, xzr",
    "mov x30, xzr",
    "bl {kicked}",
    "personality_resume:",
    "mov x10, #{resume}",
    "svc #1",
    "brk #1",
    // A Linux call: sp is the front of the area; x16 and x17 are free, all other registers the program's. A call that LOCAL knows is answered here, by the piece of
    // 32 bytes that it names.
    "personality_call:",
    "cmp x8, #{numbers}",
    "b.hs 6f",
    "adrp x16, {quick}",
    "add x16, x16, :lo12:{quick}",
    "ldr x17, [x16, x8, lsl #3]",
    "cbnz x17, personality_call_quick",
    "adrp x16, {local}",
    "add x16, x16, :lo12:{local}",
    "ldrb w16, [x16, x8]",
    "adr x17, 4f",
    "add x17, x17, x16, lsl #5",
    "br x17",
    ".balign 32",
    "4: b personality_call_saved",
    ".balign 32",
    // 1: ENOSYS, counted; Rust tells of the first.
    "adrp x16, {missing}",
    "add x16, x16, :lo12:{missing}",
    "ldr w17, [x16, x8, lsl #2]",
    "cbz w17, personality_call_saved",
    "add w17, w17, #1",
    "str w17, [x16, x8, lsl #2]",
    "5: mov x0, #-{enosys}",
    "svc #2",
    ".balign 32",
    // 2: the pid, if it is known.
    "mov x16, sp",
    "ldr w17, [x16, #{pid}]",
    "cbz w17, personality_call_saved",
    "mov x0, x17",
    "svc #2",
    ".balign 32",
    // 3: the parent's number, if it is known.
    "mov x16, sp",
    "ldr w17, [x16, #{parent}]",
    "cbz w17, personality_call_saved",
    "mov x0, x17",
    "svc #2",
    ".balign 32",
    // A number that nothing is known of.
    "6: adrp x16, {missing}",
    "add x16, x16, :lo12:{missing}",
    "ldr w17, [x16, #4 * {numbers}]",
    "cbz w17, personality_call_saved",
    "add w17, w17, #1",
    "str w17, [x16, #4 * {numbers}]",
    "b 5b",
    // What Rust may change is saved in the block x16.
    ".macro save_changing",
    "stp x0, x1, [x16, #0]",
    "stp x2, x3, [x16, #16]",
    "stp x4, x5, [x16, #32]",
    "stp x6, x7, [x16, #48]",
    "stp x8, x9, [x16, #64]",
    "stp x10, x11, [x16, #80]",
    "stp x12, x13, [x16, #96]",
    "stp x14, x15, [x16, #112]",
    "str x18, [x16, #144]",
    "stp x29, x30, [x16, #232]",
    ".endm",
    // What Rust preserves is saved, too, because a signal frame may need it.
    ".macro save_preserved",
    "stp x19, x20, [x16, #152]",
    "stp x21, x22, [x16, #168]",
    "stp x23, x24, [x16, #184]",
    "stp x25, x26, [x16, #200]",
    "stp x27, x28, [x16, #216]",
    "str xzr, [x16, #{reason}]",
    "str xzr, [x16, #{complete}]",
    "mov x0, x16",
    "mov x29, xzr",
    "mov x30, xzr",
    ".endm",
    // The function x17 does the call with its arguments alone.
    "personality_call_quick:",
    "mov x16, sp",
    "save_changing",
    "str xzr, [x16, #{repeated}]",
    "mov x29, xzr",
    "blr x17",
    "mov x16, sp",
    "cbnz x1, 6f",
    "ldr x1, [x16, #8]",
    "7: ldp x2, x3, [x16, #16]",
    "ldp x4, x5, [x16, #32]",
    "ldp x6, x7, [x16, #48]",
    "ldp x8, x9, [x16, #64]",
    "ldp x10, x11, [x16, #80]",
    "ldp x12, x13, [x16, #96]",
    "ldp x14, x15, [x16, #112]",
    "ldr x18, [x16, #144]",
    "ldp x29, x30, [x16, #232]",
    "svc #2",
    "brk #1",
    "6: save_preserved",
    "bl {failed}",
    "b 8f",
    // Anything else.
    "personality_call_saved:",
    "mov x16, sp",
    "save_changing",
    "save_preserved",
    "bl {linux_call}",
    "8: mov x16, sp",
    "ldr x17, [x16, #{complete}]",
    "cbnz x17, 9f",
    "ldp x0, x1, [x16, #0]",
    "b 7b",
    // What the kernel keeps, or Rust preserves, may have changed.
    "9: ldp x2, x1, [x16, #248]",
    "ldr x3, [x16, #264]",
    "ldp x4, x5, [x16, #128]",
    "mov x10, #{caller_set}",
    "svc #1",
    "mov x16, sp",
    "ldp x0, x1, [x16, #0]",
    "ldp x2, x3, [x16, #16]",
    "ldp x4, x5, [x16, #32]",
    "ldp x6, x7, [x16, #48]",
    "ldp x8, x9, [x16, #64]",
    "ldp x10, x11, [x16, #80]",
    "ldp x12, x13, [x16, #96]",
    "ldp x14, x15, [x16, #112]",
    "ldp x18, x19, [x16, #144]",
    "ldp x20, x21, [x16, #160]",
    "ldp x22, x23, [x16, #176]",
    "ldp x24, x25, [x16, #192]",
    "ldp x26, x27, [x16, #208]",
    "ldp x28, x29, [x16, #224]",
    "ldr x30, [x16, #240]",
    "svc #2",
    "brk #1",
    // The program's first instruction, x0, with its stack, x1. All other registers are 0.
    "personality_enter:",
    "mov sp, x1",
    "mov x16, x0",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,17,18,19,20,21,22,23,24,25,26,27,28,29,30",
    "mov x\\n, xzr",
    ".endr",
    "br x16",
    ".arch_extension fp",
    ".arch_extension simd",
    // x0: 528 bytes: fpsr, fpcr, then v0 to v31.
    "personality_save_vector:",
    "mrs x1, fpsr",
    "mrs x2, fpcr",
    "stp w1, w2, [x0], #8",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    "str q\\n, [x0], #16",
    ".endr",
    "ret",
    // The inverse.
    "personality_load_vector:",
    "ldp w1, w2, [x0], #8",
    "msr fpsr, x1",
    "msr fpcr, x2",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    "ldr q\\n, [x0], #16",
    ".endr",
    "ret",
    ".previous",
    guarded = const GUARDED_BYTES,
    resume = const call::UPCALL_RESUME,
    caller_set = const call::UPCALL_CALLER_SET,
    kicked = sym crate::kicked,
    linux_call = sym crate::linux_call,
    failed = sym crate::failed,
    quick = sym QUICK,
    reason = const offset_of!(Block, reason),
    complete = const offset_of!(Block, user) + 8,
    numbers = const NUMBERS,
    local = sym LOCAL,
    missing = sym crate::MISSING,
    enosys = const Errno::ENOSYS.0,
    pid = const offset_of!(Front, thread) + Thread::PID,
    parent = const offset_of!(Front, thread) + Thread::PARENT,
    repeated = const offset_of!(Front, thread) + Thread::REPEATED,
);

unsafe extern "C" {
    fn personality_copy(to: u64, from: u64, bytes: usize) -> u64;
    fn personality_length(address: u64, most: usize) -> Length;
    fn personality_sigreturn();
    fn personality_kicked();
    fn personality_call();
    fn personality_enter(entry: u64, stack: u64) -> !;
    fn personality_save_vector(to: *mut u8);
    fn personality_load_vector(from: *const u8);
}

/// Whether a range of the program's is what it may name.
fn check(address: u64, bytes: usize) -> Result<(), Errno> {
    personality::memory::outside(address, bytes as u64, Errno::EFAULT)
}

/// Copies from the program.
///
/// # Errors
/// `EFAULT` where nothing can be read.
pub fn read(address: u64, into: &mut [u8]) -> Result<(), Errno> {
    check(address, into.len())?;
    // SAFETY: the target is borrowed; the source is not ours, and a fault there is the result 1.
    match unsafe { personality_copy(into.as_mut_ptr() as u64, address, into.len()) } {
        0 => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

/// Copies to the program.
///
/// # Errors
/// `EFAULT` where nothing can be written.
pub fn write(address: u64, from: &[u8]) -> Result<(), Errno> {
    check(address, from.len())?;
    // SAFETY: the source is borrowed; the target is not ours, and a fault there is the result 1.
    match unsafe { personality_copy(address, from.as_ptr() as u64, from.len()) } {
        0 => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

/// What `personality_length` returns in two registers.
#[repr(C)]
struct Length {
    fault: u64,
    bytes: usize,
}

/// Bytes of the string at `address` before its final zero; `None` if the first `most` have none.
///
/// # Errors
/// `EFAULT` where nothing can be read.
pub fn length(address: u64, most: usize) -> Result<Option<usize>, Errno> {
    // Nothing behind the end of what programs have is looked at.
    let most = most.min(abi::layout::PERSONALITY.saturating_sub(address) as usize);
    // SAFETY: reads only, and a fault there is the result 1.
    let found = unsafe { personality_length(address, most) };
    if found.fault != 0 || most == 0 {
        return Err(Errno::EFAULT);
    }
    Ok((found.bytes < most).then_some(found.bytes))
}

/// Lends `bytes` of the program's memory to be written by a server.
///
/// # Errors
/// `EFAULT` for addresses that no program has.
pub fn lend_out(address: u64, bytes: usize) -> Result<Loan<'static>, Errno> {
    check(address, bytes)?;
    // SAFETY: below the personality nothing belongs to this code.
    Ok(unsafe { Loan::write_at(address, bytes) })
}

/// Lends `bytes` of the program's memory to be read and written.
///
/// # Errors
/// As [`lend_out`].
pub fn lend_both(address: u64, bytes: usize) -> Result<Loan<'static>, Errno> {
    check(address, bytes)?;
    // SAFETY: below the personality nothing belongs to this code.
    Ok(unsafe { Loan::both_at(address, bytes) })
}

/// Lends `bytes` of the program's memory to be read.
///
/// # Errors
/// As [`lend_out`].
pub fn lend_in(address: u64, bytes: usize) -> Result<Loan<'static>, Errno> {
    check(address, bytes)?;
    Ok(Loan::read_at(address, bytes))
}

/// The vector state (`fpsr`, `fpcr`, v0 to v31).
pub fn save_vector(into: &mut [u8; personality::frame::VECTOR_BYTES]) {
    // SAFETY: writes exactly so many bytes; no compiled code here uses vector registers.
    unsafe { personality_save_vector(into.as_mut_ptr()) }
}

/// Sets the vector state.
pub fn load_vector(from: &[u8; personality::frame::VECTOR_BYTES]) {
    // SAFETY: reads exactly so many bytes; no compiled code here uses vector registers.
    unsafe { personality_load_vector(from.as_ptr()) }
}

/// Sets the thread pointer of the program.
pub fn set_thread_pointer(value: u64) {
    // SAFETY: TPIDR_EL0 belongs to the program; code here does not use it.
    unsafe { asm!("msr tpidr_el0, {}", in(reg) value, options(nostack, nomem)) }
}

/// Address of the instructions that end a handler.
pub fn sigreturn() -> u64 {
    personality_sigreturn as *const () as u64
}

/// Completes the block of a Linux call, of which the kernel still keeps a part: for whoever looks at
/// the program's pc, sp or flags, or changes more registers than x0.
pub fn complete(block: &mut Block) {
    if block.reason != upcall::LINUX_CALL || block.user[1] != 0 {
        return;
    }
    let mut registers = [0; 18];
    registers[10] = call::UPCALL_CALLER;
    // SAFETY: the call writes no memory.
    unsafe { libsys::arch::raw_kernel_call(&mut registers) };
    let [_, pc, sp, pstate, x16, x17, ..] = registers;
    block.registers.pc = pc;
    block.registers.sp = sp;
    block.registers.pstate = pstate;
    block.registers.x[16] = x16;
    block.registers.x[17] = x17;
    block.user[1] = 1;
}

/// The thread pointer of the program.
pub fn thread_pointer() -> u64 {
    let value;
    // SAFETY: reads a register, which belongs to the program.
    unsafe { asm!("mrs {}, tpidr_el0", out(reg) value, options(nostack, nomem)) }
    value
}

/// Registers the upcall and starts the program, whose stack is at `stack`.
pub fn enter(entry: u64, stack: u64) -> ! {
    let area = areas::first();
    let mut registers = [0; 18];
    registers[0] = personality_kicked as *const () as u64;
    registers[1] = area.address();
    registers[2] = area.address();
    registers[3] = personality_call as *const () as u64;
    registers[10] = call::UPCALL_SET;
    // SAFETY: the block and the stack are ours and used by nothing but upcalls.
    unsafe { libsys::arch::raw_kernel_call(&mut registers) };
    // SAFETY: leaves this code for good; what is on the stack above `stack` is the program's.
    unsafe { personality_enter(entry, stack) }
}

/// The word at `address` of the initial stack or of the mapped interpreter.
pub fn word(address: u64) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    read(address, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
