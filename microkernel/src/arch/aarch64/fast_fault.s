// A page fault to its pager, and the reply that lets the thread try again. As in fast_path.s, with all
// registers saved, since the thread did not expect to stop.

    .section .text.vectors, "ax"

// x16: ESR_EL1; x16 and x17 are saved already.
fast_fault:
    ubfx    w17, w16, #2, #4                // 1: no translation; 2, 3: not allowed (DFSC, IFSC)
    sub     w17, w17, #1
    cmp     w17, #2
    b.hi    enter_synchronous
    ldr     w17, [sp, #{flags}]
    cbnz    w17, enter_synchronous
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    ldr     w17, [sp, #{space}]
    ubfiz   x17, x17, #12, #32
    orr     x17, x17, #{linear}             // x17: the space whose memory it uses
    ldr     w10, [x17, #{pager}]
    cbz     w10, fast_fault_declined        // nobody to tell
    ubfiz   x10, x10, #12, #32
    orr     x10, x10, #{linear}             // x10: the pager's endpoint
    ldr     w11, [x10, #{receiver}]
    cbz     w11, fast_fault_declined
    ubfiz   x11, x11, #12, #32
    orr     x11, x11, #{linear}             // x11: the pager's thread
    ldr     w12, [x11, #{flags}]
    cbnz    w12, fast_fault_declined

    stp     x0, x1, [sp, #0]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x14, x15, [sp, #112]
    save_preserved x0, x4                   // x0: tpidr, x4: pstate
    mov     x1, #{page_fault_label}
    mrs     x2, far_el1                     // word 0: the address
    ubfx    x3, x16, #3, #1                 // word 1: the access
    lsl     x3, x3, #2                      // present: 2, 3
    tbz     w16, #28, 1f                    // an instruction abort
    ubfx    x12, x16, #6, #1                // write, unless
    ubfx    x13, x16, #8, #1                // by cache maintenance
    bic     x12, x12, x13
    orr     x3, x3, x12
    b       2f
1:  orr     x3, x3, #{execute}
2:  mrs     x4, elr_el1                     // word 2
    ldr     x5, [sp, #{exception_badge}]    // word 3
    mov     x6, xzr
    mov     x7, xzr
    mov     x8, xzr
    mov     x9, xzr
    add     x14, sp, #{kernel_message}
    str     x1, [x14]
    stp     x2, x3, [x14, #8]
    stp     x4, x5, [x14, #24]
    stp     xzr, xzr, [x14, #40]
    stp     xzr, xzr, [x14, #56]
    stp     xzr, xzr, [sp, #{leases}]
    stp     xzr, xzr, [sp, #{leases} + 16]
    mov     w12, #{fault_flags}
    str     w12, [sp, #{flags}]
    ldr     x17, [x17, #{pager_badge}]
    orr     x17, x17, #{kernel_badge}
    str     x17, [sp, #{badge}]
    ldr     w12, [sp, #{sequence}]
    add     w12, w12, #1
    orr     x0, x12, #{awaiting_reply} << 32
    str     x0, [sp, #{sequence}]           // sequence and state
    ubfx    x0, x10, #12, #27
    str     w0, [sp, #{endpoint}]
    mov     x0, sp
    ubfx    x0, x0, #12, #27
    bfi     x12, x0, #32, #32               // the token
    str     wzr, [x10, #{receiver}]
    str     x12, [x10, #{last_token}]
    mov     x10, x11
    mov     x11, x12
    mov     x13, xzr
    mov     x15, xzr
    b       fast_delivered

fast_fault_declined:
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    b       enter_synchronous

// In fast_reply_receive: the thread to answer (x17) has flags (w12). x16: the endpoint.
fast_fault_reply:
    cmp     w12, #{fault_flags}
    b.ne    enter_synchronous
    cbnz    x1, enter_synchronous           // declined
    ldr     w12, [sp, #{flags}]
    cbnz    w12, enter_synchronous
    adrp    x13, {kernel}
    ldr     w13, [x13, #:lo12:{kernel}]     // priorities at which threads are ready
    ldr     w12, [x17, #{priority}]
    lsr     w13, w13, w12
    cmp     w13, #1
    b.hi    enter_synchronous
    server_waits
    str     wzr, [x17, #{flags}]
    str     wzr, [x17, #{state}]
    mov     x0, x17
    b       leave
