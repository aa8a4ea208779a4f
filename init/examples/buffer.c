/* stdio buffers and fork: text that waits in a buffer is copied, and then written twice. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void part(const char *name, int mode, int flush)
{
    static char buffer[BUFSIZ];
    fflush(stdout);
    FILE *out = fdopen(dup(1), "w");
    setvbuf(out, buffer, mode, sizeof buffer);
    fprintf(out, "%s", name);
    if (flush)
        fflush(out);
    if (fork() == 0) {
        fprintf(out, ", the child's line\n");
        fclose(out);
        _exit(0);
    }
    wait(NULL);
    fprintf(out, ", the parent's line\n");
    fclose(out);
}

int main(void)
{
    part("full buffer", _IOFBF, 0);
    part("flushed before", _IOFBF, 1);
    part("no buffer", _IONBF, 0);
    /* _exit leaves a buffer behind, exit writes it. */
    fflush(stdout);
    if (fork() == 0) {
        printf("never seen");
        _exit(0);
    }
    wait(NULL);
    printf("end\n");
    return 0;
}
