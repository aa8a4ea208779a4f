/* What calls of Linux cost, as a program without any library: the same file runs on Linux and here.
 *
 * Prints `NAME figure`, nanoseconds for one operation (instructions, on a machine that counts them), or
 * `NAME missing: errno N` where an operation fails. `bench [NAME...]` measures only these. It wants an empty
 * directory /tmp, and `end` and `end-1M` beside itself. */
#include "linux.h"

typedef unsigned long u64;
#define PAGE 4096L

/* ---- Text and time ---- */

static long arguments;
static char **argument;
static u64 frequency;

/* gcc makes calls of these out of loops and initialisers. */
void *memset(void *to, int byte, u64 count)
{
    for (volatile char *at = to; count--;)
        *at++ = byte;
    return to;
}

static u64 length(const char *text)
{
    u64 count = 0;
    while (text[count])
        count++;
    return count;
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static char line[256];
static u64 filled;

static void text(const char *more)
{
    while (*more && filled < sizeof line)
        line[filled++] = *more++;
}

static void number(u64 value)
{
    char digits[24];
    int at = 24;
    digits[--at] = 0;
    do
        digits[--at] = '0' + value % 10;
    while (value /= 10);
    text(digits + at);
}

static void finish_line(void)
{
    text("\n");
    call(write, 1, line, filled);
    filled = 0;
}

static u64 ticks(void)
{
    u64 value;
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(value)::"memory");
    return value;
}

static u64 nanoseconds(u64 count)
{
    return count / frequency * 1000000000 + count % frequency * 1000000000 / frequency;
}

/* ---- Measuring ---- */

static int wanted(const char *name)
{
    for (long at = 1; at < arguments; at++)
        if (same(argument[at], name))
            return 1;
    return arguments < 2;
}

static void report(const char *name, u64 count_of_ticks, u64 operations)
{
    u64 tenths = nanoseconds(count_of_ticks * 10) / operations;
    text(name), text(" "), number(tenths / 10), text("."), number(tenths % 10);
    finish_line();
}

static void missing(const char *name, long result)
{
    text(name), text(" missing: errno "), number(-result);
    finish_line();
}

/* An operation; below 0 it failed. */
typedef long operation(void);

static inline __attribute__((always_inline)) void
measure_parts(const char *name, long count, long parts, operation *run)
{
    if (!wanted(name))
        return;
    for (long at = 0; at < count / 4 + 2; at++) {
        long result = run();
        if (result < 0)
            return missing(name, result);
    }
    u64 start = ticks();
    for (long at = 0; at < count; at++)
        run();
    report(name, ticks() - start, count * parts);
}

#define measure(name, count, run) measure_parts(name, count, 1, run)

/* The first error of two results. */
#define both(first, second) ({ long r_ = (first); r_ < 0 ? r_ : (second); })

/* ---- Processes ---- */

#define SIGKILL 9
#define SIGUSR1 10
#define SIGCHLD 17
#define CLONE_VM 0x100
#define CLONE_VFORK 0x4000

#define fork() call(clone, SIGCHLD, 0, 0, 0, 0)

static long wait_for(long pid)
{
    int status;
    return pid < 0 ? pid : call(wait4, pid, &status, 0, 0);
}

static void end_child(long pid)
{
    if (pid > 0) {
        call(kill, pid, SIGKILL);
        wait_for(pid);
    }
}

/* ---- Answers that need nothing ---- */

static struct { long seconds, nanoseconds; } now;
static long (*vdso_clock)(int, void *);

static long op_enosys(void) { call(nothing); return 0; }
static long op_getppid(void) { return call(getppid); }
static long op_getpid(void) { return call(getpid); }
static long op_clock(void) { return call(clock_gettime, 1, &now); }
static long op_vdso(void) { return vdso_clock(1, &now); }
static long op_yield(void) { return call(sched_yield); }

