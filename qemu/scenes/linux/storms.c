/* Processes killed in the middle of everything, bombs under limits; afterwards nothing may be lost. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* More than the servers' own memory may grow by, less than a page for each process that was killed. */
#define SLACK_KIB 512
#define KILLS 50

static const char *self;

static int entries(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)))
        count += strcmp(path, "/proc") ? 1 : entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
    closedir(directory);
    return count;
}

static long free_kib(void)
{
    struct sysinfo info;
    sysinfo(&info);
    return info.freeram / 1024 * info.mem_unit;
}

static void reads(void)
{
    int ends[2];
    char buffer[4096];
    if (pipe(ends) < 0)
        _exit(1);
    while (read(ends[0], buffer, sizeof buffer) >= 0)
        ;
}

static void writes(void)
{
    int ends[2];
    char buffer[9000] = "";
    if (pipe(ends) < 0)
        _exit(1);
    if (fork() == 0)
        for (;;)
            if (read(ends[0], buffer, 777) <= 0)
                _exit(1);
    while (write(ends[1], buffer, sizeof buffer) >= 0)
        ;
}

static void forks(void)
{
    for (;;) {
        if (fork() == 0)
            _exit(0);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

static void execs(void)
{
    execl(self, self, "again", (char *)NULL);
    _exit(1);
}

static void maps(void)
{
    for (unsigned size = 1;; size = size * 7 % 61 + 1) {
        char *memory = mmap(NULL, size << 14, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (unsigned at = 0; at < size << 14; at += 4096)
            memory[at] = 1;
        munmap(memory, size << 14);
    }
}

static void stores(void)
{
    char name[32], block[6000] = "";
    snprintf(name, sizeof name, "/tmp/storm%d", getpid());
    for (;;) {
        FILE *file = fopen(name, "w");
        unlink(name);
        fwrite(block, 1, sizeof block, file);
        fclose(file);
    }
}

static void pause_us(long us)
{
    nanosleep(&(struct timespec){0, us * 1000}, NULL);
}

/* Kills `work` again and again, a little later each time, with whatever it has started. */
static void storm(const char *name, void (*work)(void))
{
    int killed = 0;
    for (int i = 0; i < KILLS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            setpgid(0, 0);
            work();
            _exit(0);
        }
        setpgid(pid, pid);
        pause_us(i * 97 % 3000);
        kill(-pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        /* A process that was just being made is in the group, too. */
        for (int tries = 0; kill(-pid, SIGKILL) == 0 && tries < 1000; tries++)
            pause_us(1000);
    }
    if (name)
        printf("%s: %d killed\n", name, killed);
}

/* Everybody forks until nobody may, as a user whose processes are limited. */
static void fork_bomb(void)
{
    fflush(stdout);
    pid_t bomb = fork();
    if (bomb == 0) {
        setpgid(0, 0);
        setrlimit(RLIMIT_NPROC, &(struct rlimit){40, 40});
        if (setuid(1000) < 0)
            _exit(1);
        while (fork() >= 0)
            ;
        _exit(errno == EAGAIN ? 7 : 8);
    }
    int status;
    waitpid(bomb, &status, 0);
    while (kill(-bomb, SIGKILL) == 0)
        pause_us(1000);
    printf("fork bomb: first ended with %d\n", WEXITSTATUS(status));
}

static void memory_bomb(void)
{
    fflush(stdout);
    if (fork() == 0) {
        setrlimit(RLIMIT_AS, &(struct rlimit){64 << 20, 64 << 20});
        long pieces = 0;
        char *piece;
        while ((piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED) {
            memset(piece, 1, 1 << 20);
            pieces++;
        }
        printf("memory bomb: %s after %s\n", strerror(errno), pieces > 40 && pieces < 64 ? "enough" : "a wrong number");
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void all(int quiet)
{
    static const struct {
        const char *name;
        void (*work)(void);
    } storms[] = {{"read", reads}, {"write", writes}, {"fork", forks}, {"exec", execs}, {"mmap", maps}, {"files", stores}};
    for (unsigned i = 0; i < sizeof storms / sizeof *storms; i++)
        storm(quiet ? NULL : storms[i].name, storms[i].work);
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1)
        execs();
    /* The first round lets the servers' own tables grow. */
    all(1);
    pause_us(50000);
    long memory = free_kib();
    int processes = entries("/proc"), descriptors = entries("/proc/self/fd");
    all(0);
    fork_bomb();
    memory_bomb();
    pause_us(50000);
    long lost = memory - free_kib();
    printf("memory: %s", lost < SLACK_KIB ? "as before\n" : "");
    if (lost >= SLACK_KIB)
        printf("%ld KiB lost\n", lost);
    printf("processes %+d, descriptors %+d\n", entries("/proc") - processes, entries("/proc/self/fd") - descriptors);
    return 0;
}
