// From the first instruction, MMU off at whatever physical address, to Rust at the link address.
//
// Everything is found relative to the program counter until the MMU is on. Registers that live
// through: x20 device tree, x21 exception level at entry, x22 physical address of the image.

    .section .text.head, "ax"
    .global _start

// The header of the arm64 Linux boot protocol (Linux, Documentation/arch/arm64/booting.rst, 4).
_start:
    b       boot_primary
    .long   0
    .quad   0                           // text_offset: at any multiple of 2 MiB, ...
    .quad   __image_bytes
    .quad   0b1010                      // little endian, 4 KiB pages, ... anywhere in memory
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

boot_primary:
    mov     x20, x0
    mrs     x0, mpidr_el1
    ldr     x1, =0xff00ffffff           // Aff3..Aff0
    tst     x0, x1
    b.ne    park
    mrs     x21, CurrentEL
    lsr     x21, x21, #2
    cmp     x21, #1
    b.eq    at_el1
    cmp     x21, #2
    b.ne    park

// Gives EL1 everything it needs and goes there. What a reset leaves unknown is set.
at_el2:
    mov     x0, #(1 << 31)              // HCR_EL2.RW: EL1 is AArch64; nothing trapped
    msr     hcr_el2, x0
    isb
    mov     x0, #0b11                   // EL1 may use the physical counter and timer
    msr     cnthctl_el2, x0
    msr     cntvoff_el2, xzr
    mov     x0, #0x33ff                 // CPTR_EL2: RES1 bits; no traps of vector registers
    msr     cptr_el2, x0
    msr     hstr_el2, xzr
    mrs     x0, midr_el1
    msr     vpidr_el2, x0
    mrs     x0, mpidr_el1
    msr     vmpidr_el2, x0
    mrs     x0, id_aa64pfr0_el1
    ubfx    x0, x0, #24, #4             // GIC: 0 if it has no system registers
    cbz     x0, 1f
    mrs     x0, icc_sre_el2
    mov     x1, #0b1001                 // SRE and Enable: EL1 may use them
    orr     x0, x0, x1
    msr     icc_sre_el2, x0
    isb
    msr     ich_hcr_el2, xzr
1:  ldr     x0, =0x30d00800             // SCTLR_EL1: RES1 bits; MMU and caches off
    msr     sctlr_el1, x0
    mov     x0, #0x3c5                  // EL1 on SP_EL1, all interrupts masked
    msr     spsr_el2, x0
    adr     x0, at_el1
    msr     elr_el2, x0
    eret

at_el1:
    msr     spsel, #1
    msr     daifset, #0b1111
    adrp    x22, __image_start

// The loader cleaned the image from the caches, but not what lies behind it: stale lines must not
// hide what is written here with the caches off.
    adrp    x0, __bss_start
    adrp    x1, __image_end
2:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    2b
    dmb     sy
    bl      invalidate_bss

// The image, each part with its own permissions. What lies between (the guard page) stays unmapped.
    adrp    x8, {image_pages}
    adrp    x0, __image_start
    adrp    x1, __rodata_start
    ldr     x2, ={text}
    bl      map_pages
    adrp    x0, __rodata_start
    adrp    x1, __data_start
    ldr     x2, ={read_only}
    bl      map_pages
    adrp    x0, __data_start
    adrp    x1, __bss_end
    ldr     x2, ={read_write}
    bl      map_pages
    adrp    x0, __stack_bottom
    adrp    x1, __stack_top
    bl      map_pages
    adrp    x0, {image_blocks}
    add     x1, x8, #{table}
    str     x1, [x0]
    adrp    x9, {kernel_root}
    add     x1, x0, #{table}
    str     x1, [x9, #{image_index} * 8]

// The 2 MiB around this code at its physical address, for the moment when the MMU goes on.
    adrp    x10, {user_root}
    adrp    x0, {identity_blocks}
    lsr     x1, x22, #30
    add     x2, x0, #{table}
    str     x2, [x10, x1, lsl #3]
    adr     x3, enter_high
    lsr     x3, x3, #21
    and     x1, x3, #511
    ldr     x2, ={identity}
    orr     x2, x2, x3, lsl #21
    str     x2, [x0, x1, lsl #3]
    dmb     sy
    bl      invalidate_bss

    ldr     x0, ={mair}
    msr     mair_el1, x0
    ldr     x0, ={tcr}
    mrs     x1, id_aa64mmfr0_el1
    and     x2, x1, #0xf                // PARange; 6 and more need 52-bit descriptors
    mov     x3, #5
    cmp     x2, x3
    csel    x2, x2, x3, lo
    orr     x0, x0, x2, lsl #32         // TCR_EL1.IPS
    ubfx    x2, x1, #4, #4              // ASIDBits: 0 or 2
    lsr     x2, x2, #1
    orr     x0, x0, x2, lsl #36         // TCR_EL1.AS
    msr     tcr_el1, x0
    msr     ttbr0_el1, x10
    msr     ttbr1_el1, x9
    isb
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    ldr     x0, ={sctlr}
    ldr     x1, =at_link_address
    b       enter_high

    .balign 64
enter_high:
    msr     sctlr_el1, x0
    isb
    br      x1

at_link_address:
    ldr     x0, =__stack_top
    mov     sp, x0
    ldr     x0, =vectors
    msr     vbar_el1, x0
    msr     cpacr_el1, xzr              // the first use of a vector register traps
    mov     x0, #0b10                   // EL0 may read CNTVCT_EL0 and CNTFRQ_EL0
    msr     cntkctl_el1, x0
    isb
    mov     x0, x20
    mov     x1, x21
    mov     x2, x22
    mrs     x3, cntvct_el0
    mov     x29, xzr                    // ends backtraces
    mov     x30, xzr
    b       {boot_main}

// Maps the physical range [x0, x1) of the image with attributes x2 in the page table x8.
map_pages:
    sub     x3, x0, x22
    lsr     x3, x3, #12
    orr     x4, x0, x2
    str     x4, [x8, x3, lsl #3]
    add     x0, x0, #4096
    cmp     x0, x1
    b.lo    map_pages
    ret

// Drops the cache lines of everything behind the loaded image.
invalidate_bss:
    adrp    x0, __bss_start
    adrp    x1, __image_end
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4             // DminLine: log2 of words
    mov     x3, #4
    lsl     x3, x3, x2
3:  dc      ivac, x0
    add     x0, x0, x3
    cmp     x0, x1
    b.lo    3b
    dsb     sy
    ret

park:
    wfe
    b       park