/* The vDSO's clock_gettime: by name in its symbol table, as C libraries look it up. */
static void find_vdso(char *base)
{
    u64 headers = *(u64 *)(base + 32), count = *(unsigned short *)(base + 56);
    long *dynamic = 0;
    for (char *at = base + headers; count--; at += 56)
        if (*(int *)at == 2)
            dynamic = (long *)(base + *(u64 *)(at + 16));
    char *strings = 0, *symbols = 0;
    unsigned *hash = 0;
    for (; dynamic && *dynamic; dynamic += 2) {
        if (dynamic[0] == 4) hash = (unsigned *)(base + dynamic[1]);
        if (dynamic[0] == 5) strings = base + dynamic[1];
        if (dynamic[0] == 6) symbols = base + dynamic[1];
    }
    for (unsigned at = 0; hash && at < hash[1]; at++) {
        char *symbol = symbols + 24 * at;
        if (same(strings + *(unsigned *)symbol, "__kernel_clock_gettime"))
            vdso_clock = (void *)(base + *(u64 *)(symbol + 8));
    }
}

static void answers(void)
{
    measure("enosys", 2000, op_enosys);
    measure("getppid", 2000, op_getppid);
    measure("getpid", 2000, op_getpid);
    measure("clock_gettime", 2000, op_clock);
    if (vdso_clock)
        measure("clock_gettime_vdso", 2000, op_vdso);
    else
        missing("clock_gettime_vdso", -38);
    measure("sched_yield_alone", 1000, op_yield);
    long child = wanted("sched_yield_rtt") ? fork() : 0;
    if (child == 0 && wanted("sched_yield_rtt"))
        for (;;)
            call(sched_yield);
    measure("sched_yield_rtt", 500, op_yield);
    end_child(child);
}

/* ---- Files ---- */

#define O_RDONLY 0
#define O_WRONLY 1
#define O_RDWR 2
#define O_CREAT 0100
#define O_TRUNC 01000
#define O_DIRECTORY 040000
#define AT_REMOVEDIR 0x200

static char buffer[64 * 1024] __attribute__((aligned(4096)));
static char byte;
static long null_fd, zero_fd, file, directory;
static char status[256];

#define open(path, flags) call(openat, AT_FDCWD, path, flags, 0644)
#define unlink(path) call(unlinkat, AT_FDCWD, path, 0)
#define mkdir(path) call(mkdirat, AT_FDCWD, path, 0755)
#define rmdir(path) call(unlinkat, AT_FDCWD, path, AT_REMOVEDIR)
#define rename(from, to) call(renameat, AT_FDCWD, from, AT_FDCWD, to)

static long op_write_null(void) { return call(write, null_fd, &byte, 1); }
static long op_read_zero(void) { return call(read, zero_fd, &byte, 1); }
static long op_dup(void) { return both(0, call(close, call(dup, null_fd))); }
static long op_lseek(void) { return call(lseek, file, 0, 0); }
static long op_pread_4k(void) { return call(pread64, file, buffer, 4096, 0); }
static long op_pread_64k(void) { return call(pread64, file, buffer, 65536, 0); }
static long op_pwrite_4k(void) { return call(pwrite64, file, buffer, 4096, 0); }
static long op_write_new(void) { return call(write, file, buffer, 4096); }
static long op_fstat(void) { return call(fstat, file, status); }
static long op_open(void) { return call(close, open("/tmp/bench/file", O_RDONLY)); }
static long op_stat_1(void) { return call(newfstatat, AT_FDCWD, "/tmp", status, 0); }
static long op_stat_4(void) { return call(newfstatat, AT_FDCWD, "/tmp/bench/a/file", status, 0); }
static long op_mkdir(void) { return both(mkdir("new"), rmdir("new")); }
static long op_rename(void) { return both(rename("one", "two"), rename("two", "one")); }

static long op_creat(void)
{
    long fd = open("new", O_WRONLY | O_CREAT | O_TRUNC);
    return fd < 0 ? fd : both(call(close, fd), unlink("new"));
}

static long op_list(void)
{
    call(lseek, directory, 0, 0);
    long count;
    while ((count = call(getdents64, directory, buffer, 1024)) > 0)
        ;
    return count;
}

static void file_name(char *name, long index)
{
    name[5] = '0' + index / 10;
    name[6] = '0' + index % 10;
}

