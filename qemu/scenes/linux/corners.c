// Corners of calls that the test suites of large programs reach.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 20];

static void show(const char *what, long result)
{
    if (result < 0)
        printf("%s: %ld %s\n", what, result, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

// A pipe whose size is set: whole pages, a power of two of them, and never less than what is in it.
static void sizes(void)
{
    int ends[2];
    pipe2(ends, O_NONBLOCK);
    struct pollfd writable = {.fd = ends[1], .events = POLLOUT};
    show("at first", fcntl(ends[0], F_GETPIPE_SZ));
    show("wrote", write(ends[1], buffer, sizeof buffer));
    show("less", fcntl(ends[0], F_SETPIPE_SZ, 32768));
    show("more", fcntl(ends[0], F_SETPIPE_SZ, 100000));
    show("is", fcntl(ends[1], F_GETPIPE_SZ));
    show("polled", poll(&writable, 1, 0));
    show("wrote", write(ends[1], buffer, sizeof buffer));
    show("polled", poll(&writable, 1, 0));
    while (read(ends[0], buffer, sizeof buffer) > 0)
        ;
    show("least", fcntl(ends[0], F_SETPIPE_SZ, 1));
    show("none", fcntl(ends[0], F_SETPIPE_SZ, 0));
    show("wrote", write(ends[1], buffer, sizeof buffer));
    show("no pipe", fcntl(1, F_SETPIPE_SZ, 4096));
    close(ends[0]);
    close(ends[1]);
}

static void file_systems(void)
{
    struct statfs fs;
    show("here", statfs(".", &fs));
    show("none", statfs("none", &fs));
    show("empty", statfs("", &fs));
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    show("descriptor", fstatfs(fd, &fs));
    close(fd);
}

// Flags that ask for what memory always is.
static void flags(void)
{
    int fd = open("flags", O_RDWR | O_CREAT, 0600);
    struct iovec piece = {"content", 7};
    show("sync", pwritev2(fd, &piece, 1, 0, RWF_SYNC));
    show("data", pwritev2(fd, &piece, 1, 7, RWF_DSYNC));
    struct iovec into[2] = {{buffer, 5}, {buffer + 5, 5}};
    show("soon", preadv2(fd, into, 2, 2, RWF_HIPRI));
    printf("%.10s\n", buffer);
    show("unknown", preadv2(fd, into, 2, 0, 0x1000));
    close(fd);
    unlink("flags");
}

static void length_of(int fd)
{
    show("read", read(fd, buffer, sizeof buffer));
}

static void packet(int master)
{
    unsigned char bytes[32];
    int length = read(master, bytes, sizeof bytes);
    if (length <= 0)
        show("packet", length);
    else
        printf("packet %d: %d [%.*s]\n", length, bytes[0], length - 1, bytes + 1);
}

// A master that is told what its slave does (screen needs this).
static void packets(void)
{
    int master, slave, on = 1, off = 0, mode = 9;
    openpty(&master, &slave, NULL, NULL, NULL);
    struct pollfd one = {.fd = master, .events = POLLIN | POLLPRI};
    struct termios settings;
    write(slave, "before", 6);
    show("on", ioctl(master, TIOCPKT, &on));
    show("asked", ioctl(master, TIOCGPKT, &mode));
    show("mode", mode);
    packet(master);
    show("quiet", poll(&one, 1, 0));
    tcgetattr(slave, &settings);
    settings.c_iflag &= ~IXON;
    tcsetattr(slave, TCSANOW, &settings);
    show("news", poll(&one, 1, 0));
    show("events", one.revents);
    packet(master);
    settings.c_iflag |= IXON;
    tcsetattr(slave, TCSANOW, &settings);
    write(slave, "with", 4);
    packet(master);
    packet(master);
    tcflush(slave, TCIFLUSH);
    packet(master);
    tcflush(slave, TCIOFLUSH);
    packet(master);
    show("stop", tcflow(slave, TCOOFF));
    packet(master);
    show("go", tcflow(slave, TCOON));
    packet(master);
    show("wrong", tcflow(slave, 9));
    show("slave", ioctl(slave, TIOCPKT, &on));
    show("off", ioctl(master, TIOCPKT, &off));
    write(slave, "after", 5);
    length_of(master);
    close(slave);
    close(master);
}

static sigjmp_buf before;
static volatile unsigned long where;

static void fault(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    where = (unsigned long)info->si_addr;
    siglongjmp(before, info->si_code);
}

// Faults that are the program's, although its instruction is not, or is nowhere.
static void faults(void)
{
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    int code = sigsetjmp(before, 1);
    if (code == 0)
        ((void (*)(void))0xffffff0000000000)();
    printf("jump: %d %lx\n", code, where);
    code = sigsetjmp(before, 1);
    if (code == 0)
        clock_gettime(CLOCK_MONOTONIC, (void *)8);
    printf("clock: %d %lx\n", code, where);
    signal(SIGSEGV, SIG_DFL);
}

static void semaphores(void)
{
    struct seminfo info = {0};
    struct semid_ds set = {0};
    int id = semget(IPC_PRIVATE, 3, 0600);
    int highest = semctl(0, 0, IPC_INFO, &info);
    printf("limits: %d %d\n", highest >= 0, info.semvmx);
    printf("use: %d %d\n", semctl(0, 0, SEM_INFO, &info) == highest, info.semusz >= 1);
    printf("state: %d %d\n", semctl(highest, 0, SEM_STAT, &set) == id, (int)set.sem_nsems);
    show("bad", semctl(0, 0, IPC_INFO, (void *)8));
    show("removed", semctl(id, 0, IPC_RMID));
}

// Sources of random numbers that exclude each other, and shared memory in which code is made.
static void others(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0700);
    uint32_t *code = shmat(id, NULL, SHM_EXEC);
    show("random", syscall(SYS_getrandom, buffer, 16, GRND_NONBLOCK));
    show("contrary", syscall(SYS_getrandom, buffer, 16, 6));
    show("unknown", syscall(SYS_getrandom, buffer, 16, 8));
    code[0] = 0x52800540; // mov w0, #42
    code[1] = 0xd65f03c0; // ret
    __builtin___clear_cache((char *)code, (char *)(code + 2));
    show("shared code", ((int (*)(void))code)());
    show("detached", shmdt(code) + shmctl(id, IPC_RMID, NULL));
}

int main(void)
{
    char name[] = "/dev/shm/corners-XXXXXX";
    setbuf(stdout, NULL);
    mkdtemp(name);
    chdir(name);
    sizes();
    file_systems();
    flags();
    packets();
    faults();
    semaphores();
    others();
    show("empty", rmdir(name));
    return 0;
}
