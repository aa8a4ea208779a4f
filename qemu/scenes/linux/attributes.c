/* What a process asks for itself: one line each, with nothing in it that differs between systems. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static void user(void)
{
    if (setgid(65534) || setuid(65534))
        perror("setuid");
}

static void as_user(void (*what)(void))
{
    fflush(stdout);
    if (fork() == 0) {
        user();
        what();
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void deaths(void)
{
    int value = 77, ends[2];
    show("get", prctl(PR_GET_PDEATHSIG, &value) + value);
    show("bad signal", prctl(PR_SET_PDEATHSIG, 65));
    if (pipe(ends))
        return;
    fflush(stdout);
    if (fork() == 0) {
        if (fork() == 0) {
            sigset_t set;
            siginfo_t info;
            pid_t parent = getppid();
            sigemptyset(&set), sigaddset(&set, SIGUSR1);
            sigprocmask(SIG_BLOCK, &set, NULL);
            show("set", prctl(PR_SET_PDEATHSIG, SIGUSR1));
            prctl(PR_GET_PDEATHSIG, &value);
            printf("it is %d\n", value);
            fflush(stdout);
            if (fork() == 0) {
                prctl(PR_GET_PDEATHSIG, &value);
                printf("a child has %d\n", value);
                fflush(stdout);
                _exit(0);
            }
            wait(NULL);
            if (write(ends[1], "x", 1) != 1)
                _exit(1);
            show("came", sigwaitinfo(&set, &info));
            printf("code %d, from the parent %d\n", info.si_code, info.si_pid == parent);
            fflush(stdout);
            _exit(write(ends[1], "y", 1) != 1);
        }
        char byte;
        _exit(read(ends[0], &byte, 1) != 1);
    }
    wait(NULL);
    char byte;
    show("told", read(ends[0], &byte, 1));
    close(ends[0]), close(ends[1]);
}

static void adoption(void)
{
    int value = 7;
    show("get", prctl(PR_GET_CHILD_SUBREAPER, &value) + value);
    show("set", prctl(PR_SET_CHILD_SUBREAPER, 1));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_GET_CHILD_SUBREAPER, &value);
        printf("a child has %d\n", value);
        fflush(stdout);
        pid_t parent = getpid();
        if (fork() == 0) {
            while (getppid() == parent)
                usleep(1000);
            _exit(getppid() == 1 ? 1 : 42);
        }
        _exit(3);
    }
    int status;
    waitpid(child, &status, 0);
    printf("child %d\n", WEXITSTATUS(status));
    pid_t orphan = wait(&status);
    printf("orphan %d with %d\n", orphan > 0 && orphan != child, WEXITSTATUS(status));
    show("clear", prctl(PR_SET_CHILD_SUBREAPER, 0));
}

static void flags(void)
{
    show("dumpable", prctl(PR_GET_DUMPABLE));
    show("clear", prctl(PR_SET_DUMPABLE, 0));
    show("dumpable", prctl(PR_GET_DUMPABLE));
    show("bad", prctl(PR_SET_DUMPABLE, 3));
    show("set", prctl(PR_SET_DUMPABLE, 1));
    show("keep", prctl(PR_GET_KEEPCAPS));
    show("keep none", prctl(PR_SET_KEEPCAPS, 0));
    show("bad", prctl(PR_SET_KEEPCAPS, 2));
    show("timing", prctl(PR_GET_TIMING));
    show("timing", prctl(PR_SET_TIMING, 0));
    show("bad", prctl(PR_SET_TIMING, 1));
    show("filters", prctl(PR_GET_SECCOMP));
    show("slack", prctl(PR_GET_TIMERSLACK));
    show("bounding set", prctl(PR_CAPBSET_READ, 5));
    show("no such", prctl(PR_CAPBSET_READ, 63));
    show("none", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    show("bad", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    show("bad", prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
    show("bad", prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
    show("unknown", prctl(9999));
}

static void acting(void)
{
    show("dumpable as another", prctl(PR_GET_DUMPABLE));
    show("drop", prctl(PR_CAPBSET_DROP, 5));
}

/* A program that is another user's with the bit: with the wish it gets no rights. */
static void rights(void)
{
    mkdir("/tmp/attributes", 0777);
    chmod("/tmp/attributes", 0777);
    FILE *from = fopen("/proc/self/exe", "r"), *to = fopen("/tmp/attributes/prog", "w");
    char bytes[4096];
    size_t count;
    while (from && to && (count = fread(bytes, 1, sizeof bytes, from)) > 0)
        fwrite(bytes, 1, count, to);
    fclose(from), fclose(to);
    if (chown("/tmp/attributes/prog", 12, 34))
        perror("chown");
    chmod("/tmp/attributes/prog", 06755);
    fflush(stdout);
    for (int wish = 0; wish < 2; wish++) {
        if (fork() == 0) {
            user();
            if (wish)
                show("wish", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
            prctl(PR_SET_PDEATHSIG, SIGUSR2);
            fflush(stdout);
            execl("/tmp/attributes/prog", "prog", "who", NULL);
            _exit(1);
        }
        wait(NULL);
    }
    unlink("/tmp/attributes/prog");
    rmdir("/tmp/attributes");
}

static void who(void)
{
    int value;
    prctl(PR_GET_PDEATHSIG, &value);
    printf("users %d %d groups %d %d, no new rights %d, dumpable %d, death signal %d\n", getuid(), geteuid(), getgid(),
           getegid(), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE), value);
}