static void names(void)
{
    measure("open_close", 1000, op_open);
    measure("stat_depth1", 1000, op_stat_1);
    measure("stat_depth4", 1000, op_stat_4);
    measure("mkdir_rmdir", 400, op_mkdir);
    measure("creat_unlink", 400, op_creat);
    call(close, open("one", O_WRONLY | O_CREAT));
    measure("rename_x2", 400, op_rename);
    unlink("one");
    mkdir("many");
    call(chdir, "many");
    char name[] = "entry00";
    for (long index = 0; index < 100; index++)
        file_name(name, index), call(close, open(name, O_WRONLY | O_CREAT));
    directory = open(".", O_RDONLY | O_DIRECTORY);
    measure("getdents_100", 100, op_list);
    call(close, directory);
    for (long index = 0; index < 100; index++)
        file_name(name, index), unlink(name);
    call(chdir, "..");
    rmdir("many");
}

static void files(void)
{
    null_fd = open("/dev/null", O_WRONLY);
    zero_fd = open("/dev/zero", O_RDONLY);
    file = open("data", O_RDWR | O_CREAT | O_TRUNC);
    call(write, file, buffer, sizeof buffer);
    measure("write_devnull_1", 2000, op_write_null);
    measure("read_devzero_1", 2000, op_read_zero);
    measure("lseek", 2000, op_lseek);
    measure("pread_tmpfs_4k", 1000, op_pread_4k);
    measure("pread_tmpfs_64k", 200, op_pread_64k);
    measure("pwrite_tmpfs_4k", 1000, op_pwrite_4k);
    measure("dup_close", 1000, op_dup);
    measure("fstat", 1000, op_fstat);
    call(lseek, file, 0, 2);
    measure("write_tmpfs_4k_new", 400, op_write_new);
    call(close, file);
    unlink("data");
    names();
}

/* ---- Pipes and sockets ---- */

static int pipe_a[2], pipe_b[2];

static long op_pipe_create(void)
{
    int ends[2];
    long result = call(pipe2, ends, 0);
    return result < 0 ? result : both(call(close, ends[0]), call(close, ends[1]));
}

static long op_pipe_self(void) { return both(call(write, pipe_a[1], &byte, 1), call(read, pipe_a[0], &byte, 1)); }
static long op_pipe_rtt(void) { return both(call(write, pipe_a[1], &byte, 1), call(read, pipe_b[0], &byte, 1)); }
static long op_pipe_write(void) { return call(write, pipe_a[1], buffer, 4096); }
static long op_socket_rtt(void) { return both(call(write, pipe_a[1], &byte, 1), call(read, pipe_a[1], &byte, 1)); }

static void echo(int from, int to)
{
    while (call(read, from, &byte, 1) == 1)
        call(write, to, &byte, 1);
    call(exit_group, 0);
}

static void close_pair(int *ends)
{
    call(close, ends[0]);
    call(close, ends[1]);
}

static void pipes(void)
{
    measure("pipe_create_close", 500, op_pipe_create);
    call(pipe2, pipe_a, 0);
    call(pipe2, pipe_b, 0);
    measure("pipe_self_wr", 1000, op_pipe_self);
    long child = fork();
    if (child == 0)
        echo(pipe_a[0], pipe_b[1]);
    measure("pipe_rtt", 1000, op_pipe_rtt);
    end_child(child);
    child = fork();
    if (child == 0)
        while (call(read, pipe_a[0], buffer, 4096) > 0)
            ;
    measure_parts("pipe_bw_per_KiB", 256, 4, op_pipe_write);
    end_child(child);
    close_pair(pipe_a), close_pair(pipe_b);
    long result = call(socketpair, 1, 1, 0, pipe_a);
    if (result < 0)
        return missing("unix_rtt", result);
    child = fork();
    if (child == 0)
        echo(pipe_a[0], pipe_a[0]);
    measure("unix_rtt", 1000, op_socket_rtt);
    end_child(child);
    close_pair(pipe_a);
}

/* ---- System V ---- */

#define IPC_CREAT 01000
#define IPC_PRIVATE 0
#define IPC_RMID 0

static struct { long kind; char content[8]; } message = {1, "1234567"};
static struct change { unsigned short index; short change; short flags; } plus_0 = {0, 1, 0}, minus_0 = {0, -1, 0},
                                                                        plus_1 = {1, 1, 0}, minus_1 = {1, -1, 0};
static long queue, semaphores, segment;

static long send(long kind)
{
    message.kind = kind;
    return call(msgsnd, queue, &message, 8, 0);
}

static long receive(long kind) { return call(msgrcv, queue, &message, 8, kind, 0); }
static long semop(struct change *change) { return call(semop, semaphores, change, 1); }

