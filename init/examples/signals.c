/* Signals: handlers, masks, what is pending, waiting for one, interrupted calls, children's ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t count, last;

static void handler(int signal)
{
    count++;
    last = signal;
}

static void detailed(int signal, siginfo_t *info, void *context)
{
    (void)context;
    count++;
    last = signal;
    if (info->si_code == SI_QUEUE)
        printf("  value %d\n", info->si_value.sival_int);
}

static void catch(int signal, int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(signal, &action, NULL);
}

int main(void)
{
    catch(SIGUSR1, 0);
    raise(SIGUSR1);
    printf("caught %d time, signal %d\n", count, last == SIGUSR1);

    /* Blocked signals wait, and an ordinary one waits only once. */
    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    count = 0;
    for (int i = 0; i < 3; i++)
        raise(SIGUSR1);
    sigpending(&pending);
    printf("blocked: caught %d, pending %d\n", count, sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    printf("unblocked: caught %d\n", count);

    /* Real-time signals queue, with a value. */
    struct sigaction action = {.sa_sigaction = detailed, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &action, NULL);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    count = 0;
    for (int i = 1; i <= 3; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i * 11});
    sigprocmask(SIG_SETMASK, &old, NULL);
    printf("real-time: caught %d\n", count);

    /* A timer interrupts a call that waits, unless the handler is to restart calls. */
    char letter;
    int ends[2];
    if (pipe(ends) < 0)
        return 1;
    catch(SIGALRM, 0);
    /* Again and again, because the first one may come before the call waits. */
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 20000}, {0, 20000}}, NULL);
    if (read(ends[0], &letter, 1) < 0)
        printf("read: %s\n", strerror(errno));
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    catch(SIGALRM, SA_RESTART);
    fflush(stdout);
    if (fork() == 0) {
        usleep(100000);
        _exit(write(ends[1], "y", 1) != 1);
    }
    count = 0;
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 20000}}, NULL);
    printf("restarted read: %zd, %d signal\n", read(ends[0], &letter, 1), count);
    wait(NULL);

    /* Waiting without losing it: block, look, sigsuspend. */
    catch(SIGCHLD, 0);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fflush(stdout);
    if (fork() == 0)
        _exit(3);
    count = 0;
    while (count == 0)
        sigsuspend(&old);
    int status;
    wait(&status);
    printf("told of the child's end: %d, status %d\n", last == SIGCHLD, WEXITSTATUS(status));

    signal(SIGKILL, handler) == SIG_ERR ? printf("SIGKILL: %s\n", strerror(errno)) : 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    kill(pid, SIGTERM);
    wait(&status);
    printf("child: %s\n", strsignal(WTERMSIG(status)));
    return 0;
}
