/* Threads: create and join, thread-local storage, mutexes, conditions, barriers, semaphores, signals
 * for threads and for the process, fork and exec among threads, the end of the first thread. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 200 };

static _Thread_local int mine = 7;

static void *identity(void *argument)
{
    mine += (int)(long)argument;
    return (void *)(long)(getpid() != gettid() ? mine : -1);
}

static void join(void)
{
    pthread_t threads[4];
    for (long index = 0; index < 4; index++)
        pthread_create(&threads[index], NULL, identity, (void *)index);
    for (int index = 0; index < 4; index++) {
        void *result;
        int error = pthread_join(threads[index], &result);
        printf("joined %d %ld\n", error, (long)result);
    }
    printf("own %d, leader %d\n", mine, getpid() == gettid());
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter;
static int turn;

static void *add(void *argument)
{
    (void)argument;
    for (int round = 0; round < 100; round++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
        if (round % 25 == 0)
            sched_yield();
    }
    void *memory = malloc(1000);
    free(memory);
    return memory ? NULL : argument;
}

static void many(void)
{
    static pthread_t threads[MANY];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    int made = 0;
    for (int index = 0; index < MANY; index++)
        made += pthread_create(&threads[index], &small, add, NULL) == 0;
    for (int index = 0; index < made; index++)
        pthread_join(threads[index], NULL);
    printf("%d threads counted to %ld\n", made, counter);
}

static void *pong(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&lock);
    for (int round = 0; round < 500; round++) {
        while (turn == 0)
            pthread_cond_wait(&changed, &lock);
        turn = 0;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void ping(void)
{
    pthread_t other;
    pthread_create(&other, NULL, pong, NULL);
    pthread_mutex_lock(&lock);
    for (int round = 0; round < 500; round++) {
        turn = 1;
        pthread_cond_signal(&changed);
        while (turn == 1)
            pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    pthread_join(other, NULL);
    puts("ping and pong");
}

static pthread_barrier_t barrier;
static atomic_int serial, arrived;

static void *meet(void *argument)
{
    for (int round = 0; round < 10; round++) {
        atomic_fetch_add(&arrived, 1);
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            atomic_fetch_add(&serial, 1);
        if (atomic_load(&arrived) < 8 * (round + 1))
            puts("too early");
        pthread_barrier_wait(&barrier);
    }
    return argument;
}

static void barriers(void)
{
    pthread_t threads[8];
    pthread_barrier_init(&barrier, NULL, 8);
    for (int index = 0; index < 8; index++)
        pthread_create(&threads[index], NULL, meet, NULL);
    for (int index = 0; index < 8; index++)
        pthread_join(threads[index], NULL);
    printf("met %d times, %d arrived\n", serial, arrived);
}

static struct timespec in(int clock, long milliseconds)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void *silent(void *argument)
{
    pause();
    return argument;
}

static void timeouts(void)
{
    struct timespec soon = in(CLOCK_REALTIME, 20);
    pthread_mutex_lock(&lock);
    printf("cond: %s\n", strerror(pthread_cond_timedwait(&changed, &lock, &soon)));
    printf("mutex: %s\n", strerror(pthread_mutex_timedlock(&lock, &soon)));
    pthread_mutex_unlock(&lock);
    sem_t none;
    sem_init(&none, 0, 0);
    soon = in(CLOCK_REALTIME, 20);
    int result = sem_timedwait(&none, &soon);
    printf("sem: %d %s\n", result, strerror(errno));
    pthread_t other;
    pthread_create(&other, NULL, silent, NULL);
    soon = in(CLOCK_REALTIME, 20);
    printf("join: %s\n", strerror(pthread_timedjoin_np(other, NULL, &soon)));
    printf("cancel: %d\n", pthread_cancel(other));
    void *how;
    pthread_join(other, &how);
    printf("cancelled %d\n", how == PTHREAD_CANCELED);
}

static atomic_int caught_by;

static void note(int signal)
{
    (void)signal;
    atomic_store(&caught_by, gettid());
}

static atomic_int waiter_tid;

static void *waiter(void *argument)
{
    atomic_store(&waiter_tid, gettid());
    while (atomic_load(&caught_by) == 0)
        usleep(1000);
    return argument;
}

static void *collector(void *unused)
{
    (void)unused;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    int signal = 0;
    sigwait(&set, &signal);
    return (void *)(long)signal;
}

static void signals(void)
{
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t other;
    pthread_create(&other, NULL, waiter, NULL);
    while (atomic_load(&waiter_tid) == 0)
        usleep(1000);
    printf("kill: %d\n", pthread_kill(other, SIGUSR1));
    pthread_join(other, NULL);
    printf("the other one: %d\n", caught_by == waiter_tid);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    atomic_store(&caught_by, 0);
    atomic_store(&waiter_tid, 0);
    pthread_create(&other, NULL, waiter, NULL);
    while (atomic_load(&waiter_tid) == 0)
        usleep(1000);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    pthread_join(other, NULL);
    printf("whoever lets it through: %d\n", caught_by == waiter_tid);

    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&other, NULL, collector, NULL);
    usleep(10000);
    kill(getpid(), SIGUSR2);
    void *signal;
    pthread_join(other, &signal);
    printf("waited for %ld\n", (long)signal);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    printf("nobody: %d\n", (int)syscall(SYS_tgkill, getpid(), 30000, 0));
}

static void *forker(void *argument)
{
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t inner;
        mine = 40;
        if (pthread_create(&inner, NULL, identity, (void *)2L) != 0)
            _exit(1);
        void *result;
        pthread_join(inner, &result);
        _exit(getpid() == gettid() ? mine + (int)(long)result - 7 : 2);
    }
    int status;
    waitpid(pid, &status, 0);
    printf("forked: %d\n", WEXITSTATUS(status));
    return argument;
}

static void *busy(void *argument)
{
    atomic_int *stop = argument;
    while (!atomic_load(stop)) {
        void *memory = malloc(4000);
        FILE *file = fopen("/dev/null", "w");
        fclose(file);
        free(memory);
    }
    return NULL;
}

static void forks(void)
{
    static atomic_int stop;
    pthread_t workers[3], other;
    for (int index = 0; index < 3; index++)
        pthread_create(&workers[index], NULL, busy, &stop);
    for (int round = 0; round < 3; round++) {
        pthread_create(&other, NULL, forker, NULL);
        pthread_join(other, NULL);
    }
    atomic_store(&stop, 1);
    for (int index = 0; index < 3; index++)
        pthread_join(workers[index], NULL);
}

static void *execute(void *argument)
{
    char *arguments[] = {"from a thread", argument, NULL};
    execv("/linux/hello", arguments);
    return NULL;
}

static void *last(void *argument)
{
    usleep(20000);
    printf("the first one has ended\n");
    fflush(stdout);
    exit((int)(long)argument);
}

static void ends(void)
{
    int status;
    fflush(stdout);
    if (fork() == 0) {
        pthread_t other;
        pthread_create(&other, NULL, silent, NULL);
        pthread_create(&other, NULL, execute, "x");
        for (;;)
            pause();
    }
    wait(&status);
    printf("exec: %d\n", status);
    fflush(stdout);
    if (fork() == 0) {
        pthread_t other;
        pthread_create(&other, NULL, last, (void *)5L);
        pthread_exit(NULL);
    }
    wait(&status);
    printf("exit: %d\n", WEXITSTATUS(status));
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t other;
        for (int index = 0; index < 5; index++)
            pthread_create(&other, NULL, silent, NULL);
        for (;;)
            ;
    }
    usleep(20000);
    kill(pid, SIGSTOP);
    waitpid(pid, &status, WUNTRACED);
    printf("stopped: %d\n", WSTOPSIG(status));
    kill(pid, SIGCONT);
    waitpid(pid, &status, WCONTINUED);
    printf("continued: %d\n", WIFCONTINUED(status) != 0);
    kill(pid, SIGKILL);
    wait(&status);
    printf("killed: %d\n", WTERMSIG(status));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    join();
    many();
    ping();
    barriers();
    timeouts();
    signals();
    forks();
    ends();
    return 0;
}
