/* Timers of processes and threads, and sleeping that signals interrupt. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int count, value, code, wrong;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    count++;
    value = info->si_value.sival_int;
    code = info->si_code;
    wrong += info->si_timerid < 0;
}

static struct itimerspec setting(long first_ms, long interval_ms)
{
    struct itimerspec time = {{0, interval_ms * 1000000}, {0, first_ms * 1000000}};
    return time;
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void signals(void)
{
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    event.sigev_value.sival_int = 42;
    timer_t timer;
    printf("create: %d\n", timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec time = setting(10, 5);
    printf("set: %d\n", timer_settime(timer, 0, &time, NULL));
    while (count < 3)
        pause();
    printf("caught, value %d, by timer %d, wrong %d\n", value, code == SI_TIMER, wrong);
    struct itimerspec old;
    time = setting(0, 0);
    timer_settime(timer, 0, &time, &old);
    printf("interval was %ld, left %d\n", old.it_interval.tv_nsec, old.it_value.tv_nsec <= 5000000);
    timer_gettime(timer, &old);
    printf("stopped %ld %ld\n", old.it_value.tv_nsec, old.it_value.tv_sec);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    time = setting(5, 5);
    timer_settime(timer, 0, &time, NULL);
    usleep(60000);
    siginfo_t info;
    printf("waited: %d\n", sigwaitinfo(&set, &info) == SIGUSR1);
    printf("overruns %d\n", timer_getoverrun(timer) >= 8 && info.si_overrun == timer_getoverrun(timer));
    printf("delete: %d\n", timer_delete(timer));
    printf("gone: %d %s\n", timer_gettime(timer, &old), strerror(errno));
    sigprocmask(SIG_UNBLOCK, &set, NULL);

    struct timespec start;
    clock_gettime(CLOCK_REALTIME, &start);
    timer_create(CLOCK_REALTIME, NULL, &timer);
    time.it_value = start;
    time.it_value.tv_nsec += 20000000;
    if (time.it_value.tv_nsec >= 1000000000)
        time.it_value.tv_sec++, time.it_value.tv_nsec -= 1000000000;
    time.it_interval = (struct timespec){0, 0};
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    timer_settime(timer, TIMER_ABSTIME, &time, NULL);
    int caught = sigwaitinfo(&set, &info);
    clock_gettime(CLOCK_REALTIME, &time.it_interval);
    printf("alarm %d, in time %d\n", caught == SIGALRM,
        time.it_interval.tv_sec > time.it_value.tv_sec ||
        time.it_interval.tv_nsec >= time.it_value.tv_nsec);
    timer_delete(timer);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static volatile int notified;

static void notice(union sigval argument)
{
    notified = argument.sival_int;
}

static void *sleeper(void *tid)
{
    *(pid_t *)tid = gettid();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    siginfo_t info;
    return (void *)(long)(sigwaitinfo(&set, &info) == SIGUSR2 ? info.si_value.sival_int : -1);
}

static void threads(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notice};
    event.sigev_value.sival_int = 5;
    timer_t timer;
    printf("thread timer: %d\n", timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec time = setting(5, 0);
    timer_settime(timer, 0, &time, NULL);
    for (int round = 0; round < 1000 && !notified; round++)
        usleep(1000);
    printf("notified %d\n", notified);
    timer_delete(timer);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    volatile pid_t tid = 0;
    pthread_t other;
    pthread_create(&other, NULL, sleeper, (void *)&tid);
    while (tid == 0)
        usleep(1000);
    struct sigevent one = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2};
    one.sigev_value.sival_int = 9;
    one._sigev_un._tid = tid;
    printf("for one: %d\n", timer_create(CLOCK_MONOTONIC, &one, &timer));
    timer_settime(timer, 0, &time, NULL);
    void *result;
    pthread_join(other, &result);
    printf("it got %ld\n", (long)result);
    printf("child: ");
    fflush(stdout);
    if (fork() == 0) {
        struct itimerspec old;
        printf("%s\n", timer_gettime(timer, &old) ? strerror(errno) : "inherited");
        exit(0);
    }
    wait(NULL);
}

static void sleeping(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        long start = now_ms();
        struct timespec time = {0, 300000000}, left = {0, 0};
        int result = nanosleep(&time, &left);
        long took = now_ms() - start;
        printf("slept %d, whole %d\n", result, took >= 299 && took < 800);
        exit(0);
    }
    /* Were its time to start again each time, it would sleep until this ends and 300 ms more. */
    for (int round = 0; round < 10; round++) {
        usleep(60000);
        kill(pid, SIGSTOP);
        kill(pid, SIGCONT);
    }
    wait(NULL);
    struct timespec time = {0, 80000000}, left = {0, 0};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    struct itimerspec soon = setting(20, 0);
    timer_settime(timer, 0, &soon, NULL);
    int result = nanosleep(&time, &left);
    printf("interrupted %d %s, left %d\n", result, strerror(errno),
        left.tv_nsec > 0 && left.tv_nsec < 80000000);
    printf("rest %d\n", nanosleep(&left, NULL));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signals();
    threads();
    sleeping();
    return 0;
}
