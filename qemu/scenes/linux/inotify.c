/* What is told of files that somebody wants to hear of. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int queue;

static const char *names[] = {"access", "modify", "attrib", "close_write", "close_nowrite", "open", "moved_from",
    "moved_to", "create", "delete", "delete_self", "move_self", "", "unmount", "overflow", "ignored"};

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

/* Prints the events that wait; cookies as the number of their move. */
static void events(const char *what)
{
    static unsigned cookies[64];
    static int moves;
    char buffer[8192] __attribute__((aligned(8)));
    printf("%s:", what);
    for (;;) {
        ssize_t length = read(queue, buffer, sizeof buffer);
        if (length < 0) {
            printf("%s%s\n", errno == EAGAIN ? "" : " ", errno == EAGAIN ? "" : strerror(errno));
            return;
        }
        for (char *at = buffer; at < buffer + length;) {
            struct inotify_event *event = (struct inotify_event *)at;
            int move = 0;
            if (event->cookie) {
                for (move = 0; move < moves && cookies[move] != event->cookie;)
                    move++;
                if (move == moves)
                    cookies[moves++] = event->cookie;
                move++;
            }
            printf(" %d", event->wd);
            for (int bit = 0; bit < 16; bit++)
                if (event->mask & 1u << bit)
                    printf(" %s", names[bit]);
            if (event->mask & IN_ISDIR)
                printf(" dir");
            if (move)
                printf(" #%d", move);
            if (event->len)
                printf(" %s(%d)", event->name, event->len);
            printf(";");
            at += sizeof *event + event->len;
        }
    }
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    write(fd, text, strlen(text));
    close(fd);
}

static void directory(void)
{
    char text[8];
    mkdir("d", 0700);
    show("watch", inotify_add_watch(queue, "d", IN_ALL_EVENTS));
    put("d/a", "one");
    events("made");
    put("d/a", "two");
    events("written");
    int fd = open("d/a", O_RDWR);
    read(fd, text, 8);
    read(fd, text, 8);
    pwrite(fd, "x", 1, 0);
    pwrite(fd, "y", 1, 0);
    events("used");
    ftruncate(fd, 1);
    fchmod(fd, 0644);
    fchown(fd, 0, 0);
    futimens(fd, NULL);
    struct timespec one[2] = {{1, 0}, {0, UTIME_OMIT}};
    futimens(fd, one);
    close(fd);
    events("changed");
    rename("d/a", "d/a-longer-name-of-it");
    events("renamed");
    rename("d/a-longer-name-of-it", "b");
    events("left");
    rename("b", "d/b");
    events("came");
    link("d/b", "d/c");
    symlink("b", "d/s");
    mkdir("d/e", 0700);
    mkfifo("d/f", 0600);
    events("names");
    unlink("d/b");
    put("d/c", "z");
    events("other name");
    fd = open("d/c", O_WRONLY | O_TRUNC);
    events("emptied");
    close(fd);
    events("closed");
    put("other", "o");
    rename("other", "d/c");
    events("replaced");
    DIR *list = opendir("d/e");
    while (readdir(list))
        ;
    closedir(list);
    events("listed");
    rename("d/e", "d/g");
    unlink("d/c");
    unlink("d/s");
    unlink("d/f");
    rmdir("d/g");
    events("removed");
    rename("d", "moved");
    rename("moved", "d");
    events("itself");
    rmdir("d");
    events("gone");
    show("again", inotify_rm_watch(queue, 1));
}

static void file(void)
{
    put("f", "f");
    int fd = open("f", O_RDONLY);
    int watch = inotify_add_watch(queue, "f", IN_ALL_EVENTS);
    show("file", watch);
    link("f", "g");
    events("linked");
    rename("f", "h");
    events("moved");
    chmod("h", 0600);
    unlink("g");
    unlink("h");
    events("nameless");
    close(fd);
    events("gone");
}

