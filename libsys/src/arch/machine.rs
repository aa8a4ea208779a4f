//! The assembly: kernel calls, the start of a process, the upcall.

use super::{Lease, Message, Returned};
use core::arch::{asm, global_asm};

global_asm!(include_str!("../../memory.s"));

#[inline(always)]
pub fn send(
    endpoint: u64,
    number: u64,
    message: &Message,
    pass: u64,
    leases: &[Lease; 2],
) -> Returned {
    let (status, label, badge, token, lease_0, lease_1, handle);
    let mut w = message.words;
    // SAFETY: `svc #1` enters the kernel, which returns here with x18-x30 and sp as they were
    // and x0-x17 as the contract says. It writes no memory of ours but through servers that
    // use the leases, whose ranges the caller's types own; without `nomem` the compiler
    // assumes that memory changed.
    unsafe {
        asm!(
            "svc #1",
            inout("x0") endpoint => status,
            inout("x1") message.label => label,
            inout("x2") w[0], inout("x3") w[1], inout("x4") w[2], inout("x5") w[3],
            inout("x6") w[4], inout("x7") w[5], inout("x8") w[6], inout("x9") w[7],
            inout("x10") number => badge,
            inout("x11") pass => token,
            inout("x12") leases[0].address => lease_0,
            inout("x13") leases[0].length => lease_1,
            inout("x14") leases[1].address => _,
            inout("x15") leases[1].length => _,
            out("x16") handle,
            out("x17") _,
            options(nostack)
        );
    }
    Returned {
        status,
        label,
        words: w,
        badge,
        token,
        leases: [lease_0, lease_1],
        handle,
    }
}

#[inline(always)]
pub fn answer(endpoint: u64, number: u64, message: &Message, token: u64, pass: u64) -> Returned {
    let (status, label, badge, next, lease_0, lease_1, handle);
    let mut w = message.words;
    // SAFETY: as in `send`; no leases are given, so nobody writes memory of ours.
    unsafe {
        asm!(
            "svc #1",
            inout("x0") endpoint => status,
            inout("x1") message.label => label,
            inout("x2") w[0], inout("x3") w[1], inout("x4") w[2], inout("x5") w[3],
            inout("x6") w[4], inout("x7") w[5], inout("x8") w[6], inout("x9") w[7],
            inout("x10") number => badge,
            inout("x11") token => next,
            out("x12") lease_0,
            out("x13") lease_1,
            out("x14") _,
            out("x15") _,
            inout("x16") pass => handle,
            out("x17") _,
            options(nostack)
        );
    }
    Returned {
        status,
        label,
        words: w,
        badge,
        token: next,
        leases: [lease_0, lease_1],
        handle,
    }
}

#[inline(always)]
pub fn simple(number: u64, a: [u64; 6]) -> [u64; 6] {
    let mut x = a;
    // SAFETY: as in `send`; buffers whose addresses are passed belong to the caller of the
    // wrapper, which holds a reference to them.
    unsafe {
        asm!(
            "svc #1",
            inout("x0") x[0], inout("x1") x[1], inout("x2") x[2],
            inout("x3") x[3], inout("x4") x[4], inout("x5") x[5],
            out("x6") _, out("x7") _, out("x8") _, out("x9") _,
            inout("x10") number => _,
            out("x11") _, out("x12") _, out("x13") _, out("x14") _, out("x15") _,
            out("x16") _, out("x17") _,
            options(nostack)
        );
    }
    x
}

/// Gives the kernel any registers whatever, with `svc #1`.
///
/// # Safety
/// The registers may name ranges of own memory (leases, buffers, an upcall block) that get
/// overwritten: the caller answers for their being nobody else's.
pub unsafe fn raw_kernel_call(registers: &mut [u64; 18]) {
    let r = registers;
    // SAFETY: the caller answers for what the registers name; all that may change is declared.
    unsafe {
        asm!(
            "svc #1",
            inout("x0") r[0], inout("x1") r[1], inout("x2") r[2], inout("x3") r[3],
            inout("x4") r[4], inout("x5") r[5], inout("x6") r[6], inout("x7") r[7],
            inout("x8") r[8], inout("x9") r[9], inout("x10") r[10], inout("x11") r[11],
            inout("x12") r[12], inout("x13") r[13], inout("x14") r[14], inout("x15") r[15],
            inout("x16") r[16], inout("x17") r[17],
            options(nostack)
        );
    }
}

