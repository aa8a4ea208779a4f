/* Which pages of a mapped file can be touched: those that begin before its end, however it grew. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 24

static sigjmp_buf back;
static siginfo_t seen;

static void bus(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    seen = *info;
    siglongjmp(back, 1);
}

/* A letter for each page: its first byte, '0' for zero, 'B' if it is behind the end. */
static void pages(const char *what, volatile char *at, int write)
{
    char line[PAGES + 1] = "";
    for (int page = 0; page < PAGES; page++) {
        volatile char *place = at + page * PAGE;
        if (sigsetjmp(back, 1)) {
            int right = seen.si_code == BUS_ADRERR && seen.si_addr == (void *)place;
            line[page] = right ? 'B' : '?';
        } else {
            char byte = *place;
            if (write)
                *place = byte;
            line[page] = byte ? byte : '0';
        }
    }
    printf("%-22s %s\n", what, line);
}

static void append(int fd, char letter, int bytes)
{
    char buffer[PAGE * 8];
    memset(buffer, letter, sizeof buffer);
    if (pwrite(fd, buffer, bytes, lseek(fd, 0, SEEK_END)) != bytes)
        perror("write");
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = bus, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
    int fd = open("bounds.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 5; i++)
        append(fd, 'a' + i, 5000);
    char *shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *later = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 10 * PAGE);
    pages("grown by pieces", shared, 0);
    pages("private", private, 0);
    pages("from page 10", later, 0);
    append(fd, 'x', 1);
    append(fd, 'y', 8 * PAGE);
    pages("grown while mapped", shared, 1);
    pages("from page 10", later, 0);
    printf("%d\n", ftruncate(fd, 3 * PAGE + 1));
    pages("shortened", shared, 0);
    printf("rest of the last page: %d\n", shared[3 * PAGE + 1]);
    printf("%d\n", ftruncate(fd, 6 * PAGE));
    pages("longer again", shared, 1);
    printf("%d\n", ftruncate(fd, 0));
    pages("empty", shared, 0);
    append(fd, 'z', PAGE + 1);
    pages("begun anew", shared, 1);
    close(fd);
    fd = open("bounds.tmp", O_RDWR | O_TRUNC);
    pages("truncated by open", shared, 0);
    for (int i = 0; i < 10; i++)
        append(fd, '0' + i, PAGE);
    pages("page by page", shared, 1);
    pid_t child = -1;
    printf("read behind the end into nothing: %zd\n", pread(fd, &child, sizeof child, 11 * PAGE));
    unlink("bounds.tmp");
    return 0;
}