static void masks(void)
{
    put("m", "m");
    show("no events", inotify_add_watch(queue, "m", 0));
    show("no queue", inotify_add_watch(1, "m", IN_OPEN));
    show("closed", inotify_add_watch(99, "m", IN_OPEN));
    show("no file", inotify_add_watch(queue, "nothing", IN_OPEN));
    show("no directory", inotify_add_watch(queue, "m", IN_OPEN | IN_ONLYDIR));
    int watch = inotify_add_watch(queue, "m", IN_OPEN);
    show("watch", watch);
    show("same", inotify_add_watch(queue, "m", IN_CLOSE));
    close(open("m", O_RDONLY));
    events("close only");
    show("add", inotify_add_watch(queue, "m", IN_OPEN | IN_MASK_ADD));
    close(open("m", O_RDONLY));
    events("both");
    show("create", inotify_add_watch(queue, "m", IN_OPEN | IN_MASK_CREATE));
    show("contradiction", inotify_add_watch(queue, "m", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD));
    show("remove", inotify_rm_watch(queue, watch));
    events("removed");
    show("once more", inotify_rm_watch(queue, watch));
    show("once", inotify_add_watch(queue, "m", IN_OPEN | IN_ONESHOT));
    close(open("m", O_RDONLY));
    close(open("m", O_RDONLY));
    events("once");
    symlink("m", "l");
    show("link", inotify_add_watch(queue, "l", IN_ATTRIB | IN_DONT_FOLLOW));
    show("target", inotify_add_watch(queue, "l", IN_ATTRIB));
    chmod("l", 0600);
    events("target");
    close(open("m", O_PATH));
    show("flags", inotify_init1(1));
    int small = inotify_add_watch(queue, ".", IN_CREATE);
    put("a-name-of-more-than-a-few-letters", "");
    char text[20];
    show("small", read(queue, text, sizeof text));
    int bytes = 0;
    show("bytes", ioctl(queue, FIONREAD, &bytes) ? -1 : bytes);
    struct pollfd ready = {queue, POLLIN | POLLOUT, 0};
    show("poll", poll(&ready, 1, 0));
    printf("events %x\n", ready.revents);
    events("at last");
    show("poll", poll(&ready, 1, 0));
    show("write", write(queue, text, 8));
    show("seek", lseek(queue, 0, SEEK_SET));
    inotify_rm_watch(queue, small);
    events("end");
}

/* A reader that waits, and one that watches. */
static void waiting(void)
{
    int other = inotify_init(), watcher = epoll_create1(0);
    struct epoll_event event = {EPOLLIN | EPOLLET, {.u32 = 7}};
    put("w", "w");
    inotify_add_watch(other, "w", IN_MODIFY);
    epoll_ctl(watcher, EPOLL_CTL_ADD, other, &event);
    show("nothing", epoll_wait(watcher, &event, 1, 0));
    fflush(stdout);
    if (fork() == 0) {
        usleep(20000);
        put("w", "x");
        _exit(0);
    }
    char buffer[100];
    show("read", read(other, buffer, sizeof buffer));
    wait(NULL);
    put("w", "y");
    show("watched", epoll_wait(watcher, &event, 1, 1000));
    show("edge", epoll_wait(watcher, &event, 1, 0));
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", other);
    readlink(path, text, sizeof text);
    puts(text);
    close(other);
}

static void overflow(void)
{
    char buffer[65536];
    put("o", "");
    int a = inotify_add_watch(queue, "o", IN_OPEN | IN_CLOSE), last = 0;
    for (int count = 0; count < 9000; count++)
        close(open("o", O_RDONLY));
    long all = 0, length;
    while ((length = read(queue, buffer, sizeof buffer)) > 0) {
        all += length / sizeof(struct inotify_event);
        struct inotify_event *event = (struct inotify_event *)(buffer + length - sizeof *event);
        last = event->mask;
        if (last == IN_Q_OVERFLOW)
            printf("watch %d\n", event->wd);
    }
    printf("events %ld, last %x\n", all, last);
    inotify_rm_watch(queue, a);
    events("end");
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    queue = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    directory();
    file();
    masks();
    waiting();
    overflow();
    return 0;
}
