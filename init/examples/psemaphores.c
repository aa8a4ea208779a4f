/* POSIX semaphores: between processes in shared memory, and with a name. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct table {
    sem_t free, filled;
    int places[4];
};

int main(void)
{
    struct table *table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(&table->free, 1, 4);
    sem_init(&table->filled, 1, 0);
    /* A producer and a consumer: each waits when there is no place, or nothing to take. */
    if (fork() == 0) {
        for (int i = 1; i <= 20; i++) {
            sem_wait(&table->free);
            table->places[i % 4] = i * i;
            sem_post(&table->filled);
        }
        _exit(0);
    }
    int sum = 0;
    for (int i = 1; i <= 20; i++) {
        sem_wait(&table->filled);
        sum += table->places[i % 4];
        sem_post(&table->free);
    }
    wait(NULL);
    printf("sum of squares: %d\n", sum);

    sem_t *named = sem_open("/example", O_CREAT | O_EXCL, 0600, 1);
    sem_t *again = sem_open("/example", 0);
    int value;
    sem_wait(named);
    sem_getvalue(again, &value);
    printf("by name: %d, trying: %d %s\n", value, sem_trywait(again), strerror(errno));
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000, until.tv_nsec %= 1000000000;
    printf("waiting a while: %d %s\n", sem_timedwait(again, &until), strerror(errno));
    sem_unlink("/example");
    printf("gone: %s\n", sem_open("/example", 0) == SEM_FAILED ? strerror(errno) : "no");
    return 0;
}
