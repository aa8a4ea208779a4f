/* Sockets of AF_UNIX: one line each, with nothing in it that differs between systems. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[400000];

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static int events(int fd)
{
    struct pollfd one = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&one, 1, 0);
    return one.revents;
}

static long send_fds(int fd, const int *fds, int count, const char *text)
{
    union { char bytes[CMSG_SPACE(8 * sizeof(int))]; struct cmsghdr align; } control;
    struct iovec piece = {(void *)text, strlen(text)};
    struct msghdr message = {0};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    return sendmsg(fd, &message, 0);
}

static void receive(const char *what, int fd, int room, int control_room, int flags)
{
    union { char bytes[256]; struct cmsghdr align; } control;
    struct iovec pieces[2] = {{buffer, 2}, {buffer + 2, room - 2}};
    struct sockaddr_un from = {0};
    struct msghdr message = {0};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    message.msg_control = &control;
    message.msg_controllen = control_room;
    long got = recvmsg(fd, &message, flags);
    show(what, got);
    if (got < 0)
        return;
    printf("  '%.*s' flags %x, control %zu, name %u\n", (int)(got > room ? room : got), buffer,
           message.msg_flags, message.msg_controllen, message.msg_namelen);
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        int count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int), values[16];
        memcpy(values, CMSG_DATA(header), count * sizeof(int));
        if (header->cmsg_type == SCM_CREDENTIALS) {
            printf("  credentials own %d, %d %d\n", values[0] == getpid(), values[1], values[2]);
        } else {
            printf("  %d descriptors\n", count);
            for (int i = 0; i < count; i++) {
                char text[20];
                long length = read(values[i], text, sizeof text);
                printf("  reads %ld, cloexec %d\n", length, fcntl(values[i], F_GETFD));
                close(values[i]);
            }
        }
    }
}

static void pairs(void)
{
    int two[2], none[2];
    show("pair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, two));
    printf("events %x, flags %x, cloexec %d\n", events(two[0]), fcntl(two[0], F_GETFL), fcntl(two[0], F_GETFD));
    show("write", write(two[0], "one", 3));
    show("send", send(two[0], "two", 3, 0));
    int waiting;
    ioctl(two[1], FIONREAD, &waiting);
    show("waiting", waiting);
    show("peek", recv(two[1], buffer, 4, MSG_PEEK));
    show("read", read(two[1], buffer, 4));
    printf("%.4s\n", buffer);
    show("rest", recv(two[1], buffer, 100, 0));
    show("empty", recv(two[1], buffer, 100, MSG_DONTWAIT));
    if (fork() == 0) {
        usleep(10000);
        write(two[0], "ab", 2);
        usleep(10000);
        write(two[0], "cdef", 4);
        _exit(0);
    }
    show("all", recv(two[1], buffer, 5, MSG_WAITALL));
    printf("%.5s\n", buffer);
    wait(NULL);
    read(two[1], buffer, 10);
    struct stat st;
    fstat(two[0], &st);
    printf("mode %o\n", st.st_mode);
    show("lseek", lseek(two[0], 0, SEEK_CUR));
    show("pread", pread(two[0], buffer, 1, 0));
    show("shutdown", shutdown(two[0], SHUT_WR));
    printf("events %x %x\n", events(two[0]), events(two[1]));
    show("end", read(two[1], buffer, 10));
    signal(SIGPIPE, SIG_IGN);
    show("pipe", write(two[0], "x", 1));
    write(two[1], "unread", 6);
    close(two[0]);
    printf("events %x\n", events(two[1]));
    show("gone", send(two[1], "x", 1, MSG_NOSIGNAL));
    show("end", read(two[1], buffer, 10));
    close(two[1]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, two);
    write(two[1], "unread", 6);
    close(two[0]);
    show("reset none", read(two[1], buffer, 10));
    close(two[1]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, two);
    write(two[0], "unread", 6);
    close(two[1]);
    show("reset", read(two[0], buffer, 10));
    show("then end", read(two[0], buffer, 10));
    close(two[0]);

    show("datagrams", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, two));
    printf("flags %x\n", fcntl(two[0], F_GETFL));
    send(two[0], "first", 5, 0);
    send(two[0], "", 0, 0);
    send(two[0], "third", 5, 0);
    receive("cut", two[1], 3, 64, 0);
    show("nothing", recv(two[1], buffer, 10, 0));
    show("length", recv(two[1], buffer, 2, MSG_TRUNC));
    show("empty", recv(two[1], buffer, 10, 0));
    show("too long", send(two[0], buffer, sizeof buffer, 0));
    close(two[1]);
    show("refused", send(two[0], "x", 1, 0));
    close(two[0]);

    show("packets", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, two));
    send(two[0], "one", 3, 0);
    send(two[0], "two", 3, 0);
    show("one", read(two[1], buffer, 100));
    close(two[0]);
    show("two", read(two[1], buffer, 100));
    show("end", read(two[1], buffer, 100));
    close(two[1]);

    show("family", socketpair(99, SOCK_STREAM, 0, none));
    show("family", socket(99, SOCK_RAW, 0));
    show("kind", socketpair(AF_UNIX, 9, 0, none));
    show("protocol", socketpair(AF_UNIX, SOCK_STREAM, 7, none));
    show("no socket", send(0, "x", 1, 0));
}

static void much(void)
{
    int two[2];
    long sum = 0, length;
    socketpair(AF_UNIX, SOCK_STREAM, 0, two);
    if (fork() == 0) {
        close(two[1]);
        for (int i = 0; i < (int)sizeof buffer; i++)
            buffer[i] = i % 251;
        _exit(write(two[0], buffer, sizeof buffer) != sizeof buffer);
    }
    close(two[0]);
    long at = 0;
    while ((length = read(two[1], buffer, 5000)) > 0)
        for (int i = 0; i < length; i++, at++)
            sum += (unsigned char)buffer[i] == at % 251;
    int status;
    wait(&status);
    printf("much %ld, status %d\n", sum, status);
    close(two[1]);
}

static void rights(void)
{
    int two[2], ends[2], on = 1;
    socketpair(AF_UNIX, SOCK_STREAM, 0, two);
    pipe2(ends, O_NONBLOCK);
    write(ends[1], "hello", 5);
    int fds[2] = {ends[0], ends[0]};
    show("send rights", send_fds(two[0], fds, 2, "with"));
    write(two[0], "out", 3);
    close(ends[0]);
    receive("with", two[1], 100, 100, 0);
    receive("without", two[1], 100, 100, 0);
    show("broken", write(ends[1], "x", 1));
    close(ends[1]);
    pipe2(ends, O_NONBLOCK);
    write(ends[1], "hello", 5);
    fds[0] = ends[0];
    send_fds(two[0], fds, 1, "cut");
    receive("cut", two[1], 100, 0, 0);
    send_fds(two[0], fds, 1, "cloexec");
    receive("cloexec", two[1], 100, 100, MSG_CMSG_CLOEXEC);
    fds[0] = 99;
    show("bad", send_fds(two[0], fds, 1, "bad"));
    fds[0] = two[0];
    send_fds(two[0], fds, 1, "lost");
    show("option", setsockopt(two[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    fds[0] = ends[0];
    write(ends[1], "again", 5);
    show("read drops", read(two[1], buffer, 100));
    send_fds(two[0], fds, 1, "both");
    receive("both", two[1], 100, 200, 0);
    close(two[0]);
    close(two[1]);
    close(ends[0]);
    close(ends[1]);
}

static int option(int fd, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, name, &value, &length) < 0)
        return -errno;
    return value;
}

static void names(void)
{
    struct sockaddr_un address = {AF_UNIX, "/tmp/sockets.test"}, got;
    socklen_t length = sizeof got;
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(address.sun_path);
    printf("fresh %x\n", events(client));
    show("none", connect(client, (void *)&address, sizeof address));
    show("not yet", listen(server, 1));
    show("bind", bind(server, (void *)&address, sizeof address));
    show("twice", bind(server, (void *)&address, sizeof address));
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    show("in use", bind(other, (void *)&address, sizeof address));
    show("refused", connect(client, (void *)&address, sizeof address));
    show("listen", listen(server, 1));
    struct stat st;
    stat(address.sun_path, &st);
    printf("type %o\n", st.st_mode & S_IFMT);
    show("open", open(address.sun_path, O_RDWR));
    fcntl(server, F_SETFL, O_NONBLOCK);
    show("nobody", accept(server, NULL, NULL));
    fcntl(server, F_SETFL, 0);
    show("connect", connect(client, (void *)&address, sizeof address));
    show("connected", connect(client, (void *)&address, sizeof address));
    show("early", write(client, "early", 5));
    printf("server %x\n", events(server));
    int accepted = accept4(server, (void *)&got, &length, SOCK_CLOEXEC);
    printf("accepted %d, name %u, cloexec %d\n", accepted > 0, length, fcntl(accepted, F_GETFD));
    show("read", read(accepted, buffer, 10));
    length = sizeof got;
    show("own", getsockname(accepted, (void *)&got, &length));
    printf("%u %s\n", length, got.sun_path);
    length = sizeof got;
    show("peer", getpeername(client, (void *)&got, &length));
    printf("%u %s\n", length, got.sun_path);
    length = sizeof got;
    show("no name", getsockname(client, (void *)&got, &length));
    printf("%u\n", length);
    struct ucred peer;
    length = sizeof peer;
    getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &peer, &length);
    printf("peer %d %d %d\n", peer.pid == getpid(), peer.uid == getuid(), peer.gid == getgid());
    printf("type %d, error %d, listens %d %d, domain %d\n", option(client, SO_TYPE), option(client, SO_ERROR),
           option(server, SO_ACCEPTCONN), option(client, SO_ACCEPTCONN), option(client, SO_DOMAIN));
    printf("buffers %d, unknown %d\n", option(client, SO_SNDBUF) > 0, option(client, 999));
    struct timeval soon = {0, 20000};
    show("timeout", setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    show("late", read(client, buffer, 1));
    int set = epoll_create1(0);
    struct epoll_event event = {EPOLLIN | EPOLLRDHUP | EPOLLET, {.u32 = 7}};
    epoll_ctl(set, EPOLL_CTL_ADD, accepted, &event);
    write(client, "x", 1);
    show("epoll", epoll_wait(set, &event, 1, 1000));
    printf("%x\n", event.events);
    close(client);
    show("epoll", epoll_wait(set, &event, 1, 1000));
    printf("%x\n", event.events);
    close(server);
    close(accepted);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    show("closed", connect(client, (void *)&address, sizeof address));
    unlink(address.sun_path);

    struct sockaddr_un hidden = {AF_UNIX, "\0hidden"};
    socklen_t hidden_length = offsetof(struct sockaddr_un, sun_path) + 7;
    int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM, 0);
    show("abstract", bind(one, (void *)&hidden, hidden_length));
    show("in use", bind(two, (void *)&hidden, hidden_length));
    strcpy(address.sun_path, "/tmp/sockets.from");
    bind(two, (void *)&address, sizeof address);
    show("send", sendto(two, "to you", 6, 0, (void *)&hidden, hidden_length));
    length = sizeof got;
    show("from", recvfrom(one, buffer, 100, 0, (void *)&got, &length));
    printf("%u %s\n", length, got.sun_path);
    show("back", sendto(one, "back", 4, 0, (void *)&got, length));
    show("got", recv(two, buffer, 100, 0));
    show("nowhere", send(one, "x", 1, 0));
    show("connect", connect(two, (void *)&hidden, hidden_length));
    show("send", send(two, "x", 1, 0));
    close(one);
    show("lost", send(two, "x", 1, 0));
    show("listen", listen(two, 1));
    show("wrong kind", connect(client, (void *)&address, sizeof address));
    unlink(address.sun_path);
    show("long", bind(client, (void *)buffer, 200));
    show("short", bind(client, (void *)&address, 1));

    int children = 3;
    server = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    bind(server, (void *)&hidden, hidden_length);
    listen(server, 0);
    for (int i = 0; i < children; i++)
        if (fork() == 0) {
            int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
            if (connect(fd, (void *)&hidden, hidden_length))
                _exit(1);
            write(fd, "child", 5);
            _exit(read(fd, buffer, 10) != 2);
        }
    int sum = 0;
    for (int i = 0; i < children; i++) {
        usleep(10000);
        int fd = accept(server, NULL, NULL);
        sum += read(fd, buffer, 10);
        write(fd, "ok", 2);
        close(fd);
    }
    int failures = 0, status;
    while (wait(&status) > 0)
        failures += status != 0;
    printf("served %d, failures %d\n", sum, failures);
}

int main(void)
{
    setbuf(stdout, NULL);
    umask(022);
    pairs();
    much();
    rights();
    names();
    return 0;
}
