//! Lazy vector registers: they stay with the thread that used them last, and the next one that
//! wants them traps.

use core::arch::global_asm;

use aarch64_cpu::registers::{CPACR_EL1, Writeable};
use kernel_core::thread::VectorState;

/// `CPACR_EL1` while a thread may use vector registers; 0 makes it trap (Arm ARM, "CPACR_EL1.FPEN").
pub(crate) const ALLOWED: u64 = 3 << 20;

global_asm!(
    ".arch_extension fp",
    ".arch_extension simd",
    ".section .text.vector_state, \"ax\"",
    "vector_save:",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    "str q\\n, [x0, #16*\\n]",
    ".endr",
    "mrs x1, fpsr",
    "mrs x2, fpcr",
    "add x0, x0, #512",
    "stp x1, x2, [x0]",
    "ret",
    "vector_load:",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
    "ldr q\\n, [x0, #16*\\n]",
    ".endr",
    "add x0, x0, #512",
    "ldp x1, x2, [x0]",
    "msr fpsr, x1",
    "msr fpcr, x2",
    "ret",
);

unsafe extern "C" {
    fn vector_save(to: *mut VectorState);
    fn vector_load(from: *const VectorState);
}

/// Lets the kernel touch the vector registers until the next return to user mode, which sets the
/// thread's own value again.
pub(crate) fn open() {
    CPACR_EL1.set(ALLOWED);
    // SAFETY: a barrier, so that the next instruction no longer traps.
    unsafe { core::arch::asm!("isb", options(nostack)) };
}

/// Copies the vector registers to memory; [`open`] first.
pub(crate) fn save(to: &mut VectorState) {
    // SAFETY: `to` is a live, aligned structure with the layout that the code writes (528 bytes).
    unsafe { vector_save(to) };
}

/// Copies memory to the vector registers; [`open`] first.
pub(crate) fn load(from: &VectorState) {
    // SAFETY: `from` is a live, aligned structure; the kernel itself keeps nothing in the vector
    // registers (it is built for soft-float).
    unsafe { vector_load(from) };
}
