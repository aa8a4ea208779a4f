/* A child that has ended stays in the table of processes, as a zombie, until somebody waits for it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The state letter in /proc/PID/stat, or '-' if there is no such process. */
static char state(pid_t pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return '-';
    if (!fgets(text, sizeof text, file))
        text[0] = 0;
    fclose(file);
    char *end = strrchr(text, ')');
    return end ? end[2] : '?';
}

int main(void)
{
    int ends[2];
    if (pipe(ends) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        char letter;
        close(ends[1]);
        _exit(read(ends[0], &letter, 1) == 0 ? 5 : 6);
    }
    close(ends[0]);
    while (state(pid) != 'S')
        usleep(1000);
    printf("waiting for its pipe: %c\n", state(pid));
    close(ends[1]);
    while (state(pid) != 'Z')
        usleep(1000);
    printf("ended, not waited for: %c\n", state(pid));
    printf("signals reach it: %d\n", kill(pid, 0));
    int status;
    waitpid(pid, &status, 0);
    printf("waited for: %c, status %d\n", state(pid), WEXITSTATUS(status));
    printf("signals reach it: %d\n", kill(pid, 0));
    return 0;
}
