/* Without any library: writes, and ends with status 7. Every register but x0 must survive a call. */
static long call(long number, long a, long b, long c)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}

/* All registers get a value of their own, sp becomes 0; the result is 0 if none changed. */
long poisoned(void);
__asm__("poisoned:\n"
        "stp x29, x30, [sp, #-96]!\n stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n"
        "stp x23, x24, [sp, #48]\n stp x25, x26, [sp, #64]\n stp x27, x28, [sp, #80]\n"
        "mov x0, sp\n adrp x1, saved\n str x0, [x1, :lo12:saved]\n"
        ".irp n,1,2,3,4,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
        "mov x\\n, #1000 + \\n\n .endr\n"
        "fmov d31, x30\n mov x8, #172\n mov x0, #0\n mov sp, x0\n svc #0\n"
        "fmov x0, d31\n sub x0, x0, x30\n"
        ".irp n,1,2,3,4,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
        "sub x\\n, x\\n, #1000\n sub x\\n, x\\n, #\\n\n orr x0, x0, x\\n\n .endr\n"
        "sub x8, x8, #172\n orr x0, x0, x8\n mov x1, sp\n orr x0, x0, x1\n"
        "adrp x1, saved\n ldr x1, [x1, :lo12:saved]\n mov sp, x1\n"
        "ldp x19, x20, [sp, #16]\n ldp x21, x22, [sp, #32]\n ldp x23, x24, [sp, #48]\n"
        "ldp x25, x26, [sp, #64]\n ldp x27, x28, [sp, #80]\n ldp x29, x30, [sp], #96\n ret\n"
        ".bss\n .balign 8\n saved: .quad 0\n .text\n");

void _start(void)
{
    static const char text[] = "hello from nothing\n", kept[] = "registers kept\n";
    call(64, 1, (long)text, sizeof text - 1);
    if (poisoned() == 0)
        call(64, 1, (long)kept, sizeof kept - 1);
    call(94, 7, 0, 0);
    for (;;)
        ;
}
