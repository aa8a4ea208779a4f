/* Descriptors of processes: one line each, with nothing in it that differs between systems. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static int open_process(pid_t pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }

static long send(int fd, int signal, siginfo_t *info, unsigned flags)
{
    return syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static volatile int got;

static void caught(int signal)
{
    (void)signal;
    got++;
}

int main(void)
{
    siginfo_t info;
    char text[64] = "", path[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    int fd = open_process(child, 0);
    show("open", fd >= 0);
    printf("closes on exec %d\n", fcntl(fd, F_GETFD));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, text, sizeof text - 1);
    printf("%.*s\n", (int)length, text);
    show("flags", open_process(child, 1));
    show("zero", open_process(0, 0));
    show("negative", open_process(-1, 0));
    show("nobody", open_process(4000000, 0));
    show("read", read(fd, text, 1));
    show("write", write(fd, text, 1));
    struct pollfd polled = {fd, POLLIN, 0};
    show("poll", poll(&polled, 1, 0));
    show("check", send(fd, 0, NULL, 0));
    show("bad signal", send(fd, 65, NULL, 0));
    show("bad flags", send(fd, 0, NULL, 8));
    show("no process", send(1, 0, NULL, 0));
    show("no descriptor", send(99, 0, NULL, 0));
    memset(&info, 0, sizeof info);
    info.si_signo = SIGUSR1, info.si_code = SI_QUEUE;
    show("another signal's", send(fd, SIGUSR2, &info, 0));
    info.si_code = SI_USER;
    show("as the system", send(fd, SIGUSR1, &info, 0));
    show("running", waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG) + info.si_pid);
    int quiet = open_process(child, O_NONBLOCK);
    show("never waits", waitid(P_PIDFD, quiet, &info, WEXITED));
    int set = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.u32 = 5}};
    show("watch", epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    show("epoll", epoll_wait(set, &event, 1, 0));
    show("kill", send(fd, SIGTERM, NULL, 0));
    show("poll", poll(&polled, 1, -1));
    printf("events %x\n", polled.revents & POLLIN);
    show("epoll", epoll_wait(set, &event, 1, -1));
    show("to a zombie", send(fd, SIGTERM, NULL, 0));
    show("open a zombie", open_process(child, 0) >= 0);
    show("look", waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT));
    printf("code %d status %d the child's %d\n", info.si_code, info.si_status, info.si_pid == child);
    show("wait", waitid(P_PIDFD, quiet, &info, WEXITED));
    show("again", waitid(P_PIDFD, fd, &info, WEXITED));
    show("to nobody", send(fd, 0, NULL, 0));
    show("poll", poll(&polled, 1, 0));
    show("no process", waitid(P_PIDFD, 1, &info, WEXITED));
    show("negative", waitid(P_PIDFD, -1, &info, WEXITED));
    show("own", send(open_process(getpid(), 0), 0, NULL, 0));

    /* Oneself, and through a directory of /proc, as killall does. */
    signal(SIGUSR2, caught);
    show("to oneself", send(open_process(getpid(), 0), SIGUSR2, NULL, 0));
    show("caught", got);
    int self = open("/proc/self", O_DIRECTORY | O_CLOEXEC);
    show("through /proc", send(self, SIGUSR2, NULL, 0));
    show("caught", got);
    show("no such wait", waitid(P_PIDFD, self, &info, WEXITED));
    int other = open("/proc", O_DIRECTORY | O_CLOEXEC);
    show("through all", send(other, 0, NULL, 0));
    close(fd), close(quiet), close(set);
    return 0;
}
