// LEASE_READ and LEASE_WRITE inside one page on either side, for the call that was delivered last.
//
// x0 endpoint's handle, x1 token, x2 lease, x3 offset, x4 own buffer, x5 bytes, x10 number. Nothing is
// changed before the copy; what this declines, Rust carries out or refuses.

    .section .text.vectors, "ax"

// The page's entry of a user address: table becomes it. Three levels (`core/src/page_table.rs`).
.macro walk table, address, index
    and     \table, \table, #0x0000fffffffff000
    orr     \table, \table, #{linear}
    ubfx    \index, \address, #30, #9
    ldr     \table, [\table, \index, lsl #3]
    tbz     \table, #0, short_call_rust
    and     \table, \table, #0x0000fffffffff000
    orr     \table, \table, #{linear}
    ubfx    \index, \address, #21, #9
    ldr     \table, [\table, \index, lsl #3]
    tbz     \table, #0, short_call_rust
    and     \table, \table, #0x0000fffffffff000
    orr     \table, \table, #{linear}
    ubfx    \index, \address, #12, #9
    ldr     \table, [\table, \index, lsl #3]
    tbz     \table, #0, short_call_rust
    tbnz    \table, #{device_bit}, short_call_rust
.endm

// The address in the linear map, from the page's entry.
.macro linear_address entry, address
    and     \entry, \entry, #0x0000fffffffff000
    orr     \entry, \entry, #{linear}
    bfxil   \entry, \address, #0, #12
.endm

fast_lease:
    cmp     x0, #{direct_slots}
    b.hs    short_call_rust
    ldr     x16, [sp, #{handles}]
    add     x16, x16, x0, lsl #4
    ldr     x16, [x16]
    tbz     x16, #32 + {receive_bit}, short_call_rust
    cbz     x1, short_call_rust
    ubfiz   x16, x16, #12, #32
    orr     x16, x16, #{linear}             // x16: the endpoint
    ldr     x17, [x16, #{last_token}]
    cmp     x17, x1
    b.ne    short_call_rust                 // not the call that was delivered last
    lsr     x17, x1, #20
    and     x17, x17, #0xfffffffffffff000
    orr     x17, x17, #{linear}             // x17: the caller's thread
    ldr     w11, [sp, #{flags}]
    ldr     w12, [x17, #{flags}]
    orr     w11, w11, w12
    tst     w11, #{watched}
    b.ne    short_call_rust                 // traced
    cmp     x2, #1
    b.hi    short_call_rust
    add     x11, x17, x2, lsl #4
    ldp     x12, x13, [x11, #{leases}]      // the caller's address, the length word
    cmp     x10, #{lease_write}
    cset    w16, eq
    mov     x14, x13
    lsl     x14, x14, x16
    tbz     x14, #63, short_call_rust       // this is not lent (bit 63: to read, 62: to write)
    ubfx    x13, x13, #0, #48
    sub     x14, x5, #1                     // x14: bytes but one
    cmp     x14, #4096
    b.hs    short_call_rust
    subs    x13, x13, x3
    b.lo    short_call_rust
    cmp     x5, x13
    b.hi    short_call_rust                 // more than was lent
    adds    x12, x12, x3
    b.cs    short_call_rust
    orr     x13, x12, x4
    lsr     x13, x13, #39
    cbnz    x13, short_call_rust            // no user address
    and     x13, x12, #0xfff
    add     x13, x13, x14
    tbnz    x13, #12, short_call_rust       // not inside one page
    and     x13, x4, #0xfff
    add     x13, x13, x14
    tbnz    x13, #12, short_call_rust
    ldr     x13, [sp, #{ttbr0}]
    ldr     x14, [x17, #{ttbr0}]
    walk    x13, x4, x15
    walk    x14, x12, x15
    cbz     w16, 1f
    mov     x15, x13                        // from us
    mov     x17, x14                        // to the caller
    b       2f
1:  mov     x15, x14
    mov     x17, x13
2:  tbnz    x17, #{read_only_bit}, short_call_rust
    linear_address x13, x4
    linear_address x14, x12
    cmp     w16, #0
    csel    x15, x13, x14, ne               // x15: source
    csel    x17, x14, x13, ne               // x17: target

    mov     x1, x5
    subs    x5, x5, #64
    b.lo    4f
3:  ldp     x2, x3, [x15], #16
    ldp     x6, x7, [x15], #16
    ldp     x8, x9, [x15], #16
    ldp     x12, x13, [x15], #16
    stp     x2, x3, [x17], #16
    stp     x6, x7, [x17], #16
    stp     x8, x9, [x17], #16
    stp     x12, x13, [x17], #16
    subs    x5, x5, #64
    b.hs    3b
4:  tbz     x5, #5, 5f
    ldp     x2, x3, [x15], #16
    ldp     x6, x7, [x15], #16
    stp     x2, x3, [x17], #16
    stp     x6, x7, [x17], #16
5:  tbz     x5, #4, 6f
    ldp     x2, x3, [x15], #16
    stp     x2, x3, [x17], #16
6:  tbz     x5, #3, 7f
    ldr     x2, [x15], #8
    str     x2, [x17], #8
7:  tbz     x5, #2, 8f
    ldr     w2, [x15], #4
    str     w2, [x17], #4
8:  tbz     x5, #1, 9f
    ldrh    w2, [x15], #2
    strh    w2, [x17], #2
9:  tbz     x5, #0, 10f
    ldrb    w2, [x15]
    strb    w2, [x17]
10: mov     x0, xzr
    mov     x2, xzr
    mov     x3, xzr
    mov     x5, xzr
    mov     x6, xzr
    mov     x7, xzr
    mov     x8, xzr
    mov     x9, xzr
    mov     x11, xzr
    mov     x12, xzr
    mov     x13, xzr
    mov     x14, xzr
    mov     x15, xzr
    mov     x16, xzr
    mov     x17, xzr
    eret
