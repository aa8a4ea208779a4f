/* Redirection is dup2 between fork and exec: the program that runs does not know. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(const char *input, const char *output, int flags, const char *program)
{
    fflush(stdout);
    if (fork() == 0) {
        if (input) {
            int in = open(input, O_RDONLY);
            dup2(in, 0);
            close(in);
        }
        if (output) {
            int out = open(output, O_WRONLY | O_CREAT | flags, 0640);
            dup2(out, 1);
            close(out);
        }
        execlp("sh", "sh", "-c", program, (char *)NULL);
        _exit(127);
    }
    wait(NULL);
}

static void show(const char *path)
{
    char text[200] = "";
    int file = open(path, O_RDONLY);
    ssize_t count = read(file, text, sizeof text - 1);
    struct stat about;
    fstat(file, &about);
    close(file);
    printf("%s, mode %o, %zd bytes:\n%s", path, about.st_mode & 0777, count, text);
}

int main(void)
{
    umask(022);
    run(NULL, "out", O_TRUNC, "echo first; echo second");
    show("out");
    run(NULL, "out", O_APPEND, "echo third");
    show("out");
    run("out", "sorted", O_TRUNC, "sort -r");
    show("sorted");
    /* Two descriptors of one open share its offset, two opens do not. */
    int one = open("shared", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int copy = dup(one), other = open("shared", O_WRONLY);
    dprintf(one, "one ");
    dprintf(copy, "copy ");
    dprintf(other, "OTHER");
    show("shared");
    printf("\nclosed on exec: %d, not so the copy: %d\n", fcntl(open("out", O_CLOEXEC), F_GETFD),
        fcntl(copy, F_GETFD));
    unlink("out");
    unlink("sorted");
    unlink("shared");
    return 0;
}
