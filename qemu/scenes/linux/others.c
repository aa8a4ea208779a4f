/* Calls that no other program here makes: file systems, credentials, groups, priorities, clocks. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void tell(const char *what, long result)
{
    if (result < 0)
        printf("%s: %ld %s\n", what, result, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

/* Past the C library, which answers some of them without a call. */
#define raw(...) syscall(__VA_ARGS__)

static void in_child(void (*work)(void))
{
    fflush(stdout);
    if (fork() == 0) {
        work();
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void files(void)
{
    struct statfs system;
    struct stat about;
    int file = open("other", O_RDWR | O_CREAT | O_TRUNC, 0600), here = open(".", O_RDONLY | O_DIRECTORY);
    tell("statfs", statfs("/proc", &system));
    printf("type %lx\n", (long)system.f_type);
    tell("fstatfs", fstatfs(file, &system));
    printf("names up to %ld\n", (long)system.f_namelen);
    tell("truncate", truncate("other", 5000));
    tell("truncate none", truncate("none", 1));
    tell("truncate directory", truncate(".", 1));
    tell("truncate below", truncate("other", -1));
    tell("fstat", raw(SYS_fstat, file, &about));
    printf("size %ld\n", (long)about.st_size);
    tell("fchmod", fchmod(file, 0640));
    tell("fchown", fchown(file, 1, 2));
    fstat(file, &about);
    printf("mode %o, owner %d %d\n", about.st_mode, about.st_uid, about.st_gid);
    tell("fdatasync", fdatasync(file));
    tell("fdatasync nothing", fdatasync(99));
    sync();
    tell("fadvise", posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL));
    tell("fadvise wrong", posix_fadvise(file, 0, 0, 77));
    tell("faccessat2", raw(SYS_faccessat2, AT_FDCWD, "other", R_OK, AT_EACCESS));
    tell("faccessat2 wrong", raw(SYS_faccessat2, AT_FDCWD, "other", R_OK, 0x8000));
    tell("mkdir", mkdir("below", 0700));
    tell("chdir", chdir("below"));
    tell("fchdir", fchdir(here));
    tell("fchdir file", fchdir(file));
    tell("renameat2", raw(SYS_renameat2, AT_FDCWD, "other", AT_FDCWD, "another", 0));
    tell("renameat2 noreplace", raw(SYS_renameat2, AT_FDCWD, "another", AT_FDCWD, "below", RENAME_NOREPLACE));
    tell("renameat2 wrong", raw(SYS_renameat2, AT_FDCWD, "another", AT_FDCWD, "below", 64));
    tell("mount", mount("none", "below", "tmpfs", 0, ""));
    tell("mount unknown", mount("none", "below", "nofs", 0, ""));
    tell("busy", rmdir("below"));
    tell("umount", umount("below"));
    tell("umount again", umount("below"));
    tell("close_range", raw(SYS_close_range, file, here, 0));
    tell("closed", fcntl(file, F_GETFD) + fcntl(here, F_GETFD));
    tell("close_range wrong", raw(SYS_close_range, 5, 4, 0));
    unlink("another");
    rmdir("below");
}

static void changed_root(void)
{
    mkdir("root", 0755);
    mkdir("root/in", 0755);
    tell("chroot", chroot("root"));
    tell("chdir", chdir("/"));
    tell("in", access("/in", F_OK));
    tell("up", access("../../../proc", F_OK));
    tell("chroot nowhere", chroot("/none"));
    rmdir("/in");
}

static void ids(const char *when)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;
    getresuid(&r, &e, &s);
    getresgid(&gr, &ge, &gs);
    printf("%s: %d %d %d, %d %d %d; %d %d\n", when, r, e, s, gr, ge, gs, geteuid(), getegid());
}

static void credentials(void)
{
    gid_t groups[4] = {7, 8, 9};
    tell("setgroups", setgroups(3, groups));
    tell("getgroups", getgroups(0, NULL));
    tell("getgroups few", getgroups(2, groups));
    tell("setregid", setregid(20, 21));
    tell("setresgid", setresgid(-1, 22, 23));
    tell("setgid", setgid(24));
    ids("groups");
    tell("setreuid", setreuid(-1, 1000));
    ids("effective");
    tell("back", setreuid(-1, 0));
    tell("setresuid", setresuid(1000, 1001, 1002));
    ids("dropped");
    tell("setuid root", setuid(0));
    tell("setuid saved", setuid(1002));
    ids("saved");
    tell("setgroups", setgroups(0, NULL));
    tell("setresuid", setresuid(1003, -1, -1));
    tell("kill init", kill(1, 0));
    tell("nice", setpriority(PRIO_PROCESS, 0, -5));
    tell("chroot", chroot("/"));
    tell("mount", mount("none", "/tmp", "tmpfs", 0, ""));
    tell("clock", clock_settime(CLOCK_REALTIME, &(struct timespec){1, 0}));
}

