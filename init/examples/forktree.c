/* Each fork doubles the processes: n forks one after the other make 2^n. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int levels = argc > 1 ? atoi(argv[1]) : 3;
    for (int level = 0; level < levels; level++)
        if (fork() < 0)
            perror("fork");
    while (wait(NULL) > 0)
        ;
    /* One write each, so that lines of several processes cannot mix. */
    char line[] = "I am one of them\n";
    return write(1, line, sizeof line - 1) != (ssize_t)sizeof line - 1;
}