static long op_message_self(void) { return both(send(1), receive(1)); }
static long op_message_rtt(void) { return both(send(1), receive(2)); }
static long op_semaphore_self(void) { return both(semop(&plus_0), semop(&minus_0)); }
static long op_semaphore_rtt(void) { return both(semop(&plus_0), semop(&minus_1)); }

static long op_segment(void)
{
    long id = call(shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    if (id < 0)
        return id;
    long address = call(shmat, id, 0, 0);
    return both(call(shmdt, address), call(shmctl, id, IPC_RMID, 0));
}

static long op_segment_touch(void)
{
    long address = call(shmat, segment, 0, 0);
    if (address < 0)
        return address;
    *(volatile char *)address = 1;
    return call(shmdt, address);
}

static void system_v(void)
{
    queue = call(msgget, IPC_PRIVATE, IPC_CREAT | 0600);
    measure("msg_self", 1000, op_message_self);
    long child = fork();
    while (child == 0)
        receive(1), send(2);
    measure("msg_rtt", 1000, op_message_rtt);
    end_child(child);
    call(msgctl, queue, IPC_RMID, 0);
    semaphores = call(semget, IPC_PRIVATE, 2, IPC_CREAT | 0600);
    measure("semop_pv", 1000, op_semaphore_self);
    child = fork();
    while (child == 0)
        semop(&minus_0), semop(&plus_1);
    measure("sem_rtt", 1000, op_semaphore_rtt);
    end_child(child);
    call(semctl, semaphores, 0, IPC_RMID, 0);
    measure("shm_get_at_dt_rm", 200, op_segment);
    segment = call(shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    measure("shm_at_touch_dt", 200, op_segment_touch);
    call(shmctl, segment, IPC_RMID, 0);
}

/* ---- Memory ---- */

#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x20
#define PAGES 256L
#define ROUNDS 5

static char *region;

static char *map(long bytes, long flags)
{
    return (char *)call(mmap, 0, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
}

static void touch(char *start, long pages)
{
    for (long page = 0; page < pages; page++)
        *(volatile char *)(start + page * PAGE) = 1;
}

static long op_map(void) { return call(munmap, map(16 * PAGE, MAP_PRIVATE), 16 * PAGE); }

static long op_protect(void)
{
    return both(call(mprotect, region, 16 * PAGE, PROT_READ), call(mprotect, region, 16 * PAGE, PROT_READ | PROT_WRITE));
}

static long op_break(void)
{
    char *start = (char *)call(brk, 0);
    if ((char *)call(brk, start + 16 * PAGE) != start + 16 * PAGE)
        return -12;
    touch(start, 16);
    call(brk, start);
    return 0;
}

/* First touch, and unmapping, for each page. */
static void pages(void)
{
    u64 touched = 0, unmapped = 0;
    for (int round = 0; round <= ROUNDS; round++) {
        char *start = map(PAGES * PAGE, MAP_PRIVATE);
        u64 before = ticks();
        touch(start, PAGES);
        u64 between = ticks();
        call(munmap, start, PAGES * PAGE);
        u64 after = ticks();
        if (round > 0)
            touched += between - before, unmapped += after - between;
    }
    report("touch_page", touched, ROUNDS * PAGES);
    report("munmap_page", unmapped, ROUNDS * PAGES);
}

/* Reading each page of a mapped file. */
static void file_pages(void)
{
    file = open("data", O_RDWR | O_CREAT | O_TRUNC);
    for (int piece = 0; piece < PAGES * PAGE / (long)sizeof buffer; piece++)
        call(write, file, buffer, sizeof buffer);
    u64 total = 0;
    for (int round = 0; round <= ROUNDS; round++) {
        long at = call(mmap, 0, PAGES * PAGE, PROT_READ, MAP_SHARED, file, 0);
        if (at < 0)
            return missing("filefault_page", at);
        u64 start = ticks();
        for (long page = 0; page < PAGES; page++)
            *(volatile char *)(at + page * PAGE);
        total += round > 0 ? ticks() - start : 0;
        call(munmap, at, PAGES * PAGE);
    }
    report("filefault_page", total, ROUNDS * PAGES);
    call(close, file);
    unlink("data");
}

/* A write to each page that a child shares with its parent. */
static void copies(void)
{
    u64 *result = (u64 *)map(PAGE, MAP_SHARED);
    char *start = map(PAGES * PAGE, MAP_PRIVATE);
    touch(start, PAGES);
    *result = 0;
    for (int round = 0; round < ROUNDS; round++) {
        long child = fork();
        if (child == 0) {
            u64 before = ticks();
            touch(start, PAGES);
            *result += ticks() - before;
            call(exit_group, 0);
        }
        wait_for(child);
    }
    report("cow_page", *result, ROUNDS * PAGES);
    call(munmap, start, PAGES * PAGE);
    call(munmap, result, PAGE);
}

static void memory(void)
{
    measure("mmap_munmap_64k", 400, op_map);
    region = map(16 * PAGE, MAP_PRIVATE);
    touch(region, 16);
    measure("mprotect_x2_64k", 400, op_protect);
    call(munmap, region, 16 * PAGE);
    if (wanted("touch_page") || wanted("munmap_page"))
        pages();
    if (wanted("filefault_page"))
        file_pages();
    if (wanted("cow_page"))
        copies();
    measure("brk_64k_touch", 100, op_break);
}

/* ---- fork, exec, threads ---- */

static char small[256], large[256];
static char *environment[] = {0}, *plain[] = {"end", 0}, *looking[] = {"end", "look", 0};

static void run_and_end(const char *path, char **how)
{
    call(execve, path, how, environment);
    call(exit_group, 99);
}

/* Succeeds only if the child did, so that an exec that fails is no figure. */
static long ended_well(long pid)
{
    int how = 0;
    if (pid < 0)
        return pid;
    long result = call(wait4, pid, &how, 0, 0);
    return result < 0 ? result : how == 0 ? 0 : -8;
}

static long op_fork(void)
{
    long pid = fork();
    if (pid == 0)
        call(exit_group, 0);
    return ended_well(pid);
}

static long fork_exec(const char *path, char **how)
{
    long pid = fork();
    if (pid == 0)
        run_and_end(path, how);
    return ended_well(pid);
}

static long op_fork_exec(void) { return fork_exec(small, plain); }
static long op_fork_exec_large(void) { return fork_exec(large, plain); }
static long op_fork_exec_look(void) { return fork_exec(large, looking); }

#define vfork() call(clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)

static __attribute__((noinline)) long op_vfork(void)
{
    long pid = vfork();
    if (pid == 0)
        call(exit_group, 0);
    return ended_well(pid);
}

static __attribute__((noinline)) long op_vfork_exec(void)
{
    long pid = vfork();
    if (pid == 0)
        run_and_end(small, plain);
    return ended_well(pid);
}

#define THREAD_FLAGS 0x3d0f00 /* VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_PRIVATE 128
#define STACK (64 * 1024L)

/* clone: x0 flags, x1 stack, x2 place of the tid, x3 function. The thread calls it and ends. */
long start_thread(long flags, char *stack, volatile int *tid, void (*function)(void));
__asm__(".text\n.global start_thread\nstart_thread:\n"
        "mov x9, x3\n mov x3, xzr\n mov x4, x2\n mov x8, #220\n svc #0\n"
        "cbz x0, 1f\n ret\n"
        "1: blr x9\n mov x0, xzr\n mov x8, #93\n svc #0\n");

static volatile int tid, token;
static char thread_stack[STACK] __attribute__((aligned(4096)));

static void nothing(void) {}

static long join(long result)
{
    int value;
    if (result < 0)
        return result;
    while ((value = tid) != 0)
        call(futex, &tid, FUTEX_WAIT, value, 0);
    return 0;
}

static long op_thread(void)
{
    tid = 1;
    return join(start_thread(THREAD_FLAGS, thread_stack + STACK, &tid, nothing));
}

static long op_thread_map(void)
{
    char *stack = map(STACK, MAP_PRIVATE);
    tid = 1;
    call(mprotect, stack, PAGE, 0);
    long result = join(start_thread(THREAD_FLAGS, stack + STACK, &tid, nothing));
    return both(result, call(munmap, stack, STACK));
}

/* Two threads: the token is 1 for the other's turn, 0 for ours, 2 at the end. */
static void partner(void)
{
    while (token != 2) {
        if (token == 1) {
            token = 0;
            call(futex, &token, FUTEX_WAKE | FUTEX_PRIVATE, 1);
        }
        call(futex, &token, FUTEX_WAIT | FUTEX_PRIVATE, 0, 0);
    }
}

static long op_wake_none(void) { return call(futex, &token, FUTEX_WAKE | FUTEX_PRIVATE, 1); }

static long op_futex_rtt(void)
{
    token = 1;
    call(futex, &token, FUTEX_WAKE | FUTEX_PRIVATE, 1);
    while (token == 1)
        call(futex, &token, FUTEX_WAIT | FUTEX_PRIVATE, 1, 0);
    return 0;
}

static void threads(void)
{
    measure("thread_create_join", 100, op_thread);
    measure("thread_mmap_cr_join", 100, op_thread_map);
    measure("futex_wake_none", 1000, op_wake_none);
    if (!wanted("futex_rtt"))
        return;
    tid = 1, token = 0;
    long result = start_thread(THREAD_FLAGS, thread_stack + STACK, &tid, partner);
    if (result < 0)
        return missing("futex_rtt", result);
    measure("futex_rtt", 500, op_futex_rtt);
    token = 2;
    call(futex, &token, FUTEX_WAKE | FUTEX_PRIVATE, 1);
    join(0);
}

static void processes(void)
{
    measure("fork_exit_wait", 100, op_fork);
    char *much = map(4 << 20, MAP_PRIVATE);
    touch(much, (4 << 20) / PAGE);
    measure("fork_exit_wait_4M", 50, op_fork);
    call(munmap, much, 4 << 20);
    measure("vfork_exit_wait", 100, op_vfork);
    measure("fork_exec_wait", 50, op_fork_exec);
    measure("vfork_exec_wait", 50, op_vfork_exec);
    measure("fork_exec_1M", 50, op_fork_exec_large);
    measure("fork_exec_1M_touch", 20, op_fork_exec_look);
}

/* ---- Signals ---- */

#define SA_RESTORER 0x4000000

void restorer(void);
__asm__(".text\n.global restorer\nrestorer:\nmov x8, #139\nsvc #0\n");

static void handler(int signal) { (void)signal; }

static struct { void (*handler)(int); u64 flags; void (*restorer)(void); u64 mask; } action = {handler, SA_RESTORER,
                                                                                              restorer, 0};
static u64 set = 1 << (SIGUSR1 - 1);
static long own_pid;

static long op_install(void) { return call(rt_sigaction, SIGUSR1, &action, 0, 8); }
static long op_mask(void) { return both(call(rt_sigprocmask, 0, &set, 0, 8), call(rt_sigprocmask, 1, &set, 0, 8)); }
static long op_kill(void) { return call(kill, own_pid, SIGUSR1); }

static void signals(void)
{
    own_pid = call(getpid);
    measure("sig_install", 500, op_install);
    measure("sig_mask_x2", 500, op_mask);
    op_install();
    measure("sig_self_kill", 500, op_kill);
}

/* ---- */

/* `directory of this program`/`name`. */
static void beside(char *path, const char *name)
{
    u64 end = length(argument[0]);
    while (end > 0 && argument[0][end - 1] != '/')
        end--;
    for (u64 at = 0; at < end && at < 200; at++)
        path[at] = argument[0][at];
    for (u64 at = 0; name[at]; at++)
        path[end + at] = name[at];
}

__attribute__((used)) static void run(long *stack)
{
    arguments = stack[0];
    argument = (char **)(stack + 1);
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    long *at = stack + 2 + arguments;
    while (*at++)
        ;
    for (; *at; at += 2)
        if (*at == 33)
            find_vdso((char *)at[1]);
    beside(small, "end"), beside(large, "end-1M");
    call(chdir, "/tmp"), mkdir("bench"), call(chdir, "bench"), mkdir("a");
    call(close, open("file", O_WRONLY | O_CREAT));
    call(close, open("a/file", O_WRONLY | O_CREAT));
    answers(), files(), pipes(), system_v(), memory(), processes(), threads(), signals();
    unlink("a/file"), unlink("file"), rmdir("a"), call(chdir, ".."), rmdir("bench");
    call(exit_group, 0);
}

__asm__(".text\n.global _start\n_start: mov x0, sp\n b run\n");
