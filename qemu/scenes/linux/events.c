/* eventfd, timerfd and epoll: one line each, with nothing in it that differs between systems. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static void wait_show(const char *what, int set, int most, int time)
{
    struct epoll_event got[8];
    int count = epoll_wait(set, got, most, time);
    show(what, count);
    for (int i = 0; i < count; i++)
        printf("  %x of %d\n", got[i].events, got[i].data.u32);
}

static int control(int set, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {events, {.u32 = fd}};
    return epoll_ctl(set, operation, fd, &event);
}

static void counters(void)
{
    uint64_t value = 3;
    int fd = eventfd(2, EFD_NONBLOCK | EFD_CLOEXEC);
    show("eventfd write", write(fd, &value, 8));
    show("eventfd read", read(fd, &value, 8));
    show("value", value);
    show("empty", read(fd, &value, 8));
    show("short", read(fd, &value, 4));
    value = UINT64_MAX;
    show("too much", write(fd, &value, 8));
    value = UINT64_MAX - 1;
    show("most", write(fd, &value, 8));
    value = 1;
    show("full", write(fd, &value, 8));
    struct pollfd poll_fd = {fd, POLLIN | POLLOUT, 0};
    poll(&poll_fd, 1, 0);
    printf("events %x flags %x\n", poll_fd.revents, fcntl(fd, F_GETFL));
    int semaphore = eventfd(2, EFD_SEMAPHORE);
    show("one", read(semaphore, &value, 8));
    show("value", value);
    show("one", read(semaphore, &value, 8));
    if (fork() == 0) {
        usleep(20000);
        value = 7;
        _exit(write(semaphore, &value, 8) != 8);
    }
    show("waited", read(semaphore, &value, 8));
    wait(NULL);
    show("bad flags", eventfd(0, 0x10));
    struct stat st;
    fstat(fd, &st);
    char text[64] = "", path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    show("mode", st.st_mode & S_IFMT);
    show("readlink", readlink(path, text, sizeof text));
    puts(text);
    show("fsync", fsync(fd));
    close(fd);
    close(semaphore);
}

static void timers(void)
{
    uint64_t ticks = 0;
    struct itimerspec now = {{0, 0}, {0, 30000000}}, old;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    show("settime", timerfd_settime(fd, 0, &now, NULL));
    show("not yet", read(fd, &ticks, 8));
    struct pollfd poll_fd = {fd, POLLIN | POLLOUT, 0};
    show("poll", poll(&poll_fd, 1, 5000));
    show("read", read(fd, &ticks, 8));
    show("ticks", ticks);
    show("again", read(fd, &ticks, 8));
    timerfd_gettime(fd, &old);
    printf("left %ld.%ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
    now.it_interval.tv_nsec = 10000000;
    now.it_value.tv_nsec = 10000000;
    timerfd_settime(fd, 0, &now, NULL);
    usleep(55000);
    read(fd, &ticks, 8);
    printf("several %d\n", ticks >= 4 && ticks < 50);
    timerfd_gettime(fd, &old);
    printf("interval %ld, left %d\n", old.it_interval.tv_nsec, old.it_value.tv_nsec > 0);
    close(fd);
    fd = timerfd_create(CLOCK_REALTIME, 0);
    clock_gettime(CLOCK_REALTIME, &now.it_value);
    now.it_interval.tv_nsec = 0;
    show("past", timerfd_settime(fd, TFD_TIMER_ABSTIME, &now, &old));
    show("read", read(fd, &ticks, 8));
    show("ticks", ticks);
    memset(&now, 0, sizeof now);
    now.it_value.tv_nsec = 20000000;
    timerfd_settime(fd, 0, &now, NULL);
    show("waited", read(fd, &ticks, 8));
    now.it_value.tv_nsec = 1000000000;
    show("bad time", timerfd_settime(fd, 0, &now, NULL));
    show("bad clock", timerfd_create(2, 0));
    show("bad flags", timerfd_create(CLOCK_MONOTONIC, 1));
    show("no timer", timerfd_gettime(0, &old));
    close(fd);
}

static void watches(void)
{
    int ends[2], set = epoll_create1(EPOLL_CLOEXEC);
    uint64_t one = 1;
    char buffer[16];
    pipe2(ends, O_NONBLOCK);
    show("add", control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN));
    show("twice", control(set, EPOLL_CTL_ADD, ends[0], EPOLLIN));
    show("mod none", control(set, EPOLL_CTL_MOD, ends[1], EPOLLIN));
    wait_show("nothing", set, 8, 0);
    wait_show("in time", set, 8, 20);
    write(ends[1], "abc", 3);
    wait_show("level", set, 8, 0);
    wait_show("level", set, 8, 0);
    control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET);
    wait_show("edge", set, 8, 0);
    wait_show("edge", set, 8, 0);
    read(ends[0], buffer, 1);
    wait_show("after reading", set, 8, 0);
    write(ends[1], "d", 1);
    wait_show("after writing", set, 8, 0);
    control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT);
    wait_show("once", set, 8, 0);
    write(ends[1], "e", 1);
    wait_show("once", set, 8, 0);
    control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT);
    wait_show("armed", set, 8, 0);
    show("add", control(set, EPOLL_CTL_ADD, ends[1], EPOLLOUT | EPOLLEXCLUSIVE));
    show("mod", control(set, EPOLL_CTL_MOD, ends[1], EPOLLOUT));
    wait_show("writable", set, 8, 0);
    show("del", control(set, EPOLL_CTL_DEL, ends[1], 0));
    show("del", control(set, EPOLL_CTL_DEL, ends[1], 0));
    int copy = dup(ends[0]);
    control(set, EPOLL_CTL_MOD, ends[0], EPOLLIN);
    close(ends[0]);
    wait_show("still open", set, 8, 0);
    close(copy);
    wait_show("closed", set, 8, 0);
    close(ends[1]);

    int counter[3];
    for (int i = 0; i < 3; i++) {
        counter[i] = eventfd(1, EFD_NONBLOCK);
        control(set, EPOLL_CTL_ADD, counter[i], EPOLLIN);
    }
    wait_show("two of three", set, 2, 0);
    wait_show("in turn", set, 2, 0);
    for (int i = 0; i < 3; i++)
        read(counter[i], buffer, 8);
    wait_show("none", set, 2, 0);
    if (fork() == 0) {
        usleep(20000);
        _exit(write(counter[1], &one, 8) != 8);
    }
    wait_show("waited", set, 8, 5000);
    wait(NULL);
    read(counter[1], buffer, 8);

    int outer = epoll_create1(0);
    show("nested", control(outer, EPOLL_CTL_ADD, set, EPOLLIN));
    show("loop", control(set, EPOLL_CTL_ADD, outer, EPOLLIN));
    show("itself", control(set, EPOLL_CTL_ADD, set, EPOLLIN));
    wait_show("outer", outer, 8, 0);
    write(counter[2], &one, 8);
    wait_show("outer", outer, 8, 0);
    struct pollfd poll_fd = {outer, POLLIN, 0};
    show("poll", poll(&poll_fd, 1, 0));
    int file = open("/proc/self/exe", O_RDONLY);
    show("file", control(set, EPOLL_CTL_ADD, file, EPOLLIN));
    show("bad", control(set, EPOLL_CTL_ADD, 99, EPOLLIN));
    show("no watch", control(file, EPOLL_CTL_ADD, counter[0], EPOLLIN));
    show("bad operation", control(set, 9, counter[0], EPOLLIN));
    struct epoll_event got;
    show("no room", epoll_wait(set, &got, 0, 0));
    show("no watch", epoll_wait(file, &got, 1, 0));
    show("nowhere", epoll_wait(set, (void *)8, 1, 0));
    wait_show("kept", set, 8, 0);

    struct itimerspec soon = {{0, 0}, {0, 20000000}};
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(timer, 0, &soon, NULL);
    read(counter[2], buffer, 8);
    control(set, EPOLL_CTL_ADD, timer, EPOLLIN | EPOLLET);
    wait_show("timer", set, 8, 5000);
    wait_show("timer", set, 8, 30);
}

int main(void)
{
    setbuf(stdout, NULL);
    counters();
    timers();
    watches();
    return 0;
}