/// Executes the `svc` instruction with one of a few immediates (`index` modulo 8: 0, 2, 3, 7,
/// 80, 255, 4096, 65535), with any registers. What the kernel makes of it is an exception or an
/// upcall, both of which the process must have arranged for.
///
/// # Safety
/// As [`raw_kernel_call`].
pub unsafe fn raw_svc(index: usize, registers: &mut [u64; 18]) {
    let r = registers;
    macro_rules! svc {
        ($instruction:literal) => {
            // SAFETY: the caller answers for what the registers name.
            unsafe {
                asm!(
                    $instruction,
                    inout("x0") r[0], inout("x1") r[1], inout("x2") r[2], inout("x3") r[3],
                    inout("x4") r[4], inout("x5") r[5], inout("x6") r[6], inout("x7") r[7],
                    inout("x8") r[8], inout("x9") r[9], inout("x10") r[10], inout("x11") r[11],
                    inout("x12") r[12], inout("x13") r[13], inout("x14") r[14], inout("x15") r[15],
                    inout("x16") r[16], inout("x17") r[17],
                    options(nostack)
                )
            }
        };
    }
    match index % 8 {
        0 => svc!("svc #0"),
        1 => svc!("svc #2"),
        2 => svc!("svc #3"),
        3 => svc!("svc #7"),
        4 => svc!("svc #80"),
        5 => svc!("svc #255"),
        6 => svc!("svc #4096"),
        _ => svc!("svc #65535"),
    }
}

#[inline(always)]
pub fn counter() -> u64 {
    let ticks;
    // SAFETY: the kernel lets user mode read the counter. The barrier keeps the read from
    // happening before earlier instructions (Arm ARM, "CNTVCT_EL0").
    unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack, nomem)) };
    ticks
}

#[inline(always)]
pub fn counter_hz() -> u64 {
    let hz;
    // SAFETY: reading CNTFRQ_EL0 is allowed in user mode and has no effect.
    unsafe { asm!("mrs {}, cntfrq_el0", out(reg) hz, options(nostack, nomem, pure)) };
    hz
}

// The start: sp is the initial stack (argc, argv, envp, auxiliary vector), x0 and x1 what
// THREAD_START was given.
global_asm!(
    ".section .text.start, \"ax\"",
    ".global _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x2, sp",
    "bl {start}",
    "brk #1",
    ".previous",
    start = sym crate::runtime::start,
);

// The upcall. The kernel has left the interrupted registers in the block (x0) and keeps further
// upcalls back until UPCALL_RESUME. They are copied into a frame on the program's own stack,
// and the thread goes on, upcalls open again, at `libsys_deliver` above that frame. When there
// is nothing left to deliver, `libsys_restore` copies the frame back to the block and resumes.
//
// An upcall inside `libsys_restore` would overwrite the half-written block; so its saved pc is
// set back to the start of that copy, which needs only x0 and changes only scratch registers.
global_asm!(
    ".section .text.upcall, \"ax\"",
    ".global libsys_upcall",
    "libsys_upcall:",
    "ldr x1, [x0, #256]",
    "adr x2, libsys_restore",
    "adr x3, libsys_restore_end",
    "cmp x1, x2",
    "b.lo 1f",
    "cmp x1, x3",
    "b.hs 1f",
    "str x2, [x0, #256]",
    "1: ldr x4, [x0, #248]",
    "sub x4, x4, #272",
    "and x4, x4, #-16",
    "mov x2, x0",
    "mov x3, x4",
    "mov x5, #17",
    "2: ldp x6, x7, [x2], #16",
    "stp x6, x7, [x3], #16",
    "subs x5, x5, #1",
    "b.ne 2b",
    "str x4, [x0]",
    "str x4, [x0, #248]",
    "adr x2, libsys_deliver",
    "str x2, [x0, #256]",
    "mov x10, {resume}",
    "svc #1",
    "brk #1",
    "libsys_deliver:",
    "mov x19, x0",
    "bl {deliver}",
    "mov x0, x19",
    "libsys_restore:",
    "mov x3, x0",
    "ldr x2, 4f",
    "mov x5, #17",
    "3: ldp x6, x7, [x3], #16",
    "stp x6, x7, [x2], #16",
    "subs x5, x5, #1",
    "b.ne 3b",
    "mov x10, {resume}",
    "svc #1",
    "libsys_restore_end:",
    "brk #1",
    ".balign 8",
    "4: .quad {block}",
    ".previous",
    resume = const super::number::UPCALL_RESUME,
    deliver = sym crate::signal::deliver,
    block = sym super::upcall::UPCALL,
);

unsafe extern "C" {
    pub fn libsys_upcall();
}

/// Address of the upcall's entry.
pub fn upcall_entry() -> u64 {
    libsys_upcall as *const () as u64
}
