// memcpy and memset for code without vector registers, in the kernel and in every program. The
// compiler calls them for a few words too, so short lengths come first. Lengths that are no
// multiple of 16 end with an overlapping copy instead of a loop over bytes.
//
// They replace the weak ones of compiler_builtins, which move a word at a time.

    .section .text.memory, "ax"

// x0 target, x1 source, x2 bytes; returns x0.
    .global memcpy
memcpy:
    add     x4, x1, x2
    add     x5, x0, x2
    cmp     x2, #16
    b.lo    5f
    cmp     x2, #64
    b.hi    3f
    ldp     x6, x7, [x4, #-16]              // the last 16
    ldp     x8, x9, [x1]
    stp     x8, x9, [x0]
    cmp     x2, #32
    b.ls    2f
    ldp     x8, x9, [x1, #16]
    stp     x8, x9, [x0, #16]
    cmp     x2, #48
    b.ls    2f
    ldp     x8, x9, [x1, #32]
    stp     x8, x9, [x0, #32]
2:  stp     x6, x7, [x5, #-16]
    ret
3:  mov     x3, x0                          // more than 64: 64 at a time, then the last 64
    sub     x2, x2, #64
    ldp     x14, x15, [x4, #-64]
    ldp     x16, x17, [x4, #-48]
4:  ldp     x6, x7, [x1]
    ldp     x8, x9, [x1, #16]
    ldp     x10, x11, [x1, #32]
    ldp     x12, x13, [x1, #48]
    stp     x6, x7, [x3]
    stp     x8, x9, [x3, #16]
    stp     x10, x11, [x3, #32]
    stp     x12, x13, [x3, #48]
    add     x1, x1, #64
    add     x3, x3, #64
    subs    x2, x2, #64
    b.hi    4b
    ldp     x6, x7, [x4, #-32]
    ldp     x8, x9, [x4, #-16]
    stp     x14, x15, [x5, #-64]
    stp     x16, x17, [x5, #-48]
    stp     x6, x7, [x5, #-32]
    stp     x8, x9, [x5, #-16]
    ret
5:  tbz     x2, #3, 6f                      // 8 to 15
    ldr     x6, [x1]
    ldr     x7, [x4, #-8]
    str     x6, [x0]
    str     x7, [x5, #-8]
    ret
6:  tbz     x2, #2, 7f                      // 4 to 7
    ldr     w6, [x1]
    ldr     w7, [x4, #-4]
    str     w6, [x0]
    str     w7, [x5, #-4]
    ret
7:  cbz     x2, 8f                          // 1 to 3
    ldrb    w6, [x1]
    ldrb    w7, [x4, #-1]
    lsr     x8, x2, #1
    ldrb    w9, [x1, x8]
    strb    w6, [x0]
    strb    w9, [x0, x8]
    strb    w7, [x5, #-1]
8:  ret

// x0 target, w1 byte, x2 bytes; returns x0.
    .global memset
memset:
    and     x1, x1, #0xff
    orr     x1, x1, x1, lsl #8
    orr     x1, x1, x1, lsl #16
    orr     x1, x1, x1, lsl #32
    add     x5, x0, x2
    cmp     x2, #16
    b.lo    4f
    mov     x3, x0
    sub     x2, x2, #16
2:  subs    x4, x2, #48
    b.lt    3f
    stp     x1, x1, [x3]
    stp     x1, x1, [x3, #16]
    stp     x1, x1, [x3, #32]
    stp     x1, x1, [x3, #48]
    add     x3, x3, #64
    sub     x2, x2, #64
    cmp     x2, #0
    b.ge    2b
    stp     x1, x1, [x5, #-16]
    ret
3:  stp     x1, x1, [x3], #16
    subs    x2, x2, #16
    b.ge    3b
    stp     x1, x1, [x5, #-16]
    ret
4:  tbz     x2, #3, 5f
    str     x1, [x0]
    str     x1, [x5, #-8]
    ret
5:  tbz     x2, #2, 6f
    str     w1, [x0]
    str     w1, [x5, #-4]
    ret
6:  cbz     x2, 7f
    strb    w1, [x0]
    strb    w1, [x5, #-1]
    lsr     x3, x2, #1
    strb    w1, [x0, x3]
7:  ret
