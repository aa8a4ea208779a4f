/* How threads are scheduled: one line each, with nothing in it that differs between systems. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct attributes {
    unsigned size, policy;
    unsigned long flags;
    int nice;
    unsigned priority;
    unsigned long times[3];
    unsigned clamps[2];
    unsigned more[4];
};

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static void user(void)
{
    if (setgid(65534) || setuid(65534))
        perror("setuid");
}

/* Runs `what` in a child, as a user without rights. */
static void as_user(void (*what)(void))
{
    fflush(stdout);
    if (fork() == 0) {
        user();
        what();
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void try_policies(void)
{
    struct sched_param none = {0}, one = {1}, much = {100};
    show("scheduler", sched_getscheduler(0));
    show("batch", sched_setscheduler(0, SCHED_BATCH, &none));
    show("scheduler", sched_getscheduler(0));
    show("with a priority", sched_setscheduler(0, SCHED_BATCH, &one));
    show("fifo without one", sched_setscheduler(0, SCHED_FIFO, &none));
    show("fifo with much", sched_setscheduler(0, SCHED_FIFO, &much));
    show("none such", sched_setscheduler(0, 77, &none));
    show("negative", sched_setscheduler(0, -1, &none));
    show("of nobody", sched_setscheduler(-5, 0, &none));
    show("of nobody", sched_setscheduler(4000000, 0, &none));
    show("of nobody", sched_getscheduler(4000000));
    show("no parameters", syscall(SYS_sched_setscheduler, 0, 0, NULL));
    show("other", sched_setscheduler(0, SCHED_OTHER, &none));
    show("parameters", sched_setparam(0, &none));
    show("bad parameters", sched_setparam(0, &one));
    show("parameters", sched_getparam(0, &much) + much.sched_priority);
    show("reset", sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &none));
    printf("scheduler %x\n", sched_getscheduler(0));
    fflush(stdout);
    if (fork() == 0) {
        printf("child %x\n", sched_getscheduler(0));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void unprivileged(void)
{
    struct sched_param none = {0}, one = {1};
    show("fifo", sched_setscheduler(0, SCHED_FIFO, &one));
    show("round robin", sched_setscheduler(0, SCHED_RR, &one));
    show("pid 1", sched_setscheduler(1, SCHED_OTHER, &none));
    show("reset", sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none));
    show("no reset", sched_setscheduler(0, SCHED_OTHER, &none));
    show("idle", sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &none));
    show("not idle", sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none));
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    show("processor", sched_setaffinity(0, sizeof set, &set));
    show("pid 1's processor", sched_setaffinity(1, sizeof set, &set));
    errno = 0;
    show("nicer", setpriority(PRIO_PROCESS, 0, 5));
    show("less nice", setpriority(PRIO_PROCESS, 0, 4));
    show("pid 1", setpriority(PRIO_PROCESS, 1, 10));
    show("nobody", setpriority(PRIO_PROCESS, 4000000, 10));
    show("root", setpriority(PRIO_USER, 1, 10));
    show("transfers", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
    show("of pid 1", syscall(SYS_ioprio_set, 1, 1, 2 << 13 | 3));
}

static void ranges(void)
{
    int policies[] = {SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, 4, SCHED_IDLE, 6, 7, -1};
    for (int i = 0; i < 9; i++)
        printf("policy %d: %d to %d\n", policies[i], sched_get_priority_min(policies[i]), sched_get_priority_max(policies[i]));
    struct timespec slice = {9, 9};
    show("slice", sched_rr_get_interval(0, &slice));
    show("some", slice.tv_sec == 0 && slice.tv_nsec < 200000000);
    show("of nobody", sched_rr_get_interval(4000000, &slice));
    show("negative", sched_rr_get_interval(-1, &slice));
}

static void structures(void)
{
    struct attributes a = {.size = sizeof a};
    show("get", syscall(SYS_sched_getattr, 0, &a, 56, 0));
    printf("size %u policy %u flags %lx nice %d priority %u\n", a.size, a.policy, a.flags, a.nice, a.priority);
    show("too short", syscall(SYS_sched_getattr, 0, &a, 47, 0));
    show("flags", syscall(SYS_sched_getattr, 0, &a, 56, 1));
    memset(&a, 0, sizeof a);
    a.size = 48, a.policy = SCHED_BATCH, a.nice = 3, a.flags = 1;
    show("set", syscall(SYS_sched_setattr, 0, &a, 0));
    show("get", syscall(SYS_sched_getattr, 0, &a, 48, 0));
    printf("size %u policy %u flags %lx nice %d priority %u\n", a.size, a.policy, a.flags, a.nice, a.priority);
    show("nice", getpriority(PRIO_PROCESS, 0));
    a.flags = 0x8000;
    show("unknown flag", syscall(SYS_sched_setattr, 0, &a, 0));
    a.flags = 0, a.size = 40;
    show("short", syscall(SYS_sched_setattr, 0, &a, 0));
    a.size = sizeof a, a.more[1] = 1;
    show("long", syscall(SYS_sched_setattr, 0, &a, 0));
    a.more[1] = 0, a.policy = SCHED_OTHER, a.nice = 0;
    show("long and empty", a.size == sizeof a ? syscall(SYS_sched_setattr, 0, &a, 0) : 0);
    a.size = sizeof a;
    show("flags", syscall(SYS_sched_setattr, 0, &a, 1));
}

static void affinity(void)
{
    cpu_set_t set;
    show("get", sched_getaffinity(0, sizeof set, &set));
    printf("%d processors, the first %d\n", CPU_COUNT(&set), CPU_ISSET(0, &set));
    show("set", sched_setaffinity(0, sizeof set, &set));
    CPU_ZERO(&set);
    show("none", sched_setaffinity(0, sizeof set, &set));
    CPU_SET(99, &set);
    show("another", sched_setaffinity(0, sizeof set, &set));
    CPU_SET(0, &set);
    show("both", sched_setaffinity(0, sizeof set, &set));
    show("of nobody", sched_setaffinity(4000000, sizeof set, &set));
    show("of nobody", sched_getaffinity(4000000, sizeof set, &set));
    show("short", syscall(SYS_sched_getaffinity, 0, 4, &set));
    show("bytes", syscall(SYS_sched_getaffinity, 0, 128, &set) > 0);
}

static void niceness(void)
{
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        setpriority(PRIO_PROCESS, 0, 7);
        pause();
    }
    setpgid(child, child);
    while (getpriority(PRIO_PROCESS, child) != 7)
        usleep(1000);
    show("own", getpriority(PRIO_PROCESS, 0));
    show("group", getpriority(PRIO_PGRP, child));
    show("set group", setpriority(PRIO_PGRP, child, 9));
    show("child", getpriority(PRIO_PROCESS, child));
    show("root's best", getpriority(PRIO_USER, 0) <= 0);
    show("limits", setpriority(PRIO_PROCESS, child, 99));
    show("nicest", getpriority(PRIO_PROCESS, child));
    show("limits", setpriority(PRIO_PROCESS, child, -99));
    errno = 0;
    int least = getpriority(PRIO_PROCESS, child);
    printf("least %d, %s\n", least, strerror(errno));
    show("kind", getpriority(3, 0));
    show("kind", setpriority(-1, 0, 0));
    show("no group", getpriority(PRIO_PGRP, 4000000));
    show("no user", getpriority(PRIO_USER, 4000000));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void transfers(void)
{
    printf("standard %lx\n", syscall(SYS_ioprio_get, 1, 0));
    show("idle", syscall(SYS_ioprio_set, 1, 0, 3 << 13));
    printf("idle %lx\n", syscall(SYS_ioprio_get, 1, 0));
    show("best", syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 3));
    printf("best %lx\n", syscall(SYS_ioprio_get, 1, 0));
    show("class", syscall(SYS_ioprio_set, 1, 0, 4 << 13));
    show("none with a level", syscall(SYS_ioprio_set, 1, 0, 1));
    show("real time", syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 2));
    show("whose", syscall(SYS_ioprio_set, 7, 0, 2 << 13));
    show("nobody's", syscall(SYS_ioprio_get, 1, 4000000));
    show("none", syscall(SYS_ioprio_set, 1, 0, 0));
}

