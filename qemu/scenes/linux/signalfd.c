/* signalfd: signals as bytes to read, and in poll and epoll. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static int ready(int fd, int time)
{
    struct pollfd one = {fd, POLLIN, 0};
    poll(&one, 1, time);
    return one.revents;
}

int main(void)
{
    setbuf(stdout, NULL);
    struct signalfd_siginfo info[4];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    printf("flags %x, cloexec %d, ready %d\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD), ready(fd, 0));
    show("nothing", read(fd, info, sizeof info));
    show("short", read(fd, info, 100));
    show("write", write(fd, info, sizeof info));
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    sigqueue(getpid(), SIGRTMIN, (union sigval){42});
    sigqueue(getpid(), SIGRTMIN, (union sigval){43});
    printf("ready %d\n", ready(fd, 0));
    show("one", read(fd, info, sizeof info[0]));
    printf("  %d code %d own %d\n", info[0].ssi_signo, info[0].ssi_code, info[0].ssi_pid == getpid());
    show("rest", read(fd, info, sizeof info));
    printf("  %d %d, %d %d\n", info[0].ssi_signo - SIGRTMIN, info[0].ssi_int, info[1].ssi_signo - SIGRTMIN, info[1].ssi_int);
    printf("ready %d\n", ready(fd, 0));

    int watch = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.u32 = 5}};
    epoll_ctl(watch, EPOLL_CTL_ADD, fd, &event);
    if (fork() == 0) {
        usleep(20000);
        kill(getppid(), SIGUSR1);
        usleep(20000);
        _exit(3);
    }
    show("epoll", epoll_wait(watch, &event, 1, 5000));
    show("usr1", read(fd, info, sizeof info[0]));
    printf("  %d\n", info[0].ssi_signo);
    show("epoll", epoll_wait(watch, &event, 1, 5000));
    show("child", read(fd, info, sizeof info));
    printf("  %d code %d status %d\n", info[0].ssi_signo, info[0].ssi_code, info[0].ssi_status);
    wait(NULL);
    show("epoll", epoll_wait(watch, &event, 1, 0));

    fcntl(fd, F_SETFL, 0);
    if (fork() == 0) {
        usleep(20000);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    show("waited", read(fd, info, sizeof info[0]));
    printf("  %d\n", info[0].ssi_signo);
    wait(NULL);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    read(fd, info, sizeof info);

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    show("change", signalfd(fd, &set, 0) == fd);
    printf("ready %d\n", ready(fd, 0));
    kill(getpid(), SIGUSR2);
    printf("ready %d\n", ready(fd, 0));
    int child = fork();
    if (child == 0) {
        printf("child %d\n", ready(fd, 0));
        kill(getpid(), SIGUSR2);
        printf("child %d\n", ready(fd, 0));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    show("no signals", signalfd(0, &set, 0));
    show("bad flags", signalfd(-1, &set, 1));
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    readlink(path, text, sizeof text);
    puts(text);
    return 0;
}
