/* The six ways to call exec. Each runs this program again, which then shows what it was given.
 *
 *   l: arguments as a list      v: as a vector      p: searched in PATH      e: with an environment */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *own_environment[] = {"COLOUR=blue", NULL};

static void run(const char *path, int variant)
{
    char *vector[] = {"exec6", "shown", "by", "vector", NULL};
    switch (variant) {
    case 0: execl(path, "exec6", "shown", "execl", (char *)NULL); break;
    case 1: execlp("exec6", "exec6", "shown", "execlp", (char *)NULL); break;
    case 2: execle(path, "exec6", "shown", "execle", (char *)NULL, own_environment); break;
    case 3: vector[2] = "execv", vector[3] = NULL, execv(path, vector); break;
    case 4: vector[2] = "execvp", vector[3] = NULL, execvp("exec6", vector); break;
    case 5: vector[2] = "execve", vector[3] = NULL, execve(path, vector, own_environment); break;
    }
    /* Only a failed exec comes back. */
    perror("exec");
    _exit(1);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "shown") == 0) {
        const char *colour = getenv("COLOUR");
        printf("%-6s: %d arguments, COLOUR is %s\n", argv[2], argc, colour ? colour : "not set");
        return 0;
    }
    char path[4096] = "";
    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
        perror("readlink");
    char *slash = strrchr(path, '/');
    *slash = 0;
    setenv("PATH", path, 1);
    setenv("COLOUR", "red", 1);
    *slash = '/';
    for (int variant = 0; variant < 6; variant++) {
        fflush(stdout);
        if (fork() == 0)
            run(path, variant);
        wait(NULL);
    }
    execl("/does/not/exist", "nothing", (char *)NULL);
    printf("exec of nothing: %s\n", strerror(errno));
    execl("/etc/passwd", "passwd", (char *)NULL);
    printf("exec of a text: %s\n", strerror(errno));
    return 0;
}