static void groups_and_sessions(void)
{
    pid_t me = getpid();
    printf("group %d, session %d\n", getpgid(0) == me, getsid(0) == me);
    tell("setpgid", setpgid(0, 0));
    printf("group %d\n", getpgid(0) == me);
    tell("setsid of a leader", setsid());
    tell("setpgid none", setpgid(99999, 0));
    tell("getpgid none", getpgid(99999));
    tell("setpgid below", setpgid(0, -1));
    fflush(stdout);
    if (fork() == 0) {
        printf("setsid %d\n", setsid() == getpid());
        printf("session %d, group %d\n", getsid(0) == getpid(), getpgid(0) == getpid());
        tell("setpgid of a leader", setpgid(0, 0));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void schedule(void)
{
    struct sched_param parameters = {9};
    unsigned processor = 9;
    tell("priority", getpriority(PRIO_PROCESS, 0));
    tell("setpriority", setpriority(PRIO_PROCESS, 0, 7));
    tell("priority", getpriority(PRIO_PROCESS, 0));
    tell("setpriority wrong", setpriority(7, 0, 1));
    tell("getpriority none", getpriority(PRIO_PROCESS, 99999));
    tell("scheduler", sched_getscheduler(0));
    tell("scheduler none", sched_getscheduler(99999));
    tell("parameters", sched_getparam(0, &parameters));
    tell("parameter", parameters.sched_priority);
    tell("yield", sched_yield());
    tell("getcpu", raw(SYS_getcpu, &processor, NULL, NULL));
    tell("processor", processor);
    tell("personality", personality(0xffffffff));
}

static void clocks(void)
{
    struct timespec first, second, resolution;
    struct timeval day;
    struct itimerval timer;
    struct tms used;
    tell("clock_gettime", raw(SYS_clock_gettime, CLOCK_MONOTONIC, &first));
    tell("nanosleep", raw(SYS_nanosleep, &(struct timespec){0, 2000000}, NULL));
    tell("nanosleep wrong", raw(SYS_nanosleep, &(struct timespec){0, 1000000000}, NULL));
    raw(SYS_clock_gettime, CLOCK_MONOTONIC, &second);
    long passed = (second.tv_sec - first.tv_sec) * 1000000000 + second.tv_nsec - first.tv_nsec;
    tell("passed", passed >= 2000000);
    tell("clock_gettime wrong", raw(SYS_clock_gettime, 99, &first));
    tell("clock_getres", raw(SYS_clock_getres, CLOCK_REALTIME, &resolution));
    tell("resolution", resolution.tv_sec);
    tell("gettimeofday", raw(SYS_gettimeofday, &day, NULL));
    raw(SYS_clock_gettime, CLOCK_REALTIME, &first);
    tell("same", first.tv_sec - day.tv_sec <= 1);
    setitimer(ITIMER_REAL, &(struct itimerval){{5, 0}, {100, 0}}, NULL);
    tell("getitimer", getitimer(ITIMER_REAL, &timer));
    printf("again every %ld, left %d\n", timer.it_interval.tv_sec, timer.it_value.tv_sec > 90);
    tell("getitimer wrong", getitimer(9, &timer));
    tell("times", times(&used) >= 0);
    tell("clock_settime wrong", clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0}));
    tell("clock_settime below", clock_settime(CLOCK_REALTIME, &(struct timespec){1, -1}));
}

static void resources(void)
{
    struct rlimit limit;
    struct rusage usage;
    struct sysinfo info;
    tell("getrlimit", raw(SYS_getrlimit, RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 33;
    tell("setrlimit", raw(SYS_setrlimit, RLIMIT_NOFILE, &limit));
    raw(SYS_getrlimit, RLIMIT_NOFILE, &limit);
    tell("now", limit.rlim_cur);
    limit.rlim_cur = limit.rlim_max + 1;
    tell("above", raw(SYS_setrlimit, RLIMIT_NOFILE, &limit));
    tell("getrlimit wrong", raw(SYS_getrlimit, 99, &limit));
    tell("getrusage", getrusage(RUSAGE_SELF, &usage));
    tell("getrusage wrong", getrusage(5, &usage));
    tell("sysinfo", sysinfo(&info));
    printf("memory %d, processes %d\n", info.totalram * info.mem_unit > 100 << 20, info.procs > 0);
    char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory[0] = 1;
    tell("madvise", madvise(memory, 8192, MADV_DONTNEED));
    tell("gone", memory[0]);
    tell("madvise wrong", madvise(memory, 8192, 999));
    tell("madvise odd", madvise(memory + 1, 4096, MADV_DONTNEED));
    int folder = open("/linux", O_RDONLY | O_DIRECTORY);
    fflush(stdout);
    if (fork() == 0) {
        char *arguments[] = {"hello", "by", "descriptor", NULL}, *none[] = {NULL};
        raw(SYS_execveat, folder, "hello", arguments, none, 0);
        _exit(1);
    }
    wait(NULL);
    int program = open("/linux/hello", O_RDONLY);
    if (fork() == 0) {
        char *arguments[] = {"itself", NULL}, *none[] = {NULL};
        raw(SYS_execveat, program, "", arguments, none, AT_EMPTY_PATH);
        _exit(1);
    }
    wait(NULL);
    tell("execveat wrong", raw(SYS_execveat, folder, "hello", NULL, NULL, 1));
    tell("execveat empty", raw(SYS_execveat, program, "", NULL, NULL, 0));
}

int main(void)
{
    void (*works[])(void) = {files, changed_root, credentials, groups_and_sessions, schedule, clocks, resources};
    for (unsigned i = 0; i < sizeof works / sizeof *works; i++)
        in_child(works[i]);
    return 0;
}
