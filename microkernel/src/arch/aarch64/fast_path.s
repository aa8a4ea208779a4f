// The fast path: CALL and REPLY_RECV between threads, when nothing but registers moves.
//
// Everything is checked before anything is changed; a check that fails continues in `enter` with
// the registers as user mode left them, and Rust does the same thing the general way. Message
// words (x1-x9) are not touched at all. Offsets come from the structures (`vectors.rs`).

    .section .text.vectors, "ax"

// Saves what a call stub expects back.
.macro save_preserved a, b
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     \a, sp_el0
    stp     x30, \a, [sp, #240]
    mrs     \a, elr_el1
    mrs     \b, spsr_el1
    stp     \a, \b, [sp, #256]
    mrs     \a, tpidr_el0
    str     \a, [sp, #{tpidr}]
.endm

// The server waits for its next message, at the endpoint in x16. Clobbers x12, x13.
.macro server_waits
    save_preserved x12, x13
    mov     w12, #{receiving}
    str     w12, [sp, #{state}]
    ubfx    x12, x16, #12, #27
    str     w12, [sp, #{endpoint}]
    mov     x12, sp
    ubfx    x12, x12, #12, #27
    str     w12, [x16, #{receiver}]
    str     xzr, [x16, #{last_token}]
.endm

// CALL: x0 endpoint's handle, x1 label, x2-x9 words, x12-x15 leases. x10 (0), x11, x16, x17 free.
fast_call:
    ldr     x16, [sp, #{handles}]
    cmp     x0, #{direct_slots}
    b.hs    fast_call_declined
    add     x16, x16, x0, lsl #4
    ldp     x16, x17, [x16]                 // x16: object, rights, kind; x17: badge
    tbz     x16, #32 + {send_bit}, fast_call_declined
    ubfiz   x16, x16, #12, #32
    orr     x16, x16, #{linear}             // x16: the endpoint
    ldr     w10, [x16, #{receiver}]
    cbz     w10, fast_call_declined         // nobody waits
    ubfiz   x10, x10, #12, #32
    orr     x10, x10, #{linear}             // x10: the server's thread
    ldr     w11, [x10, #{flags}]
    cbnz    w11, fast_call_declined         // suspended or kicked
    ldr     w11, [sp, #{flags}]
    cbnz    w11, fast_call_declined

    // The caller waits for a reply to its next token.
    save_preserved x11, x0
    stp     x12, x13, [sp, #{leases}]
    stp     x14, x15, [sp, #{leases} + 16]
    ldr     w11, [sp, #{sequence}]
    add     w11, w11, #1
    orr     x0, x11, #{awaiting_reply} << 32
    str     x0, [sp, #{sequence}]           // sequence and state
    ubfx    x0, x16, #12, #27
    str     w0, [sp, #{endpoint}]
    mov     x0, sp
    ubfx    x0, x0, #12, #27
    bfi     x11, x0, #32, #32               // x11: the token
    str     wzr, [x16, #{receiver}]
    str     x11, [x16, #{last_token}]

    // The server goes on. x10: its thread, x11: the token, x13, x15: the leases' length words, x17: badge.
fast_delivered:
    mov     sp, x10
    str     wzr, [sp, #{state}]
    mov     x12, x13
    mov     x13, x15
    ldp     x14, x15, [sp, #{tpidr}]
    msr     tpidr_el0, x14
    msr     tpidrro_el0, x15
    ldp     x14, x15, [sp, #{cpacr}]
    msr     cpacr_el1, x14
    msr     ttbr0_el1, x15
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldp     x30, x14, [sp, #240]
    msr     sp_el0, x14
    ldp     x14, x15, [sp, #256]
    msr     elr_el1, x14
    msr     spsr_el1, x15
    mov     x10, x17                        // the badge
    mov     x0, xzr
    mov     x14, xzr
    mov     x15, xzr
    mov     x16, xzr
    mov     x17, xzr
    eret

fast_call_declined:
    mov     x10, xzr
    b       enter_synchronous

// REPLY_RECV: x0 endpoint's handle, x1 label, x2-x9 words, x11 token. x10 (1), x12-x17 free.
fast_reply_receive:
    ldr     x16, [sp, #{handles}]
    cmp     x0, #{direct_slots}
    b.hs    enter_synchronous
    add     x16, x16, x0, lsl #4
    ldr     x16, [x16]
    tbz     x16, #32 + {receive_bit}, enter_synchronous
    ubfiz   x16, x16, #12, #32
    orr     x16, x16, #{linear}             // x16: the endpoint
    cbz     x11, enter_synchronous
    ldp     x12, x13, [x16, #{last_token}]  // and the notification
    cmp     x12, x11
    b.ne    enter_synchronous               // not the call that the fast path delivered last
    ldr     x12, [x16, #{senders}]
    orr     x12, x12, x13
    cbnz    x12, enter_synchronous          // something waits for the server
    lsr     x17, x11, #20
    and     x17, x17, #0xfffffffffffff000
    orr     x17, x17, #{linear}             // x17: the caller's thread
    ldr     w12, [x17, #{flags}]
    cbnz    w12, fast_fault_reply           // a fault, or nothing for us
    ldr     w12, [sp, #{flags}]
    cbnz    w12, enter_synchronous
    adrp    x13, {kernel}
    ldr     w13, [x13, #:lo12:{kernel}]     // priorities at which threads are ready
    ldr     w12, [x17, #{priority}]
    lsr     w13, w13, w12
    cmp     w13, #1
    b.hi    enter_synchronous               // somebody should run before the caller

    server_waits

    // The caller goes on.
    mov     sp, x17
    str     wzr, [sp, #{state}]
    ldp     x12, x13, [sp, #{tpidr}]
    msr     tpidr_el0, x12
    msr     tpidrro_el0, x13
    ldp     x12, x13, [sp, #{cpacr}]
    msr     cpacr_el1, x12
    msr     ttbr0_el1, x13
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldp     x30, x12, [sp, #240]
    msr     sp_el0, x12
    ldp     x12, x13, [sp, #256]
    msr     elr_el1, x12
    msr     spsr_el1, x13
    mov     x0, xzr
    mov     x10, xzr
    mov     x11, xzr
    mov     x12, xzr
    mov     x13, xzr
    mov     x14, xzr
    mov     x15, xzr
    mov     x16, xzr
    mov     x17, xzr
    eret