/* A child that is idle or nice gets less than one that is not, when both want all. */
static long counted(int low)
{
    int ends[2];
    if (pipe(ends))
        return -1;
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    for (int i = 0; i < 2; i++)
        if (fork() == 0) {
            struct sched_param none = {0};
            long count = 0;
            if (i == 0 && low == 1)
                sched_setscheduler(0, SCHED_IDLE, &none);
            if (i == 0 && low == 2)
                setpriority(PRIO_PROCESS, 0, 19);
            do {
                count++;
                clock_gettime(CLOCK_MONOTONIC, &now);
            } while ((now.tv_sec - end.tv_sec) * 1000 + (now.tv_nsec - end.tv_nsec) / 1000000 < 600);
            long result[2] = {i, count};
            _exit(write(ends[1], result, sizeof result) < 0);
        }
    long result[2], counts[2] = {0, 1};
    for (int i = 0; i < 2; i++)
        if (read(ends[0], result, sizeof result) > 0)
            counts[result[0]] = result[1];
    wait(NULL), wait(NULL);
    close(ends[0]), close(ends[1]);
    return counts[1] / (counts[0] + 1);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    as_user(try_policies);
    as_user(unprivileged);
    ranges();
    structures();
    affinity();
    niceness();
    transfers();
    show("idle yields", counted(1) >= 2);
    show("nice yields", counted(2) >= 2);
    return 0;
}
