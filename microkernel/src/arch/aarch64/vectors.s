// Into the kernel and out again.
//
// While a thread runs in user mode, SP_EL1 is the address of its `Thread`, so the first
// instruction can save registers without a scratch register. The kernel proper runs on the
// kernel stack. There are several ways through, which check everything before they change anything:
//
//   fast_path.s   a message that fits registers, a peer that waits: nothing is saved but what the
//                 call stub does not declare clobbered, and the words stay where they are
//   fast_fault.s  a page fault, to a pager that waits
//   fast_lease.s  a copy from or to a caller's memory that stays inside a page on either side
//   short_call    a call after which the same thread goes on: Rust, but only its arguments move; some
//                 of them, as MASK_CHANGE, without Rust
//   reflect.s     a Linux call, to libsys in the same process and back: five registers change
//   enter         everything else: all registers go to the `Thread`, then Rust
//
// The way out is light if Rust chose the same thread (its callee-saved and system registers still
// hold what they held), and full otherwise.

    .section .text.vectors, "ax"
    .balign 2048
    .global vectors
vectors:
    // From the kernel itself, whichever stack pointer: always a bug.
    .rept 8
    b       kernel_fault
    .balign 128
    .endr

    // From user mode, synchronous: `svc` and faults.
    stp     x16, x17, [sp, #128]
    mrs     x16, esr_el1
    mov     w17, #1
    movk    w17, #0x5600, lsl #16   // svc #1 from AArch64 (Arm ARM, "ESR_EL1", EC 0x15)
    cmp     w16, w17
    b.ne    not_kernel_call
    cbz     x10, fast_call
    cmp     x10, #1
    b.eq    fast_reply_receive
    b       short_call
    .balign 128

    // From user mode: an interrupt.
    stp     x16, x17, [sp, #128]
    mov     w17, #{interrupt}
    b       enter
    .balign 128

    // From user mode: a fast interrupt, which nobody configures, and a system error.
    .rept 2
    stp     x16, x17, [sp, #128]
    mov     w17, #{system_error}
    b       enter
    .balign 128
    .endr

    // From user mode in AArch32, which no thread can be in.
    .rept 4
    b       kernel_fault
    .balign 128
    .endr

not_kernel_call:
    sub     w17, w17, #1            // svc #0
    cmp     w16, w17
    b.eq    linux_call
    add     w17, w17, #2            // svc #2
    cmp     w16, w17
    b.eq    linux_return
    lsr     w17, w16, #26
    cmp     w17, #0x24              // a data abort (Arm ARM, "ESR_EL1", EC)
    b.eq    fast_fault
    cmp     w17, #0x20              // an instruction abort
    b.eq    fast_fault
enter_synchronous:
    mov     w17, #{synchronous}
enter:
    stp     x0, x1, [sp, #0]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x0, sp_el0
    stp     x30, x0, [sp, #240]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x0, x1, [sp, #256]
    mrs     x0, tpidr_el0
    str     x0, [sp, #{tpidr}]
    mov     x19, sp
    adrp    x0, __stack_top
    add     x0, x0, :lo12:__stack_top
    mov     sp, x0
    mov     x0, x19
    mrs     x1, esr_el1
    mrs     x2, far_el1
    mov     w3, w17
    mov     x29, xzr
    mov     x30, xzr
    bl      {kernel_entry}
    cmp     x0, x19
    b.ne    leave
    mov     sp, x0
    ldp     x18, x19, [sp, #144]
    ldp     x28, x29, [sp, #224]
    ldr     x30, [sp, #240]
leave_scratch:
    ldp     x0, x1, [sp, #0]
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    eret

// A call after which the same thread goes on, by number (x10): what the call stub declares clobbered
// need not be saved, and Rust preserves x19 to x28.
short_call:
    cmp     x10, #63
    b.hi    enter_synchronous
    mov     x16, #1
    lsl     x16, x16, x10
    tst     x16, #{leases}
    b.ne    fast_lease
short_call_rust:
    mov     x16, #{short_calls_0}
    movk    x16, #{short_calls_16}, lsl #16
    movk    x16, #{short_calls_48}, lsl #48
    lsr     x16, x16, x10
    tbz     x16, #0, not_short
    ldr     w16, [sp, #{flags}]
    cbnz    w16, enter_synchronous
    cmp     x10, #{reply}
    b.ne    1f
    stp     x0, x1, [sp, #0]        // the message; and all, in case Rust declines
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
1:  mov     x17, sp
    adrp    x16, __stack_top
    add     x16, x16, :lo12:__stack_top
    mov     sp, x16
    stp     x18, x30, [sp, #-32]!
    stp     x17, x29, [sp, #16]
    mov     x6, x10
    mov     x7, x17
    mov     x29, xzr
    mov     x30, xzr
    bl      {short_call}
    ldp     x18, x30, [sp]
    ldp     x17, x29, [sp, #16]
    mov     sp, x17
    cmn     x0, #1
    b.eq    short_call_declined
    mov     x2, xzr
    mov     x3, xzr
    mov     x4, xzr
    mov     x5, xzr
    mov     x6, xzr
    mov     x7, xzr
    mov     x8, xzr
    mov     x9, xzr
    mov     x10, xzr
    mov     x11, xzr
    mov     x12, xzr
    mov     x13, xzr
    mov     x14, xzr
    mov     x15, xzr
    mov     x16, xzr
    mov     x17, xzr
    eret

// MASK_CHANGE, unless what is pinned would be clear: x0 bits to keep, x1 bits to set. Anything else is
// no short call.
not_short:
    cmp     x10, #{mask_change}
    b.ne    not_mask_change
    ldp     x16, x17, [sp, #{mask}]         // and what is pinned
    and     x11, x16, x0
    orr     x11, x11, x1
    bics    xzr, x17, x11
    b.ne    mask_is_pinned
    str     x11, [sp, #{mask}]
    mov     x0, xzr
    mov     x1, x16
    mov     x11, xzr
    mov     x16, xzr
    mov     x17, xzr
    eret
mask_is_pinned:
    mov     x11, xzr
    b       enter_synchronous
not_mask_change:
    sub     x16, x10, #{upcall_caller}
    cmp     x16, #1                         // UPCALL_CALLER_SET is the next one
    b.hi    enter_synchronous
    b       upcall_caller

// Only REPLY is declined.
short_call_declined:
    ldp     x0, x1, [sp, #0]
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    b       enter_synchronous

// Goes to user mode as the thread at x0 (bit 0 is not part of the address).
    .global leave
leave:
    and     x0, x0, #0xfffffffffffffffe
    mov     sp, x0
    ldp     x1, x2, [sp, #{tpidr}]
    msr     tpidr_el0, x1
    msr     tpidrro_el0, x2
    ldp     x1, x2, [sp, #{cpacr}]
    msr     cpacr_el1, x1
    msr     ttbr0_el1, x2
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldp     x30, x1, [sp, #240]
    msr     sp_el0, x1
    ldp     x1, x2, [sp, #256]
    msr     elr_el1, x1
    msr     spsr_el1, x2
    b       leave_scratch

// The kernel itself faulted. Its stack may be the reason, so the report starts a new one.
kernel_fault:
    mrs     x0, esr_el1
    mrs     x1, far_el1
    mrs     x2, elr_el1
    mov     x3, x29
    adrp    x4, __stack_top
    add     x4, x4, :lo12:__stack_top
    mov     sp, x4
    mov     x30, xzr
    b       {kernel_fault}