static void capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    show("get", syscall(SYS_capget, &header, data));
    printf("effective %x %x, permitted %x %x, inheritable %x %x\n", data[1].effective & 0x1ff, data[0].effective,
           data[1].permitted & 0x1ff, data[0].permitted, data[1].inheritable, data[0].inheritable);
    show("set the same", syscall(SYS_capset, &header, data));
    header.pid = 1;
    show("pid 1", syscall(SYS_capget, &header, data));
    printf("effective %x\n", data[0].effective);
    show("of pid 1", syscall(SYS_capset, &header, data));
    header.pid = 4000000;
    show("nobody", syscall(SYS_capget, &header, data));
    header.pid = -1;
    show("negative", syscall(SYS_capget, &header, data));
    header.pid = 0, header.version = 5;
    show("version", syscall(SYS_capget, &header, data));
    printf("known %x\n", header.version);
    header.version = 5;
    show("only the version", syscall(SYS_capget, &header, NULL));
}

static void more(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    capabilities();
    show("keep none", syscall(SYS_capset, &header, data));
    data[0].effective = data[0].permitted = 1;
    show("more", syscall(SYS_capset, &header, data));
}

static void files(void)
{
    int file = open("/tmp/of-twelve", O_CREAT | O_RDWR, 0600);
    if (fchown(file, 12, 34))
        perror("fchown");
    close(file);
    show("user", setfsuid(77));
    show("user", setfsuid(-1));
    show("other", open("/tmp/of-twelve", O_RDONLY));
    show("user", setfsuid(12));
    file = open("/tmp/of-twelve", O_RDONLY);
    show("own", file >= 0);
    close(file);
    show("real", getuid() + geteuid());
    show("group", setfsgid(34));
    file = open("/tmp/made", O_CREAT | O_RDWR, 0600);
    struct stat status;
    fstat(file, &status);
    printf("made by %d %d\n", status.st_uid, status.st_gid);
    close(file);
    show("dumpable", prctl(PR_GET_DUMPABLE));
    show("user", setfsuid(0));
    show("group", setfsgid(0));
    unlink("/tmp/made"), unlink("/tmp/of-twelve");
}

static void no_files(void)
{
    show("user", setfsuid(0));
    show("user", setfsuid(65534));
    show("user", setfsuid(-1));
}

