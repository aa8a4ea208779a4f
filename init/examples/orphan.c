/* A process whose parent ends gets another: pid 1, which waits for whoever is given to it. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int report[2];
    if (pipe(report) < 0)
        return 1;
    pid_t parent = fork();
    if (parent == 0) {
        pid_t me = getpid();
        if (fork() == 0) {
            while (getppid() == me)
                usleep(1000);
            pid_t now = getppid();
            if (write(report[1], &now, sizeof now) != sizeof now)
                _exit(1);
            _exit(0);
        }
        _exit(0);
    }
    waitpid(parent, NULL, 0);
    pid_t adopted_by = 0;
    if (read(report[0], &adopted_by, sizeof adopted_by) != sizeof adopted_by)
        return 1;
    printf("the orphan's parent is now %d\n", (int)adopted_by);
    return 0;
}
