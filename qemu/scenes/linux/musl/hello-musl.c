/* Against another C library: musl has its own start, its own stdio and sets signal restorers. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int caught;

static void handler(int signal)
{
    caught = signal;
}

int main(int argc, char **argv)
{
    printf("hello from musl, %d arguments, %s\n", argc - 1, argc > 1 ? argv[1] : "none");
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    printf("caught %d\n", caught == SIGUSR1);
    fflush(stdout);
    if (fork() == 0)
        exit(7);
    int status;
    wait(&status);
    printf("child %d, then %s\n", WEXITSTATUS(status), wait(&status) < 0 ? strerror(errno) : "another");
    char *memory = malloc(1 << 20);
    memset(memory, 1, 1 << 20);
    printf("%.3f %s\n", memory[12345] / 8.0, getenv("HOME") ? "at home" : "homeless");
    return argc;
}
