/* Between processes: locks and semaphores in shared memory, a dead owner, vfork and posix_spawn. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
    pthread_mutex_t lock, robust;
    pthread_cond_t changed;
    sem_t semaphore;
    int counter, turn;
    unsigned word, other;
};

static struct shared *shared;

static void count(void)
{
    for (int round = 0; round < 200; round++) {
        pthread_mutex_lock(&shared->lock);
        int seen = shared->counter;
        if (round % 50 == 0)
            sched_yield();
        shared->counter = seen + 1;
        pthread_mutex_unlock(&shared->lock);
    }
}

static void alternate(int own)
{
    for (int round = 0; round < 100; round++) {
        pthread_mutex_lock(&shared->lock);
        while (shared->turn != own)
            pthread_cond_wait(&shared->changed, &shared->lock);
        shared->turn = !own;
        pthread_cond_signal(&shared->changed);
        pthread_mutex_unlock(&shared->lock);
    }
}

static void child(void (*work)(void))
{
    fflush(stdout);
    if (fork() == 0) {
        work();
        _exit(0);
    }
}

static void second(void)
{
    alternate(1);
}

static void post(void)
{
    for (int round = 0; round < 5; round++) {
        usleep(1000);
        sem_post(&shared->semaphore);
    }
}

static void die(void)
{
    pthread_mutex_lock(&shared->robust);
    raise(SIGKILL);
}

static void locks(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->lock, &attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->robust, &attributes);
    pthread_condattr_t condition;
    pthread_condattr_init(&condition);
    pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->changed, &condition);
    sem_init(&shared->semaphore, 1, 0);
    for (int index = 0; index < 3; index++)
        child(count);
    count();
    while (wait(NULL) > 0)
        ;
    printf("counted to %d\n", shared->counter);
    child(second);
    alternate(0);
    while (wait(NULL) > 0)
        ;
    printf("took turns\n");
    child(post);
    for (int round = 0; round < 5; round++)
        sem_wait(&shared->semaphore);
    int value;
    sem_getvalue(&shared->semaphore, &value);
    printf("semaphore %d\n", value);
    wait(NULL);
    child(die);
    wait(NULL);
    int error = pthread_mutex_lock(&shared->robust);
    printf("owner: %s\n", strerror(error));
    printf("consistent %d\n", pthread_mutex_consistent(&shared->robust));
    pthread_mutex_unlock(&shared->robust);
    printf("again %d\n", pthread_mutex_lock(&shared->robust));
    pthread_mutex_unlock(&shared->robust);
}

static void named(void)
{
    sem_t *one = sem_open("/scene", O_CREAT | O_EXCL, 0600, 0);
    if (one == SEM_FAILED) {
        perror("sem_open");
        return;
    }
    fflush(stdout);
    if (fork() == 0) {
        sem_t *same = sem_open("/scene", 0);
        usleep(2000);
        sem_post(same);
        _exit(0);
    }
    printf("named: %d\n", sem_wait(one));
    wait(NULL);
    sem_close(one);
    printf("unlink: %d\n", sem_unlink("/scene"));
}

static long futex(unsigned *word, int op, unsigned value, void *time, unsigned *other, unsigned third)
{
    long result = syscall(SYS_futex, word, op, value, time, other, third);
    return result < 0 ? -errno : result;
}

static void wait_for_word(void)
{
    _exit(futex(&shared->word, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1);
}

static void words(void)
{
    struct timespec short_time = {0, 5000000}, wrong = {0, 1000000000};
    printf("again %d\n", futex(&shared->word, FUTEX_WAIT, 1, NULL, NULL, 0) == -EAGAIN);
    printf("timeout %d\n", futex(&shared->word, FUTEX_WAIT, 0, &short_time, NULL, 0) == -ETIMEDOUT);
    printf("invalid %d %d %d\n", futex(&shared->word, FUTEX_WAIT, 0, &wrong, NULL, 0) == -EINVAL,
        futex((unsigned *)((char *)&shared->word + 1), FUTEX_WAKE, 1, NULL, NULL, 0) == -EINVAL,
        futex(&shared->word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0) == -EINVAL);
    printf("nosys %d %d\n", futex(&shared->word, 77, 0, NULL, NULL, 0) == -ENOSYS,
        futex(&shared->word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0) == -ENOSYS);
    printf("fault %d %d\n", futex((unsigned *)16, FUTEX_WAIT, 0, NULL, NULL, 0) == -EFAULT,
        futex((unsigned *)16, FUTEX_WAKE, 1, NULL, NULL, 0) == -EFAULT);
    for (int index = 0; index < 4; index++)
        child(wait_for_word);
    usleep(20000);
    printf("requeued %ld\n", futex(&shared->word, FUTEX_CMP_REQUEUE, 1, (void *)2, &shared->other, 0));
    printf("compared %d\n", futex(&shared->word, FUTEX_CMP_REQUEUE, 1, (void *)2, &shared->other, 9) == -EAGAIN);
    printf("woken %ld\n", futex(&shared->word, FUTEX_WAKE, 9, NULL, NULL, 0));
    printf("wake-op %ld\n", futex(&shared->word, FUTEX_WAKE_OP, 1, (void *)1, &shared->other,
        FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0)));
    printf("other is %u\n", shared->other);
    printf("woken %ld\n", futex(&shared->other, FUTEX_WAKE, 9, NULL, NULL, 0));
    int failed = 0, status;
    while (wait(&status) > 0)
        failed += status != 0;
    printf("failed %d\n", failed);
}

static volatile int stepped;

static void borrow(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        stepped = 1;
        signal(SIGUSR1, SIG_IGN);
        close(0);
        chdir("/");
        _exit(9);
    }
    int status;
    printf("vfork: %d\n", stepped);
    waitpid(pid, &status, 0);
    struct sigaction action;
    sigaction(SIGUSR1, NULL, &action);
    printf("ended %d, own handlers %d, own descriptors %d\n", WEXITSTATUS(status),
        action.sa_handler == SIG_DFL, fcntl(0, F_GETFD) == 0);

    char *arguments[] = {"spawned", "a", NULL};
    fflush(stdout);
    int error = posix_spawn(&pid, "/linux/hello", NULL, NULL, arguments, environ);
    waitpid(pid, &status, 0);
    printf("spawn: %d %d\n", error, status);
    printf("no such: %s\n", strerror(posix_spawn(&pid, "/none", NULL, NULL, arguments, environ)));
    printf("not one: %s\n", strerror(posix_spawn(&pid, "/etc", NULL, NULL, arguments, environ)));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "spawned.txt", O_CREAT | O_WRONLY, 0600);
    error = posix_spawn(&pid, "/linux/hello", &actions, NULL, arguments, environ);
    waitpid(pid, &status, 0);
    FILE *file = fopen("spawned.txt", "r");
    char line[100] = "";
    if (file)
        fgets(line, sizeof line, file);
    printf("to a file: %d %s", error, line);
    printf("children: %d\n", wait(NULL));
    for (int round = 0; round < 50; round++) {
        pid = vfork();
        if (pid == 0) {
            execv("/none", arguments);
            _exit(round);
        }
        waitpid(pid, &status, 0);
        if (WEXITSTATUS(status) != round)
            printf("round %d: %d\n", round, status);
    }
    printf("system: %d\n", WEXITSTATUS(system("exit 4")));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    locks();
    named();
    words();
    borrow();
    return 0;
}
