/* Every call with arguments that no honest program gives, each in every place, and random ones from fixed
 * seeds; each number in a child of its own, which may die. Afterwards the system must be what it was. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than the servers' own memory may grow by. */
#define SLACK_KIB 1024
#define ROUNDS 60

static long call(long number, const unsigned long *a)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a[0], x1 __asm__("x1") = a[1], x2 __asm__("x2") = a[2];
    register long x3 __asm__("x3") = a[3], x4 __asm__("x4") = a[4], x5 __asm__("x5") = a[5];
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

/* Calls that would end or harm more than the child: kill and its kin, reboot, chroot and mounts. */
static int spared(long number)
{
    static const short list[] = {39, 40, 51, 129, 138, 142, 93, 94, 220, 221, 281, 81, 112, 161};
    for (unsigned i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i] == number)
            return 1;
    return 0;
}

/* Nothing, small, the ends of int, the ends of user space, where the personality is, kernel addresses. */
static const unsigned long odd[] = {0, 1, 3, 8, 17, 4095, 4096, 0x7fffffff, 0x80000000, 0xffffffff, 1ul << 38,
    (1ul << 39) - 1, 1ul << 39, 0x7ff0000000, 0x7ff0000080, 0x7ff001a000, 1ul << 63, ~0ul, ~7ul, 0xffffffff80000000};
#define ODD (sizeof odd / sizeof *odd)

static unsigned long seed, good;

static unsigned long next(void)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return seed >> 20;
}

static unsigned long wild(void)
{
    unsigned long pick = next() % (ODD + 6);
    return pick < ODD ? odd[pick] : pick < ODD + 4 ? good + next() % 4000 : next();
}

/* A call that waits is interrupted. */
static void wake(int signal)
{
    (void)signal;
}

static void keep_waking(void)
{
    struct itimerval often = {{0, 4000}, {0, 4000}};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = wake}, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

/* What outlives a process must go: System V objects. And tkill, tgkill and rt_tgsigqueueinfo do not get
 * numbers that a process could have: the shell's, for instance. */
static void attempt(long number, const unsigned long *a)
{
    int kills = number == 130 || number == 131 || number == 240;
    if (kills && (int)a[0] > 0 && (int)a[0] < 4096)
        return;
    long result = call(number, a);
    if (result >= 0 && number == 186)
        msgctl(result, IPC_RMID, NULL);
    if (result >= 0 && number == 190)
        semctl(result, 0, IPC_RMID);
    if (result >= 0 && number == 194)
        shmctl(result, IPC_RMID, NULL);
}

static void torment(long number)
{
    struct rlimit limit = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 1; i < 65; i++)
        signal(i, SIG_DFL);
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    good = (unsigned long)mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    keep_waking();
    seed = number;
    /* Each odd value in each place, the others plausible. */
    for (int place = 0; place < 6; place++)
        for (unsigned i = 0; i < ODD; i++) {
            unsigned long a[6] = {good, good + 64, 16, 0, good + 128, 8};
            strcpy((char *)good, "/tmp/hostile");
            a[place] = odd[i];
            attempt(number, a);
        }
    keep_waking();
    for (int round = 0; round < ROUNDS; round++) {
        unsigned long a[6];
        for (int i = 0; i < 6; i++)
            a[i] = wild();
        attempt(number, a);
    }
    _exit(0);
}

static volatile pid_t child;

/* A child that can no longer be woken. */
static void give_up(int signal)
{
    (void)signal;
    kill(child, SIGKILL);
}

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

static int round_of_all(long *died)
{
    int numbers = 0;
    for (long number = 0; number < 460; number++) {
        if (spared(number))
            continue;
        numbers++;
        child = fork();
        if (child == 0)
            torment(number);
        alarm(3);
        int status;
        while (waitpid(child, &status, 0) < 0)
            ;
        alarm(0);
        if (status != 0)
            ++*died;
    }
    unlink("/tmp/hostile");
    rmdir("/tmp/hostile");
    return numbers;
}

int main(int argc, char **argv)
{
    long died = 0;
    signal(SIGALRM, give_up);
    signal(SIGCHLD, SIG_DFL);
    if (argc > 1)
        torment(atol(argv[1]));
    round_of_all(&died);
    long memory = free_kib();
    int processes = entries("/proc"), names = entries("/tmp") + entries("/dev");
    int numbers = round_of_all(&died);
    usleep(50000);
    printf("%s numbers were called, the system goes on\n", numbers > 440 ? "all" : "some");
    fprintf(stderr, "%ld children died\n", died);
    long lost = memory - free_kib();
    printf("memory: %s", lost < SLACK_KIB ? "as before\n" : "");
    if (lost >= SLACK_KIB)
        printf("%ld KiB lost\n", lost);
    printf("processes %+d, names %+d\n", entries("/proc") - processes, entries("/tmp") + entries("/dev") - names);
    return 0;
}
