// Linux calls: `svc #0` goes on at the entry in libsys that the thread registered, `svc #2` back behind
// the call. Only pc, sp, flags, x16 and x17 change, and are kept in the thread; libsys, which knows what
// it clobbers, preserves the rest. No user memory is touched, so the program's sp may be anything.
//
// A thread with a flag (kicked, traced) takes the general way (`upcall.rs`), which does the same.

    .section .text.vectors, "ax"

linux_call:
    ldp     x16, x17, [sp, #{active}]       // and the entry
    cbnz    x16, enter_synchronous          // libsys itself made it
    cbz     x17, enter_synchronous          // nobody registered
    ldr     w16, [sp, #{flags}]
    cbnz    w16, enter_synchronous
    mrs     x16, elr_el1
    msr     elr_el1, x17
    mrs     x17, sp_el0
    stp     x16, x17, [sp, #{call_pc}]
    mrs     x16, spsr_el1
    ldr     x17, [sp, #128]
    stp     x16, x17, [sp, #{call_pstate}]  // and x16
    ldr     x17, [sp, #136]
    str     x17, [sp, #{call_x17}]
    ldr     x16, [sp, #{stack}]
    msr     sp_el0, x16
    mov     w17, #{handling_call}
    str     x17, [sp, #{active}]
    eret

linux_return:
    ldr     w16, [sp, #{flags}]
    cbnz    w16, enter_synchronous          // a kick came meanwhile
    ldr     x16, [sp, #{active}]
    cmp     x16, #{handling_call}
    b.ne    enter_synchronous
    str     xzr, [sp, #{active}]
    ldp     x16, x17, [sp, #{call_pc}]
    msr     elr_el1, x16
    msr     sp_el0, x17
    ldp     x17, x16, [sp, #{call_pstate}]
    msr     spsr_el1, x17
    ldr     x17, [sp, #{call_x17}]
    eret

// UPCALL_CALLER (x16 is 0) and UPCALL_CALLER_SET (1): what linux_return restores. Outside of a Linux call
// they are refused, in Rust.
upcall_caller:
    ldr     x17, [sp, #{active}]
    cmp     x17, #{handling_call}
    b.ne    enter_synchronous
    cbnz    x16, 1f
    ldp     x1, x2, [sp, #{call_pc}]
    ldp     x3, x4, [sp, #{call_pstate}]
    ldr     x5, [sp, #{call_x17}]
    b       2f
1:  and     x3, x3, #{pstate_flags}
    stp     x1, x2, [sp, #{call_pc}]
    stp     x3, x4, [sp, #{call_pstate}]
    str     x5, [sp, #{call_x17}]
2:  mov     x0, xzr
    mov     x16, xzr
    mov     x17, xzr
    eret
