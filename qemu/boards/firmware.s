// What a Raspberry Pi 4's firmware does before the kernel runs, as far as QEMU does not: for qemu/sdcard-test.sh.
//
// From EL3 it gives all interrupts to the non-secure world (GIC-400, Arm IHI 0048B, 4.3.4 and 4.4.1), goes to EL2
// (Arm ARM, "SCR_EL3") and enters the kernel with the device tree's address in x0. The addresses are those of
// config.txt.
	.globl _start
_start:
	mrs	x1, CurrentEL
	cmp	x1, #0xc
	b.ne	kernel

	ldr	x1, =0xff841000		// distributor
	mov	w0, #3
	str	w0, [x1]
	add	x2, x1, #0x80		// GICD_IGROUPR
	mov	w0, #-1
	mov	x3, #8
1:	str	w0, [x2], #4
	subs	x3, x3, #1
	b.ne	1b
	ldr	x1, =0xff842000		// CPU interface
	mov	w0, #0x1e7
	str	w0, [x1]
	mov	w0, #0xff		// GICC_PMR
	str	w0, [x1, #4]

	ldr	x0, =0x5b1		// NS, RES1, SMD, HCE, RW
	msr	scr_el3, x0
	msr	cptr_el3, xzr
	mov	x0, #0x3c9		// EL2h, all masked
	msr	spsr_el3, x0
	adr	x0, kernel
	msr	elr_el3, x0
	eret

kernel:	ldr	x0, =0x07000000
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	ldr	x4, =0x200000
	br	x4
