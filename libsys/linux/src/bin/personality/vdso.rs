//! The clocks that programs call without entering the kernel: an ELF image in the personality's text, of
//! which the auxiliary vector tells (`AT_SYSINFO_EHDR`), as Linux's vDSO.
//!
//! C libraries look its functions up by name and by the version `LINUX_2.6.39`. What it cannot answer
//! alone it asks for with the call of the same meaning.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

/// What the image's code reads. It is at a fixed address, as the code is.
#[repr(C)]
struct Clocks {
    /// Nanoseconds per tick of the counter, times 2^32.
    scale: AtomicU64,
    /// Nanoseconds from 1970 to the machine's start; 0 as long as nobody has asked for it.
    epoch_ns: AtomicU64,
}

static CLOCKS: Clocks = Clocks {
    scale: AtomicU64::new(0),
    epoch_ns: AtomicU64::new(0),
};

/// Tells the image how fast the counter is.
pub fn start() {
    CLOCKS
        .scale
        .store(libsys::clock::scale(), Ordering::Relaxed);
}

/// Tells the image when the machine was started.
pub fn know_epoch(ns: u64) {
    CLOCKS.epoch_ns.store(ns, Ordering::Relaxed);
}

// Addresses in the image count from its start, because it is loaded at 0 as its program header says.
// Its layout: Arm, "ELF for the Arm 64-bit Architecture"; System V ABI, "Object Files", "Dynamic Linking".
global_asm!(
    ".section .text.vdso, \"ax\"",
    ".balign 4096",
    "vdso:",
    ".ascii \"\\177ELF\"",
    ".byte 2, 1, 1, 0", // 64 bits, little endian
    ".quad 0",
    ".hword 3, 183", // a shared object for AArch64
    ".word 1",
    ".quad 0, 64, 0", // no entry, program headers, no sections
    ".word 0",
    ".hword 64, 56, 2, 64, 0, 0",
    ".word 1, 5", // all of it, readable and executable
    ".quad 0, 0, 0, vdso_end - vdso, vdso_end - vdso, 4096",
    ".word 2, 4", // the dynamic section
    ".quad vdso_dynamic - vdso, vdso_dynamic - vdso, vdso_dynamic - vdso",
    ".quad vdso_hash - vdso_dynamic, vdso_hash - vdso_dynamic, 8",
    "vdso_dynamic:",
    ".quad 4, vdso_hash - vdso",
    ".quad 5, vdso_strings - vdso",
    ".quad 6, vdso_symbols - vdso",
    ".quad 10, vdso_strings_end - vdso_strings",
    ".quad 11, 24",
    ".quad 14, vdso_name - vdso_strings",
    ".quad 0x6ffffff0, vdso_symbol_versions - vdso",
    ".quad 0x6ffffffc, vdso_versions - vdso",
    ".quad 0x6ffffffd, 2",
    ".quad 0, 0",
    // One bucket: every look-up goes through all symbols.
    "vdso_hash:",
    ".word 1, 5, 1, 0, 2, 3, 4, 0",
    "vdso_symbols:",
    ".zero 24",
    ".irp name, clock_gettime, gettimeofday, clock_getres, rt_sigreturn",
    ".word vdso_name_\\name - vdso_strings",
    ".byte 0x12, 0", // a global function
    ".hword 1",
    ".quad vdso_\\name - vdso, vdso_\\name\\()_end - vdso_\\name",
    ".endr",
    "vdso_symbol_versions:",
    ".hword 0, 2, 2, 2, 2",
    ".balign 4",
    "vdso_versions:",
    ".hword 1, 1, 1, 1",
    ".word 0xdeebfa1, 20, 28, vdso_name - vdso_strings, 0",
    ".hword 1, 0, 2, 1",
    ".word 0x75fcb89, 20, 0, vdso_version - vdso_strings, 0",
    "vdso_strings:",
    ".byte 0",
    "vdso_name: .asciz \"linux-vdso.so.1\"",
    "vdso_version: .asciz \"LINUX_2.6.39\"",
    ".irp name, clock_gettime, gettimeofday, clock_getres, rt_sigreturn",
    "vdso_name_\\name: .asciz \"__kernel_\\name\"",
    ".endr",
    "vdso_strings_end:",
    ".balign 16",
    // w0 clock, x1 struct timespec. CLOCK_MONOTONIC and its kin (4, 6, 7) are the counter's time,
    // CLOCK_REALTIME and _COARSE (0, 5) that and the epoch.
    "vdso_clock_gettime:",
    "mov x6, xzr",
    "adrp x7, {clocks}",
    "add x7, x7, :lo12:{clocks}",
    "cmp w0, #1",
    "b.eq 2f",
    "cmp w0, #7",
    "b.hi 1f",
    "mov w2, #1",
    "lsl w2, w2, w0",
    "mov w3, #0xd0",
    "tst w2, w3",
    "b.ne 2f",
    "mov w3, #0x21",
    "tst w2, w3",
    "b.eq 1f",
    "ldr x6, [x7, #8]",
    "cbnz x6, 2f",
    "1: mov x8, #113",
    "svc #0",
    "ret",
    "2: ldr x4, [x7]",
    "cbz x4, 1b",
    "isb", // the counter is not to be read early (Arm ARM, "CNTVCT_EL0")
    "mrs x2, cntvct_el0",
    "mul x5, x2, x4",
    "umulh x2, x2, x4",
    "extr x2, x2, x5, #32",
    "add x2, x2, x6",
    "mov w3, #0xca00",
    "movk w3, #0x3b9a, lsl #16",
    "udiv x4, x2, x3",
    "msub x2, x4, x3, x2",
    "stp x4, x2, [x1]",
    "mov x0, xzr",
    "ret",
    "vdso_clock_gettime_end:",
    ".balign 16",
    // x0 struct timeval, x1 struct timezone.
    "vdso_gettimeofday:",
    "adrp x7, {clocks}",
    "add x7, x7, :lo12:{clocks}",
    "ldp x4, x6, [x7]",
    "cbz x4, 1f",
    "cbz x6, 1f",
    "cbz x0, 2f",
    "isb",
    "mrs x2, cntvct_el0",
    "mul x5, x2, x4",
    "umulh x2, x2, x4",
    "extr x2, x2, x5, #32",
    "add x2, x2, x6",
    "mov w3, #1000",
    "udiv x2, x2, x3",
    "mul w3, w3, w3",
    "udiv x4, x2, x3",
    "msub x2, x4, x3, x2",
    "stp x4, x2, [x0]",
    "2: cbz x1, 3f",
    "str xzr, [x1]",
    "3: mov x0, xzr",
    "ret",
    "1: mov x8, #169",
    "svc #0",
    "ret",
    "vdso_gettimeofday_end:",
    ".balign 16",
    "vdso_clock_getres:",
    "mov x8, #114",
    "svc #0",
    "ret",
    "vdso_clock_getres_end:",
    // Where handlers without a restorer of their own return to. Debuggers know it by exactly these
    // two instructions. The one before is there for unwinders, which look at the caller's.
    ".balign 16",
    "nop",
    ".global personality_sigreturn",
    "personality_sigreturn:",
    "vdso_rt_sigreturn:",
    "mov x8, #139",
    "svc #0",
    "vdso_rt_sigreturn_end:",
    "vdso_end:",
    ".previous",
    clocks = sym CLOCKS,
);
