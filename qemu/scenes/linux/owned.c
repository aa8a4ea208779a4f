/* Locks whose word names their owner (FUTEX_LOCK_PI): one line each, with nothing in it that differs between systems. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned word, *shared;
static volatile int order[8], came;

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static long futex(unsigned *at, int operation, struct timespec *time)
{
    return syscall(SYS_futex, at, operation, 0, time, NULL, 0);
}

/* The word, with the own number as "own". */
static void show_word(const char *what, unsigned value)
{
    unsigned tid = value & FUTEX_TID_MASK;
    printf("%s: %s%s%s\n", what, tid == 0 ? "nobody" : tid == (unsigned)gettid() ? "own" : "another",
           value & FUTEX_WAITERS ? ", waiters" : "", value & FUTEX_OWNER_DIED ? ", died" : "");
}

static struct timespec soon(clockid_t clock, long ms)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void *locker(void *number)
{
    long result = futex(&word, FUTEX_LOCK_PI_PRIVATE, NULL);
    order[came++] = result == 0 && (word & FUTEX_TID_MASK) == (unsigned)gettid() ? (long)number : -1;
    if (futex(&word, FUTEX_UNLOCK_PI_PRIVATE, NULL))
        order[came++] = -2;
    return NULL;
}

static void *leaver(void *unused)
{
    (void)unused;
    futex(&word, FUTEX_LOCK_PI_PRIVATE, NULL);
    usleep(50000);
    return NULL;
}

static void words(void)
{
    pthread_t threads[3];
    show("lock", futex(&word, FUTEX_LOCK_PI_PRIVATE, NULL));
    show_word("word", word);
    show("again", futex(&word, FUTEX_LOCK_PI_PRIVATE, NULL));
    show("try", futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, NULL));
    for (long i = 0; i < 3; i++) {
        pthread_create(&threads[i], NULL, locker, (void *)(i + 1));
        usleep(20000);
    }
    show_word("word", word);
    show("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, NULL));
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    printf("order %d %d %d\n", order[0], order[1], order[2]);
    show_word("word", word);
    show("not locked", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, NULL));
    show("try", futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, NULL));
    show("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, NULL));
    word = 4000000;
    show("owner that is not there", futex(&word, FUTEX_LOCK_PI_PRIVATE, NULL));
    word = 0;
    show("unaligned", futex((unsigned *)((char *)&word + 1), FUTEX_LOCK_PI_PRIVATE, NULL));
    show("nowhere", futex((unsigned *)8, FUTEX_LOCK_PI_PRIVATE, NULL));
}

static void nothing(int signal) { (void)signal; }

static void times(void)
{
    pthread_t thread;
    struct timespec time, bad = {0, 1000000000};
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    pthread_create(&thread, NULL, leaver, NULL);
    usleep(10000);
    show("try", futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, NULL));
    show_word("word", word);
    time = soon(CLOCK_REALTIME, 10);
    show("in time", futex(&word, FUTEX_LOCK_PI_PRIVATE, &time));
    show("bad time", futex(&word, FUTEX_LOCK_PI_PRIVATE, &bad));
    ualarm(10000, 0);
    show("after its end", futex(&word, FUTEX_LOCK_PI_PRIVATE, NULL));
    show_word("word", word);
    pthread_join(thread, NULL);
    show("unlock", futex(&word, FUTEX_UNLOCK_PI_PRIVATE, NULL));
    show_word("word", word);
}

static void processes(void)
{
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    show("shared", futex(shared, FUTEX_LOCK_PI, NULL));
    if (fork() == 0) {
        show_word("child sees", *shared);
        fflush(stdout);
        long result = futex(shared, FUTEX_LOCK_PI, NULL);
        show("child has it", result);
        show_word("child sees", *shared);
        fflush(stdout);
        _exit(0);
    }
    usleep(50000);
    show_word("somebody waits", *shared);
    fflush(stdout);
    show("unlock", futex(shared, FUTEX_UNLOCK_PI, NULL));
    wait(NULL);
    if (fork() == 0) {
        *shared = 0;
        futex(shared, FUTEX_LOCK_PI, NULL);
        usleep(50000);
        raise(SIGKILL);
    }
    usleep(20000);
    show("killed owner", futex(shared, FUTEX_LOCK_PI, NULL));
    show_word("word", *shared);
    show("unlock", futex(shared, FUTEX_UNLOCK_PI, NULL));
    wait(NULL);
}

static pthread_mutex_t mutex;
static int counter;

static void *adder(void *unused)
{
    (void)unused;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        int old = counter;
        if (i % 64 == 0)
            sched_yield();
        counter = old + 1;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *owner(void *unused)
{
    pthread_mutex_lock(&mutex);
    return unused;
}

static void library(void)
{
    pthread_t threads[4];
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    show("protocol", pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
    show("mutex", pthread_mutex_init(&mutex, &attributes));
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, adder, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("counted %d\n", counter);
    pthread_mutex_destroy(&mutex);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &attributes);
    pthread_create(&threads[0], NULL, owner, NULL);
    pthread_join(threads[0], NULL);
    printf("owner died: %s\n", strerror(pthread_mutex_lock(&mutex)));
    show("consistent", pthread_mutex_consistent(&mutex));
    printf("twice: %s\n", strerror(pthread_mutex_lock(&mutex)));
    show("unlock", pthread_mutex_unlock(&mutex));
    printf("once more: %s\n", strerror(pthread_mutex_unlock(&mutex)));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    words();
    times();
    processes();
    library();
    return 0;
}
