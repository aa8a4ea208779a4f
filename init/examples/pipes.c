/* Pipes: one way, a pipeline of two programs, the end of input, and writing to nobody. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void one_way(void)
{
    int ends[2];
    char text[64];
    if (pipe(ends) < 0)
        perror("pipe");
    if (fork() == 0) {
        close(ends[0]);
        for (int i = 1; i <= 3; i++)
            dprintf(ends[1], "message %d\n", i);
        _exit(0);
    }
    /* As long as somebody could still write, a reader waits; so the own end must go. */
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    while (fgets(text, sizeof text, in))
        printf("received: %s", text);
    printf("end of input\n");
    fclose(in);
    wait(NULL);
}

static void pipeline(void)
{
    int ends[2];
    if (pipe(ends) < 0)
        perror("pipe");
    fflush(stdout);
    if (fork() == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        printf("pear\napple\nquince\n");
        exit(0);
    }
    if (fork() == 0) {
        dup2(ends[0], 0);
        close(ends[0]);
        close(ends[1]);
        execlp("sort", "sort", (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    close(ends[1]);
    while (wait(NULL) > 0)
        ;
}

static void capacity(void)
{
    int ends[2];
    long written = 0;
    if (pipe2(ends, O_NONBLOCK) < 0)
        perror("pipe2");
    while (write(ends[1], "0123456789abcdef", 16) == 16)
        written += 16;
    printf("a pipe takes %ld bytes, then: %s\n", written, strerror(errno));
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    if (write(ends[1], "x", 1) < 0)
        printf("nobody reads: %s\n", strerror(errno));
    signal(SIGPIPE, SIG_DFL);
    fflush(stdout);
    if (fork() == 0) {
        if (write(ends[1], "x", 1) < 0)
            _exit(1);
        _exit(0);
    }
    int status;
    wait(&status);
    printf("and without ignoring it: killed by %s\n", strsignal(WTERMSIG(status)));
    close(ends[1]);
}

int main(void)
{
    one_way();
    pipeline();
    capacity();
    return 0;
}
