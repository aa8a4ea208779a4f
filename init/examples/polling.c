/* waitpid with WNOHANG: the parent looks now and then, and has time for something else. */
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        nanosleep(&(struct timespec){0, 100000000}, NULL);
        _exit(7);
    }
    int status, looks = 0;
    pid_t found;
    while ((found = waitpid(pid, &status, WNOHANG)) == 0) {
        looks++;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    printf("looked %s before the child was found\n", looks > 1 ? "several times" : "once");
    printf("found %s, exited with %d\n", found == pid ? "the child" : "nobody", WEXITSTATUS(status));
    printf("again: %d\n", (int)waitpid(pid, &status, WNOHANG));
    return 0;
}
