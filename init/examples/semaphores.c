/* System V semaphores: mutual exclusion, several at once, undoing at exit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

static int set;

static int change(int number, int by, int flags)
{
    struct sembuf operation = {number, by, flags};
    return semop(set, &operation, 1);
}

int main(void)
{
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    set = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
    semctl(set, 0, SETVAL, 1);

    /* Four processes count together; without the semaphore they would lose steps. */
    for (int child = 0; child < 4; child++)
        if (fork() == 0) {
            for (int i = 0; i < 200; i++) {
                change(0, -1, 0);
                int value = *shared;
                if (i % 50 == 0)
                    usleep(100);
                *shared = value + 1;
                change(0, 1, 0);
            }
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    printf("counted to %d\n", *shared);

    /* All or nothing: both semaphores in one step. */
    struct sembuf both[] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}};
    if (semop(set, both, 2) < 0)
        printf("both at once: %s, the first is still %d\n", strerror(errno), semctl(set, 0, GETVAL));

    /* What a process took with SEM_UNDO comes back when it ends, however it ends. */
    fflush(stdout);
    if (fork() == 0) {
        change(0, -1, SEM_UNDO);
        abort();
    }
    wait(NULL);
    printf("undone: %d\n", semctl(set, 0, GETVAL));

    /* Waiting for zero. */
    fflush(stdout);
    if (fork() == 0) {
        change(0, 0, 0);
        printf("child: it is zero\n");
        return 0;
    }
    while (semctl(set, 0, GETZCNT) == 0)
        usleep(1000);
    change(0, -1, 0);
    wait(NULL);
    printf("last user: %s\n", semctl(set, 0, GETPID) == getpid() ? "me" : "somebody else");
    semctl(set, 0, IPC_RMID);
    printf("removed: %s\n", change(0, 1, 0) < 0 ? strerror(errno) : "no");
    return 0;
}
