/* Locked and resident memory, moved mappings, advice, and code made while it runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define ADVICE_REMOVE 9
#define ADVICE_DONTFORK 10
#define ADVICE_WIPEONFORK 18
#define ADVICE_POPULATE_WRITE 23

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static void place(const char *what, void *got, void *wanted)
{
    printf("%s: %s\n", what, got == MAP_FAILED ? strerror(errno) : got == wanted ? "there" : "elsewhere");
}

static char *map(int pages, int flags)
{
    char *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static long locked(void)
{
    char line[100];
    long kilobytes = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status))
        sscanf(line, "VmLck: %ld", &kilobytes);
    fclose(status);
    return kilobytes;
}

static void core(const char *what, char *at, int pages)
{
    unsigned char present[16] = {9, 9, 9, 9, 9, 9, 9, 9};
    int result = mincore(at, pages * PAGE, present);
    printf("%s:", what);
    for (int page = 0; result == 0 && page < pages; page++)
        printf(" %d", present[page]);
    printf("%s\n", result ? strerror(errno) : "");
}

static void locks(void)
{
    char *at = map(4, MAP_PRIVATE);
    core("fresh", at, 4);
    show("mlock", mlock(at + 1, PAGE));
    core("two", at, 4);
    printf("locked %ld\n", locked());
    show("mlock2", mlock2(at + 3 * PAGE, PAGE, MLOCK_ONFAULT));
    core("on fault", at, 4);
    printf("locked %ld\n", locked());
    show("flags", mlock2(at, PAGE, 2));
    show("drop", madvise(at, PAGE, MADV_DONTNEED));
    show("sync", msync(at, PAGE, MS_INVALIDATE | MS_SYNC));
    show("munlock", munlock(at, 4 * PAGE));
    printf("locked %ld\n", locked());
    show("sync", msync(at, PAGE, MS_INVALIDATE | MS_SYNC));
    munmap(at + 2 * PAGE, PAGE);
    show("hole", mlock(at, 4 * PAGE));
    printf("locked %ld\n", locked());
    core("hole", at, 4);
    core("crooked", at + 1, 1);
    show("nowhere", mincore(at, PAGE, (unsigned char *)8));
    show("sync", msync(at, 4 * PAGE, MS_ASYNC));
    char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    show("none", mlock(none, PAGE));
    show("all", mlockall(8));
    show("all", mlockall(MCL_ONFAULT));
    show("unlock", munlockall());
    printf("locked %ld\n", locked());
    show("future", mlockall(MCL_FUTURE));
    char *new = map(2, MAP_PRIVATE);
    core("future", new, 2);
    printf("locked %ld\n", locked());
    if (fork() == 0) {
        printf("child %ld\n", locked());
        exit(0);
    }
    wait(NULL);
    show("unlock", munlockall());
    char *now = map(2, MAP_PRIVATE | MAP_LOCKED);
    core("locked", now, 2);
    printf("locked %ld\n", locked());
    char *filled = map(2, MAP_PRIVATE | MAP_POPULATE);
    core("populate", filled, 2);
    munlockall();
}

static void limits(void)
{
    struct rlimit few = {2 * PAGE, 2 * PAGE}, none = {0, 0};
    if (fork() == 0) {
        char *at = map(4, MAP_PRIVATE);
        setrlimit(RLIMIT_MEMLOCK, &few);
        show("root", mlock(at, 4 * PAGE));
        munlockall();
        if (setuid(1000))
            exit(1);
        show("more", mlock(at, 3 * PAGE));
        show("less", mlock(at, 2 * PAGE));
        show("again", mlock(at, 2 * PAGE));
        show("other", mlock(at + 2 * PAGE, PAGE));
        show("map", map(1, MAP_PRIVATE | MAP_LOCKED) ? 0 : -1);
        show("all", mlockall(MCL_CURRENT));
        setrlimit(RLIMIT_MEMLOCK, &none);
        show("none", mlock(at, PAGE));
        show("none", mlockall(MCL_FUTURE));
        show("map", map(1, MAP_PRIVATE | MAP_LOCKED) ? 0 : -1);
        show("unlock", munlock(at, PAGE));
        exit(0);
    }
    wait(NULL);
}

static void moves(void)
{
    char *at = map(8, MAP_PRIVATE), *there = at + 4 * PAGE;
    for (int page = 0; page < 8; page++)
        at[page * PAGE] = 'a' + page;
    place("fixed", mremap(at, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there), there);
    printf("%c%c%d%c\n", there[0], there[PAGE], there[2 * PAGE], there[3 * PAGE]);
    core("left", at, 1);
    place("smaller", mremap(there, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at), at);
    core("left", there, 2);
    place("no move", mremap(at, PAGE, PAGE, MREMAP_FIXED, there), there);
    place("overlap", mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at), at);
    place("crooked", mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there + 1), there);
    place("flags", mremap(at, PAGE, PAGE, 8), at);
    place("empty", mremap(at, PAGE, 0, MREMAP_MAYMOVE), at);
    place("nothing", mremap(at + PAGE, PAGE, PAGE, MREMAP_MAYMOVE), at);
    place("private", mremap(at, 0, PAGE, MREMAP_MAYMOVE), at);
    place("beyond", mremap(at + 2 * PAGE, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE), at);
    char *kept = mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    printf("kept %c, left %d\n", kept[0], at[0]);
    place("grow", mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), at);
    char *shared = map(2, MAP_SHARED), *twice;
    strcpy(shared + PAGE, "twice");
    twice = mremap(shared + PAGE, 0, PAGE, MREMAP_MAYMOVE);
    puts(twice == MAP_FAILED ? strerror(errno) : twice);
    place("replace", mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), at);
    place("free", mmap(there, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), there);
    place("flags", mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), at);
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    place("sync", mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0), at);
    place("grows", mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0), at);
    close(fd);
}

static void advice(void)
{
    char *at = map(4, MAP_PRIVATE), *shared = map(2, MAP_SHARED);
    memset(at, 1, 4 * PAGE);
    memset(shared, 1, 2 * PAGE);
    for (int number = 0; number <= 30; number++)
        if (number != 4 && number != 8 && number != 25 && number != 24)
            printf("%d%s", madvise(at + PAGE, PAGE, number) ? errno : 0, number == 30 ? "\n" : " ");
    show("dontfork", madvise(at + PAGE, PAGE, ADVICE_DONTFORK));
    show("wipe", madvise(at, PAGE, ADVICE_WIPEONFORK));
    show("wipe", madvise(shared, PAGE, ADVICE_WIPEONFORK));
    fflush(stdout);
    if (fork() == 0) {
        printf("child %d %d\n", at[0], at[2 * PAGE]);
        core("child", at + PAGE, 1);
        exit(0);
    }
    wait(NULL);
    printf("parent %d %d\n", at[0], at[PAGE]);
    show("remove", madvise(shared, PAGE, ADVICE_REMOVE));
    printf("removed %d %d\n", shared[0], shared[PAGE]);
    show("remove", madvise(at, PAGE, ADVICE_REMOVE));
    show("free", madvise(shared, PAGE, MADV_FREE));
    munmap(at + 2 * PAGE, PAGE);
    show("hole", madvise(at, 4 * PAGE, MADV_DONTNEED));
    printf("dropped %d %d\n", at[0], at[3 * PAGE]);
    show("crooked", madvise(at + 1, PAGE, MADV_NORMAL));
    show("empty", madvise(at, 0, MADV_NORMAL));
    show("fill", madvise(at, PAGE, ADVICE_POPULATE_WRITE));
    core("filled", at, 1);
    mprotect(at, PAGE, PROT_READ);
    show("fill", madvise(at, PAGE, ADVICE_POPULATE_WRITE));
}

/* mov w0, #number; ret */
static void assemble(uint32_t *code, int number)
{
    code[0] = 0x52800000 | number << 5;
    code[1] = 0xd65f03c0;
    __builtin___clear_cache((char *)code, (char *)(code + 2));
}

static void code(void)
{
    uint32_t *at = mmap(NULL, PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*run)(void) = (int (*)(void))at;
    for (int number = 1; number < 4; number++) {
        assemble(at, number);
        printf("%d\n", run());
    }
    fflush(stdout);
    if (fork() == 0) {
        printf("child %d\n", run());
        assemble(at, 7);
        printf("child %d\n", run());
        exit(0);
    }
    wait(NULL);
    printf("parent %d\n", run());
    assemble(at, 8);
    show("protect", mprotect(at, PAGE, PROT_READ | PROT_EXEC));
    printf("%d\n", run());
    show("protect", mprotect(at, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    assemble(at, 9);
    printf("%d\n", run());
}


static void grows(void)
{
    char *room = mmap(NULL, 1024 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(room, 1024 * PAGE);
    char *at = mmap(room + 1000 * PAGE, PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    at[-1] = 1;
    at[-20 * PAGE] = 2;
    printf("grown %d %d\n", at[-1], at[-20 * PAGE]);
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    switch (count > 1 ? arguments[1][0] : 0) {
    case 'l': locks(); limits(); break;
    case 'm': moves(); break;
    case 'a': advice(); break;
    case 'c': code(); grows(); break;
    }
    return 0;
}
