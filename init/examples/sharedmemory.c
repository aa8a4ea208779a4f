/* System V shared memory: one segment in several processes, which lives until the last one leaves. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static int segment;

static unsigned long attached(void)
{
    struct shmid_ds about;
    return shmctl(segment, IPC_STAT, &about) < 0 ? 99 : (unsigned long)about.shm_nattch;
}

int main(void)
{
    key_t key = ftok("/", 'T');
    segment = shmget(key, 10000, IPC_CREAT | IPC_EXCL | 0600);
    printf("made again: %d %s\n", shmget(key, 10000, IPC_CREAT | IPC_EXCL | 0600), strerror(errno));
    printf("found by its key: %d\n", shmget(key, 0, 0) == segment);

    char *memory = shmat(segment, NULL, 0);
    printf("new: %d, attached %lu\n", memory[9999], attached());
    fflush(stdout);
    if (fork() == 0) {
        /* A child inherits what is attached. */
        printf("child: attached %lu\n", attached());
        strcpy(memory, "written by the child");
        char *second = shmat(segment, NULL, SHM_RDONLY);
        printf("child reads elsewhere: %s\n", second);
        return 0;
    }
    wait(NULL);
    printf("parent reads: %s\n", memory);
    shmctl(segment, IPC_RMID, NULL);
    printf("removed, still here: %s\n", memory);
    printf("not found any more: %d\n", shmget(key, 0, 0));
    printf("detach: %d, twice: %d %s\n", shmdt(memory), shmdt(memory), strerror(errno));
    return 0;
}
