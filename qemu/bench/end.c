/* What the rows with exec run: ends at once, or after a look at each page of itself (any argument).
 * PAD makes it as large as the row says. */
#include "linux.h"

static const char pad[PAD] __attribute__((aligned(4096))) = {1};

__attribute__((used)) static void run(long *stack)
{
    if (stack[0] > 1)
        for (long at = 0; at < PAD; at += 4096)
            *(const volatile char *)&pad[at];
    call(exit_group, 0);
}

__asm__(".global _start\n_start: mov x0, sp\n b run\n");
