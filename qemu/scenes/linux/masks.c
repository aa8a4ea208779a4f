/* Masks that change around signals from everywhere: none may be lost, none may come while blocked. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 4000

static volatile sig_atomic_t blocked, wrong, count;
static volatile int *handled;

static void note(int signal)
{
    (void)signal;
    wrong += blocked;
    count++;
}

static void acknowledge(int signal)
{
    /* Other values in registers than the interrupted code has. */
    volatile double spoil = signal * 1.5;
    (void)spoil;
    wrong += blocked;
    (*handled)++;
}

static void catch(int signal, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(signal, &action, NULL);
}

static sigset_t only(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    if (signal)
        sigaddset(&set, signal);
    return set;
}

static int is_blocked(int signal)
{
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, signal);
}

static int is_pending(int signal)
{
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, signal);
}

static int change(int how, int signal)
{
    sigset_t set = only(signal);
    return sigprocmask(how, &set, NULL);
}

/* A process that sends the next signal when the one before was handled. */
static pid_t sender(int signal, int times)
{
    pid_t target = getpid(), child = fork();
    if (child == 0) {
        for (int i = 0; i < times; i++) {
            while (*handled < i)
                sched_yield();
            kill(target, signal);
        }
        _exit(0);
    }
    return child;
}

static void the_call(void)
{
    unsigned long all = ~0UL, old = 0;
    printf("all: %ld\n", syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, 8));
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &old, 8);
    printf("but kill and stop: %lx\n", ~old & ~0UL >> 2);
    old = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
    long bad = syscall(SYS_rt_sigprocmask, 3, &all, NULL, 8);
    printf("how: %ld %d\n", bad, errno == EINVAL);
    bad = syscall(SYS_rt_sigprocmask, 3, NULL, &old, 8);
    printf("how, unused: %ld\n", bad);
    bad = syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 4);
    printf("size: %ld %d\n", bad, errno == EINVAL);
    bad = syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8);
    printf("from nowhere: %ld %d\n", bad, errno == EFAULT);
    bad = syscall(SYS_rt_sigprocmask, SIG_BLOCK, &(unsigned long){512}, 8, 8);
    printf("to nowhere: %ld %d, and done: %d\n", bad, errno == EFAULT, is_blocked(SIGUSR1));
    change(SIG_SETMASK, 0);
}

static void pending(void)
{
    catch(SIGUSR1, note, 0);
    change(SIG_BLOCK, SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR1);
    printf("pending %d, run %d\n", is_pending(SIGUSR1), count);
    change(SIG_BLOCK, SIGUSR2);
    change(SIG_UNBLOCK, SIGUSR1);
    printf("run %d, pending %d\n", count, is_pending(SIGUSR1));
    change(SIG_BLOCK, SIGUSR1);
    if (fork() == 0) {
        printf("the child blocks it: %d, pending %d\n", is_blocked(SIGUSR1), is_pending(SIGUSR1));
        fflush(stdout);
        kill(getppid(), SIGUSR1);
        kill(getppid(), SIGUSR2);
        _exit(0);
    }
    wait(NULL);
    printf("run %d, pending %d %d\n", count, is_pending(SIGUSR1), is_pending(SIGUSR2));
    catch(SIGUSR2, SIG_IGN, 0);
    printf("ignored: pending %d\n", is_pending(SIGUSR2));
    change(SIG_SETMASK, 0);
    printf("run %d\n", count);
}

static void from_a_process(int times)
{
    double sum = 0, again = 0;
    catch(SIGUSR1, acknowledge, 0);
    *handled = 0;
    pid_t child = sender(SIGUSR1, times);
    long rounds = 0;
    while (*handled < times) {
        double before = sum;
        change(SIG_BLOCK, SIGUSR1);
        blocked = 1;
        if (rounds++ % 3 == 0)
            sched_yield();
        sum += rounds * 0.5;
        blocked = 0;
        change(SIG_UNBLOCK, SIGUSR1);
        again += rounds * 0.5;
        wrong += sum != again || before + rounds * 0.5 != sum;
        if (rounds % 2 == 0)
            sched_yield();
    }
    waitpid(child, NULL, 0);
    printf("from a process: %d, wrong %d\n", *handled, wrong);
}

static void from_a_timer(void)
{
    struct itimerval time = {{0, 2000}, {0, 2000}}, none = {{0, 0}, {0, 0}};
    catch(SIGALRM, note, SA_RESTART);
    count = 0;
    setitimer(ITIMER_REAL, &time, NULL);
    for (int i = 0; i < ROUNDS || count < 20; i++) {
        change(SIG_BLOCK, SIGALRM);
        blocked = 1;
        wrong += is_blocked(SIGALRM) != 1;
        blocked = 0;
        change(SIG_SETMASK, 0);
    }
    setitimer(ITIMER_REAL, &none, NULL);
    printf("from a timer: %d, wrong %d\n", count >= 20, wrong);
}

