/* What wait tells: how a child ended, and in which order children are found. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *who, int status)
{
    if (WIFEXITED(status))
        printf("%s: exited with %d\n", who, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: killed by %s\n", who, strsignal(WTERMSIG(status)));
    else if (WIFSTOPPED(status))
        printf("%s: stopped by %s\n", who, strsignal(WSTOPSIG(status)));
    else if (WIFCONTINUED(status))
        printf("%s: continued\n", who);
}

static pid_t child(void (*work)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        work();
        _exit(0);
    }
    return pid;
}

static void nothing(void) {}
static void exits(void) { exit(300); /* only the low eight bits arrive */ }
static void aborts(void) { abort(); }
static void divides(void) { raise(SIGFPE); }
static void touches_nothing(void)
{
    int *volatile nowhere = (int *)8;
    *nowhere = 1;
}
static void sleeps(void) { for (;;) pause(); }

int main(void)
{
    int status;
    void (*works[])(void) = {nothing, exits, aborts, divides, touches_nothing};
    const char *names[] = {"nothing", "exit(300)", "abort", "SIGFPE", "bad pointer"};
    for (int i = 0; i < 5; i++) {
        child(works[i]);
        wait(&status);
        tell(names[i], status);
    }

    pid_t sleeper = child(sleeps);
    kill(sleeper, SIGSTOP);
    waitpid(sleeper, &status, WUNTRACED);
    tell("sleeper", status);
    kill(sleeper, SIGCONT);
    waitpid(sleeper, &status, WCONTINUED);
    tell("sleeper", status);
    kill(sleeper, SIGKILL);
    waitpid(sleeper, &status, 0);
    tell("sleeper", status);

    /* Children are waited for by pid in any order. */
    pid_t children[3];
    for (int i = 0; i < 3; i++) {
        fflush(stdout);
        children[i] = fork();
        if (children[i] == 0)
            _exit(i + 1);
    }
    for (int i = 2; i >= 0; i--) {
        waitpid(children[i], &status, 0);
        printf("child %d: %d\n", i, WEXITSTATUS(status));
    }
    if (wait(&status) < 0)
        printf("no more children: %s\n", strerror(errno));
    return 0;
}