static void names(void)
{
    struct utsname old, new;
    uname(&old);
    show("name", sethostname("lecture", 7));
    show("domain", setdomainname("example.org", 11));
    uname(&new);
    printf("%s %s\n", new.nodename, new.domainname);
    char text[80] = "";
    int file = open("/proc/sys/kernel/hostname", O_RDONLY);
    if (read(file, text, sizeof text - 1) > 0)
        printf("%s", text);
    close(file);
    show("long", syscall(SYS_sethostname, "x", 65));
    show("negative", syscall(SYS_sethostname, "x", -1));
    show("bad", syscall(SYS_sethostname, NULL, 4));
    show("longest", sethostname("0123456789012345678901234567890123456789012345678901234567890123", 64));
    uname(&new);
    printf("%s\n", new.nodename);
    sethostname(old.nodename, strlen(old.nodename));
    setdomainname(old.domainname, strlen(old.domainname));
}

static void no_names(void)
{
    struct timeval time = {1000000000, 0};
    struct timex adjustment = {.modes = ADJ_FREQUENCY};
    show("name", sethostname("lecture", 7));
    show("long", syscall(SYS_sethostname, "lecture", 99));
    show("domain", setdomainname("example.org", 11));
    show("time", settimeofday(&time, NULL));
    show("zone", syscall(SYS_settimeofday, NULL, &time));
    show("adjust", adjtimex(&adjustment));
}

static void clocks(void)
{
    struct timex now = {.modes = 0};
    struct timeval before, after, bad = {5, 1000000};
    int state = adjtimex(&now);
    printf("state %d, status %x, tick %ld, frequency %ld, tolerance %ld\n", state, now.status, now.tick, now.freq,
           now.tolerance);
    gettimeofday(&before, NULL);
    show("the same time", labs(now.time.tv_sec - before.tv_sec) <= 1);
    show("by clock", clock_adjtime(CLOCK_REALTIME, &now) == state);
    show("another clock", clock_adjtime(CLOCK_MONOTONIC, &now));
    struct timeval delta;
    show("correction", adjtime(NULL, &delta) + delta.tv_sec + delta.tv_usec);
    show("bad time", settimeofday(&bad, NULL));
    after = before, after.tv_sec += 1000;
    show("set", settimeofday(&after, NULL));
    gettimeofday(&now.time, NULL);
    show("later", now.time.tv_sec - before.tv_sec >= 1000 && now.time.tv_sec - before.tv_sec < 1010);
    settimeofday(&before, NULL);
}

static void barriers(void)
{
    show("query", (syscall(SYS_membarrier, 0, 0, 0) & 0x19) == 0x19);
    show("all", syscall(SYS_membarrier, 1, 0, 0));
    show("not registered", syscall(SYS_membarrier, 8, 0, 0));
    show("register", syscall(SYS_membarrier, 16, 0, 0));
    show("own", syscall(SYS_membarrier, 8, 0, 0));
    show("flags", syscall(SYS_membarrier, 1, 9, 0));
    show("unknown", syscall(SYS_membarrier, 1 << 20, 0, 0));
}

static void waits(void)
{
    siginfo_t info;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    for (int i = 0; i < 2; i++) {
        memset(&info, 0, sizeof info);
        show("look", waitid(P_PID, child, &info, WEXITED | WNOWAIT));
        printf("code %d status %d of the child %d\n", info.si_code, info.si_status, info.si_pid == child);
    }
    show("none that stopped", waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG | WNOWAIT) + info.si_pid);
    show("clones only", waitpid(child, &status, __WCLONE));
    show("clones only", waitid(P_PID, child, &info, WEXITED | __WCLONE));
    show("all kinds", waitpid(child, &status, __WALL) == child);
    show("gone", waitpid(child, &status, 0));
    show("options", waitpid(-1, &status, WNOWAIT));
    show("options", waitpid(-1, &status, 0x10));
    show("least", waitpid(-2147483647 - 1, &status, 0));
    show("nothing asked", waitid(P_ALL, 0, &info, WNOHANG));
    show("kind", waitid(9, 0, &info, WEXITED));
    show("no pid", waitid(P_PID, 0, &info, WEXITED));
    show("negative group", waitid(P_PGID, -5, &info, WEXITED));
    child = fork();
    if (child == 0) {
        raise(SIGSTOP);
        usleep(200000);
        _exit(9);
    }
    waitid(P_PID, child, &info, WSTOPPED | WNOWAIT);
    printf("stopped %d by %d\n", info.si_code, info.si_status);
    show("again", waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    kill(child, SIGCONT);
    waitid(P_PID, child, &info, WCONTINUED);
    printf("continued %d\n", info.si_code);
    waitpid(child, &status, 0);
    printf("ended %d\n", WEXITSTATUS(status));
}

