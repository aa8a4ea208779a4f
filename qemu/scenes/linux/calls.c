/* Runs a command on Linux and tells which calls the test programs below it made: `calls FILE COMMAND…` appends
 * lines `program number` to FILE. Only programs in /linux and /examples count, not shells between them. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 4096
#define PROGRAMS 64
#define NUMBERS 512

static char names[PROGRAMS][32];
static char made[PROGRAMS][NUMBERS];
/* Which program runs in a process: its index plus 1, 0 if it does not count. */
static int runs[PROCESSES];

static int program(const char *path)
{
    if (strncmp(path, "/linux/", 7) && strncmp(path, "/examples/", 10))
        return 0;
    const char *name = strrchr(path, '/') + 1;
    for (int i = 0; i < PROGRAMS; i++) {
        if (!names[i][0])
            strncpy(names[i], name, sizeof names[i] - 1);
        if (!strcmp(names[i], name))
            return i + 1;
    }
    return 0;
}

static void executed(pid_t pid)
{
    char link[64], path[256] = "";
    snprintf(link, sizeof link, "/proc/%d/exe", pid);
    if (readlink(link, path, sizeof path - 1) > 0)
        runs[pid % PROCESSES] = program(path);
}

static void called(pid_t pid)
{
    struct __ptrace_syscall_info info;
    int which = runs[pid % PROCESSES];
    if (which && ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY
        && info.entry.nr < NUMBERS)
        made[which - 1][info.entry.nr] = 1;
}

static void report(const char *file)
{
    FILE *out = fopen(file, "a");
    for (int i = 0; i < PROGRAMS && names[i][0]; i++)
        for (int number = 0; number < NUMBERS; number++)
            if (made[i][number])
                fprintf(out, "%s %d\n", names[i], number);
    fclose(out);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    pid_t first = fork();
    if (first == 0) {
        raise(SIGSTOP);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    int status;
    waitpid(first, &status, WUNTRACED);
    /* Seizing leaves stops of jobs as they are. */
    ptrace(PTRACE_SEIZE, first, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK
        | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
    kill(first, SIGCONT);
    pid_t pid;
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (!WIFSTOPPED(status)) {
            if (pid == first)
                break;
            continue;
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        if (signal == (SIGTRAP | 0x80)) {
            called(pid);
            signal = 0;
        } else if (event == PTRACE_EVENT_EXEC) {
            executed(pid);
            signal = 0;
        } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
            unsigned long child = 0;
            ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child);
            runs[child % PROCESSES] = runs[pid % PROCESSES];
            signal = 0;
        } else if (event == PTRACE_EVENT_STOP) {
            if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
                ptrace(PTRACE_LISTEN, pid, NULL, 0);
                continue;
            }
            signal = 0;
        }
        ptrace(PTRACE_SYSCALL, pid, NULL, signal);
    }
    report(argv[1]);
    return 0;
}
