/* Files in memory: private and shared mappings, and memory that parent and child share. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    siglongjmp(back, signal * 10 + (info->si_code & 7));
}

int main(void)
{
    int file = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
    dprintf(file, "contents of a file");
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    char *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);

    memcpy(shared, "CONTENTS", 8);
    memcpy(private + 12, "PAGE", 4);
    char text[32] = "";
    if (pread(file, text, sizeof text - 1, 0) < 0)
        return 1;
    printf("file:    %s\nprivate: %s\n", text, private);

    int *number = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *copied = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fork() == 0) {
        *number = *copied = 42;
        _exit(0);
    }
    wait(NULL);
    printf("shared %d, private %d\n", *number, *copied);

    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    mprotect(number, 4096, PROT_READ);
    int how = sigsetjmp(back, 1);
    if (how == 0)
        *number = 1;
    printf("writing what may be read: signal %d, code %d\n", how / 10, how % 10);
    munmap(number, 4096);
    how = sigsetjmp(back, 1);
    if (how == 0)
        *number = 1;
    printf("writing what is not there: signal %d, code %d\n", how / 10, how % 10);
    void *bad = mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("nothing at all: %s\n", bad == MAP_FAILED ? strerror(errno) : "mapped");
    unlink("mapped");
    return 0;
}
