/* Clocks of processor time: one line each, with nothing in it that differs between systems. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t came[65];
static volatile int stop;

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static void note(int signal) { came[signal]++; }

static long ms_of(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time) < 0)
        return -1;
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Computes until the process has used so much more processor time. */
static void spin(long ms)
{
    long end = ms_of(CLOCK_PROCESS_CPUTIME_ID) + ms;
    while (ms_of(CLOCK_PROCESS_CPUTIME_ID) < end)
        for (volatile int i = 0; i < 20000; i++)
            ;
}

/* Computes until a signal came so often, or far too long; answers how long it took. */
static long spin_until(int signal, int times)
{
    long start = ms_of(CLOCK_PROCESS_CPUTIME_ID);
    while (came[signal] < times && ms_of(CLOCK_PROCESS_CPUTIME_ID) - start < 9000)
        spin(5);
    return ms_of(CLOCK_PROCESS_CPUTIME_ID) - start;
}

/* Whether a number is about another one: not much less, and on a busy host more. */
static const char *about(long value, long expected)
{
    static char text[40];
    if (value >= expected * 7 / 10 && value <= expected * 20)
        return "as expected";
    snprintf(text, sizeof text, "%ld and not %ld", value, expected);
    return text;
}

static void reading(void)
{
    clockid_t id;
    struct timespec time;
    spin(100);
    printf("used: %s\n", about(ms_of(CLOCK_PROCESS_CPUTIME_ID), 100));
    printf("thread: %s\n", about(ms_of(CLOCK_THREAD_CPUTIME_ID), 100));
    printf("clock(): %s\n", about(clock() / 1000, 100));
    show("own id", clock_getcpuclockid(0, &id));
    printf("by id: %s\n", about(ms_of(id), 100));
    long before = ms_of(CLOCK_PROCESS_CPUTIME_ID);
    usleep(200000);
    show("none while asleep", ms_of(CLOCK_PROCESS_CPUTIME_ID) - before < 100);
    pid_t child = fork();
    if (child == 0) {
        spin(80);
        pause();
    }
    usleep(300000);
    show("child id", clock_getcpuclockid(child, &id));
    printf("child: %s\n", about(ms_of(id), 80));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    show("gone", ms_of(id));
    show("nobody's", clock_getcpuclockid(4000000, &id));
    pthread_getcpuclockid(pthread_self(), &id);
    show("thread by id", ms_of(id) >= 100);
    show("of a stranger", ms_of((~1u << 3) | 6));
    show("bad kind", ms_of((~1u << 3) | 3));
    show("resolution", clock_getres(CLOCK_PROCESS_CPUTIME_ID, &time) + time.tv_nsec);
    clock_getcpuclockid(getpid(), &id);
    show("set", clock_settime(id, &time));
    show("set", clock_settime(CLOCK_PROCESS_CPUTIME_ID, &time));
}

static void interval(int which, int signal_number)
{
    struct itimerval timer = {{0, 50000}, {0, 100000}}, old;
    signal(signal_number, note);
    came[signal_number] = 0;
    show("set", setitimer(which, &timer, NULL));
    usleep(300000);
    printf("asleep: %d\n", came[signal_number]);
    spin(50);
    printf("before: %d\n", came[signal_number]);
    printf("not too early: %d\n", spin_until(signal_number, 3) >= 130);
    int times = came[signal_number];
    show("three times", times >= 3);
    getitimer(which, &old);
    printf("interval %ld\n", (long)old.it_interval.tv_usec);
    memset(&timer, 0, sizeof timer);
    show("clear", setitimer(which, &timer, &old));
    spin(120);
    show("no more", came[signal_number] - times <= 1);
    show("which", setitimer(3, &timer, NULL));
}

static void limits(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {1, 3};
        signal(SIGXCPU, note);
        show("limit", setrlimit(RLIMIT_CPU, &limit));
        spin(700);
        printf("at 0.7 s: %d\n", came[SIGXCPU]);
        printf("not too early: %d\n", spin_until(SIGXCPU, 1) >= 250);
        printf("then: %d\n", came[SIGXCPU]);
        getrlimit(RLIMIT_CPU, &limit);
        printf("soft %ld hard %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
        fflush(stdout);
        for (;;)
            spin(100);
    }
    int status;
    struct rusage usage;
    wait4(child, &status, 0, &usage);
    long used = usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 + usage.ru_stime.tv_sec * 1000 +
                usage.ru_stime.tv_usec / 1000;
    printf("status %x, not too early: %d\n", status, used >= 2700);
    if (fork() == 0) {
        struct rlimit limit = {0, RLIM_INFINITY};
        setrlimit(RLIMIT_CPU, &limit);
        for (;;)
            ;
    }
    wait(&status);
    printf("without a handler: %x\n", status);
}

static void timers(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec setting = {{0, 20000000}, {0, 60000000}}, old;
    timer_t timer;
    signal(SIGUSR1, note);
    clockid_t clocks[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (int i = 0; i < 2; i++) {
        came[SIGUSR1] = 0;
        show("create", timer_create(clocks[i], &event, &timer));
        show("set", timer_settime(timer, 0, &setting, NULL));
        usleep(150000);
        printf("asleep: %d\n", came[SIGUSR1]);
        spin(20);
        printf("before: %d\n", came[SIGUSR1]);
        spin(120);
        show("after", came[SIGUSR1] >= 3 && came[SIGUSR1] <= 9);
        timer_gettime(timer, &old);
        printf("interval %ld, left %s\n", old.it_interval.tv_nsec,
               old.it_value.tv_sec == 0 && old.it_value.tv_nsec <= 30000000 ? "little" : "much");
        show("delete", timer_delete(timer));
    }
    setting.it_value.tv_nsec = 1;
    came[SIGUSR1] = 0;
    timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer);
    show("in the past", timer_settime(timer, TIMER_ABSTIME, &setting, NULL));
    spin(10);
    show("came", came[SIGUSR1] >= 1);
    timer_delete(timer);
    show("raw", timer_create(CLOCK_MONOTONIC_RAW, &event, &timer));
    show("of nobody", timer_create((~4000000u << 3) | 2, &event, &timer));
}

static void *spinner(void *unused)
{
    (void)unused;
    while (!stop)
        for (volatile int i = 0; i < 20000; i++)
            ;
    return NULL;
}

static void sleeping(void)
{
    struct timespec time = {0, 100000000}, left = {7, 7};
    pthread_t thread;
    clockid_t id;
    long before = ms_of(CLOCK_PROCESS_CPUTIME_ID);
    pthread_create(&thread, NULL, spinner, NULL);
    show("slept", clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &time, NULL));
    printf("for %s\n", about(ms_of(CLOCK_PROCESS_CPUTIME_ID) - before, 100));
    show("over", clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &time, NULL));
    pthread_getcpuclockid(thread, &id);
    show("its clock", ms_of(id) >= 50);
    stop = 1;
    pthread_join(thread, NULL);
    signal(SIGALRM, note);
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGALRM, &action, NULL);
    ualarm(50000, 0);
    show("interrupted", clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &time, &left));
    show("left", left.tv_sec == 0 && left.tv_nsec > 50000000 && left.tv_nsec <= 100000000);
    show("own thread", syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &time, NULL));
    show("own thread", syscall(SYS_clock_nanosleep, (~0u << 3) | 6, 0, &time, NULL));
    show("raw", syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &time, NULL));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    reading();
    interval(ITIMER_VIRTUAL, SIGVTALRM);
    interval(ITIMER_PROF, SIGPROF);
    timers();
    sleeping();
    limits();
    return 0;
}