static void suspended(void)
{
    sigset_t empty = only(0);
    change(SIG_BLOCK, SIGUSR1);
    *handled = 0;
    int interrupted = 0;
    pid_t child = sender(SIGUSR1, ROUNDS / 10);
    while (*handled < ROUNDS / 10) {
        interrupted += sigsuspend(&empty) == -1 && errno == EINTR;
        wrong += !is_blocked(SIGUSR1);
    }
    waitpid(child, NULL, 0);
    printf("suspended: %d %d, wrong %d\n", *handled, interrupted, wrong);

    *handled = interrupted = 0;
    child = sender(SIGUSR1, ROUNDS / 10);
    while (*handled < ROUNDS / 10) {
        interrupted += ppoll(NULL, 0, NULL, &empty) == -1 && errno == EINTR;
        wrong += !is_blocked(SIGUSR1);
    }
    waitpid(child, NULL, 0);
    printf("polled: %d %d, wrong %d\n", *handled, interrupted, wrong);

    sigset_t set = only(SIGUSR1);
    *handled = 0;
    child = sender(SIGUSR1, ROUNDS / 10);
    while (*handled < ROUNDS / 10) {
        (*handled) += sigwaitinfo(&set, NULL) == SIGUSR1;
    }
    waitpid(child, NULL, 0);
    printf("waited: %d, pending %d\n", *handled, is_pending(SIGUSR1));
    change(SIG_UNBLOCK, SIGUSR1);
}

static volatile int depth, deepest, runs;

static void nested(int signal)
{
    depth++;
    deepest = depth > deepest ? depth : deepest;
    if (++runs < 5)
        raise(signal);
    depth--;
}

static sigjmp_buf back;

static void leave(int signal)
{
    wrong += !is_blocked(signal);
    siglongjmp(back, 1);
}

static void handlers(void)
{
    catch(SIGUSR1, nested, SA_NODEFER);
    raise(SIGUSR1);
    printf("not deferred: %d\n", deepest);
    deepest = runs = 0;
    catch(SIGUSR1, nested, 0);
    raise(SIGUSR1);
    printf("deferred: %d of %d\n", deepest, runs);
    struct sigaction action = {.sa_handler = nested, .sa_mask = only(SIGUSR2)}, old;
    sigaction(SIGUSR1, &action, NULL);
    catch(SIGUSR2, note, SA_RESETHAND);
    count = 0;
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &old);
    printf("once: %d, default %d\n", count, old.sa_handler == SIG_DFL);
    catch(SIGUSR1, leave, 0);
    volatile int left = 0;
    while (left < 1000) {
        if (sigsetjmp(back, 1) == 0)
            raise(SIGUSR1);
        else
            left++;
        wrong += is_blocked(SIGUSR1);
    }
    printf("left: %d, wrong %d\n", left, wrong);
}

static volatile int took[2];
static __thread int self;

static void by_thread(int signal)
{
    (void)signal;
    took[self]++;
    (*handled)++;
}

static volatile int stage;

static void *second(void *unused)
{
    (void)unused;
    self = 1;
    sigset_t set = only(SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    stage = 1;
    while (stage == 1)
        sched_yield();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    stage = 3;
    while (stage == 3)
        sched_yield();
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return NULL;
}

static void threads(void)
{
    catch(SIGUSR1, by_thread, 0);
    change(SIG_BLOCK, SIGUSR1);
    *handled = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, second, NULL);
    while (stage < 1)
        sched_yield();
    pid_t child = sender(SIGUSR1, ROUNDS / 20);
    while (*handled < ROUNDS / 20)
        sched_yield();
    waitpid(child, NULL, 0);
    printf("who blocks it took %d, who does not %d\n", took[0], took[1]);
    stage = 2;
    while (stage < 3)
        sched_yield();
    kill(getpid(), SIGUSR1);
    pthread_kill(thread, SIGUSR1);
    printf("both block it: pending %d, took %d\n", is_pending(SIGUSR1), took[0] + took[1]);
    change(SIG_UNBLOCK, SIGUSR1);
    printf("the process's: %d, the thread's: %d\n", took[0], took[1]);
    stage = 4;
    pthread_join(thread, NULL);
    printf("the process's: %d, the thread's: %d\n", took[0], took[1]);
}

static void children(const char *program)
{
    change(SIG_BLOCK, SIGTERM);
    fflush(stdout);
    pid_t child = vfork();
    if (child == 0) {
        execl(program, program, "report", NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    child = fork();
    if (child == 0) {
        change(SIG_BLOCK, SIGHUP);
        execl(program, program, "report", NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    printf("the parent's: %d %d\n", is_blocked(SIGTERM), is_blocked(SIGHUP));
    child = fork();
    if (child == 0)
        for (;;)
            pause();
    int status = 0;
    kill(child, SIGTERM);
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    printf("stopped %d\n", WIFSTOPPED(status));
    kill(child, SIGCONT);
    waitpid(child, &status, WCONTINUED);
    printf("alive %d\n", kill(child, 0) == 0);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    printf("killed by %d\n", WTERMSIG(status));
    change(SIG_SETMASK, 0);
}

int main(int arguments, char **argument)
{
    if (arguments > 1 && !strcmp(argument[1], "report")) {
        printf("executed: %d %d\n", is_blocked(SIGTERM), is_blocked(SIGHUP));
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    handled = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (arguments > 1) {
        from_a_process(atoi(argument[1]));
        return wrong != 0;
    }
    the_call();
    pending();
    from_a_process(ROUNDS);
    from_a_timer();
    suspended();
    handlers();
    threads();
    children(argument[0]);
    return wrong != 0;
}