static volatile siginfo_t got;

static void note(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    got = *info;
}

static void queued(void)
{
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    siginfo_t info;
    sigaction(SIGRTMIN, &action, NULL);
    memset(&info, 0, sizeof info);
    info.si_code = SI_QUEUE, info.si_value.sival_int = 33;
    show("queue", syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGRTMIN, &info));
    printf("signal %d code %d value %d\n", got.si_signo, got.si_code, got.si_value.sival_int);
    info.si_code = 5;
    show("as the system, to itself", syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGRTMIN, &info));
    printf("code %d\n", got.si_code);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    show("to another", syscall(SYS_rt_tgsigqueueinfo, child, child, SIGRTMIN, &info));
    info.si_code = SI_TKILL;
    show("as tkill", syscall(SYS_rt_tgsigqueueinfo, child, child, SIGRTMIN, &info));
    info.si_code = SI_QUEUE;
    show("wrong process", syscall(SYS_rt_tgsigqueueinfo, getpid(), child, SIGRTMIN, &info));
    show("bad signal", syscall(SYS_rt_tgsigqueueinfo, child, child, 65, &info));
    show("no thread", syscall(SYS_rt_tgsigqueueinfo, child, 0, SIGRTMIN, &info));
    show("ends", syscall(SYS_rt_tgsigqueueinfo, child, child, SIGKILL, &info));
    waitpid(child, NULL, 0);
}

static void clones(void)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    int status;
    fflush(stdout);
    long child = syscall(SYS_clone3, &args, sizeof args);
    if (child == 0)
        _exit(21);
    show("made", waitpid(child, &status, 0) == child);
    printf("status %d\n", WEXITSTATUS(status));
    int parent = 0, own = 0;
    args.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID;
    args.parent_tid = (unsigned long)&parent, args.child_tid = (unsigned long)&own;
    child = syscall(SYS_clone3, &args, 64);
    if (child == 0)
        _exit(own == getpid() ? 5 : 6);
    waitpid(child, &status, 0);
    printf("numbers %d %d\n", parent == child, WEXITSTATUS(status));
    show("short", syscall(SYS_clone3, &args, 63));
    show("long", syscall(SYS_clone3, &args, 5000));
    struct {
        struct clone_args args;
        unsigned long more;
    } longer = {{.exit_signal = SIGCHLD}, 1};
    show("unknown part", syscall(SYS_clone3, &longer, sizeof longer));
    args.flags = SIGCHLD;
    show("signal among flags", syscall(SYS_clone3, &args, sizeof args));
    args.flags = 0, args.stack = 0x1000;
    show("stack without size", syscall(SYS_clone3, &args, sizeof args));
    args.stack = 0, args.exit_signal = 65;
    show("bad signal", syscall(SYS_clone3, &args, sizeof args));
    show("bad place", syscall(SYS_clone3, 8, sizeof args));
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && !strcmp(argv[1], "who")) {
        who();
        return 0;
    }
    deaths();
    adoption();
    flags();
    as_user(acting);
    rights();
    capabilities();
    as_user(more);
    files();
    as_user(no_files);
    names();
    as_user(no_names);
    clocks();
    barriers();
    waits();
    queued();
    clones();
    return 0;
}
