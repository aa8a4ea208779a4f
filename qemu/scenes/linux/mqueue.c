/* Message queues of POSIX: one line each, with nothing in it that differs between systems. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME "/of-the-scene"

static char text[64];

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

/* Opens quietly: which number a descriptor has is of no interest. */
static void open_show(const char *what, mqd_t queue)
{
    show(what, queue < 0 ? -1 : 0);
    if (queue >= 0)
        close(queue);
}

static mqd_t make(int flags, long most, long bytes)
{
    struct mq_attr attributes = {0, most, bytes, 0};
    mqd_t queue = mq_open(NAME, O_CREAT | O_EXCL | flags, 0600, &attributes);
    if (queue < 0)
        show("no queue", -1);
    return queue;
}

static void receive_show(const char *what, mqd_t queue)
{
    unsigned priority = 77;
    memset(text, 0, sizeof text);
    long bytes = mq_receive(queue, text, sizeof text - 1, &priority);
    show(what, bytes);
    if (bytes >= 0)
        printf("  %s with %u\n", text, priority);
}

static struct timespec soon(long ms)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void names(void)
{
    char longest[300] = "/";
    memset(longest + 1, 'n', 255);
    mq_unlink(NAME);
    open_show("none", mq_open(NAME, O_RDWR));
    show("unlink none", mq_unlink(NAME));
    open_show("no slash", mq_open("x", O_RDWR | O_CREAT, 0600, NULL));
    open_show("only a slash", mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
    open_show("two slashes", mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
    open_show("dot", mq_open("/.", O_RDWR | O_CREAT, 0600, NULL));
    open_show("longest", mq_open(longest, O_RDWR | O_CREAT, 0600, NULL));
    show("unlink", mq_unlink(longest));
    strcat(longest, "n");
    open_show("too long", mq_open(longest, O_RDWR | O_CREAT, 0600, NULL));
    show("unlink", mq_unlink(longest));
    open_show("new", mq_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0640, NULL));
    open_show("new again", mq_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0640, NULL));
    open_show("old", mq_open(NAME, O_RDWR | O_CREAT, 0640, NULL));
    open_show("both", mq_open(NAME, O_RDWR | O_WRONLY));
    show("unlink", mq_unlink(NAME));
    struct mq_attr bad[] = {{0, 0, 8, 0}, {0, 4, 0, 0}, {0, -1, 8, 0}, {0, 65537, 8, 0}, {0, 1, 16777217, 0}};
    for (int i = 0; i < 5; i++)
        open_show("bad size", mq_open(NAME, O_RDWR | O_CREAT, 0600, &bad[i]));
    struct mq_attr much = {0, 10, 8192, 0};
    mqd_t many[12];
    int made = 0;
    for (char name[] = "/many-a"; made < 12; made++, name[6]++)
        if ((many[made] = mq_open(name, O_RDWR | O_CREAT, 0600, &much)) < 0)
            break;
    show("too many", made < 12 ? -1 : 0);
    printf("%d fit\n", made);
    for (char name[] = "/many-a"; made > 0; name[6]++) {
        close(many[--made]);
        mq_unlink(name);
    }
}

static void order(void)
{
    struct mq_attr attributes;
    mqd_t queue = make(O_RDWR, 4, 32);
    show("low", mq_send(queue, "low", 3, 1));
    show("high", mq_send(queue, "high", 4, 9));
    show("next low", mq_send(queue, "next low", 8, 1));
    show("empty", mq_send(queue, "", 0, 32767));
    show("priority", mq_send(queue, "x", 1, 32768));
    show("long", mq_send(queue, text, 33, 0));
    mq_getattr(queue, &attributes);
    printf("%lx %ld %ld %ld\n", attributes.mq_flags, attributes.mq_maxmsg, attributes.mq_msgsize, attributes.mq_curmsgs);
    struct stat status;
    fstat(queue, &status);
    printf("mode %o, %ld bytes, %d links\n", status.st_mode, (long)status.st_size, (int)status.st_nlink);
    show("short", mq_receive(queue, text, 31, NULL));
    for (int i = 0; i < 4; i++)
        receive_show("receive", queue);
    mqd_t reader = mq_open(NAME, O_RDONLY), writer = mq_open(NAME, O_WRONLY);
    show("reader sends", mq_send(reader, "x", 1, 0));
    show("writer receives", mq_receive(writer, text, 32, NULL));
    show("closed", mq_send(99, "x", 1, 0));
    int null = open("/dev/null", O_RDWR);
    show("no queue", mq_send(null, "x", 1, 0));
    show("no queue", mq_getattr(null, &attributes));
    show("write", write(queue, "x", 1));
    show("unlink", mq_unlink(NAME));
    show("still there", mq_send(writer, "kept", 4, 3));
    receive_show("still there", reader);
    fstat(queue, &status);
    show("links", status.st_nlink);
    open_show("no name", mq_open(NAME, O_RDWR));
    mqd_t other = make(O_RDWR, 2, 8);
    show("another", mq_send(other, "x", 1, 0));
    mq_getattr(queue, &attributes);
    show("in the old one", attributes.mq_curmsgs);
    mq_unlink(NAME);
    close(reader), close(writer), close(other), close(null), mq_close(queue);
}

static void waiting(void)
{
    struct mq_attr attributes = {O_NONBLOCK, 99, 99, 0}, old;
    struct timespec time = {0, 0}, bad = {0, 1000000000};
    mqd_t queue = make(O_RDWR | O_NONBLOCK | O_CLOEXEC, 1, 32);
    printf("flags %x, %d\n", fcntl(queue, F_GETFL) & ~0400000, fcntl(queue, F_GETFD));
    struct pollfd polled = {queue, POLLIN | POLLOUT, 0};
    int set = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.u32 = 1}};
    show("add", epoll_ctl(set, EPOLL_CTL_ADD, queue, &event));
    poll(&polled, 1, 0);
    printf("poll %x, epoll %d\n", polled.revents, epoll_wait(set, &event, 1, 0));
    show("no message", mq_receive(queue, text, 32, NULL));
    show("send", mq_send(queue, "one", 3, 0));
    poll(&polled, 1, 0);
    printf("poll %x, epoll %d\n", polled.revents, epoll_wait(set, &event, 1, 0));
    show("full", mq_send(queue, "two", 3, 0));
    attributes.mq_flags = 0;
    show("set", mq_setattr(queue, &attributes, &old));
    printf("%lx %ld %ld %ld\n", old.mq_flags, old.mq_maxmsg, old.mq_msgsize, old.mq_curmsgs);
    attributes.mq_flags = 1;
    show("bad flags", mq_setattr(queue, &attributes, NULL));
    show("past", mq_timedsend(queue, "two", 3, 0, &time));
    show("bad time", mq_timedsend(queue, "two", 3, 0, &bad));
    time = soon(20);
    show("in time", mq_timedsend(queue, "two", 3, 0, &time));
    time.tv_sec = 0;
    show("there is one", mq_timedreceive(queue, text, 32, NULL, &time));
    time = soon(20);
    show("none in time", mq_timedreceive(queue, text, 32, NULL, &time));
    if (fork() == 0) {
        usleep(20000);
        _exit(mq_send(queue, "from the child", 14, 5) != 0);
    }
    receive_show("waited", queue);
    mq_send(queue, "first", 5, 1);
    if (fork() == 0) {
        usleep(20000);
        receive_show("child", queue);
        fflush(stdout);
        _exit(0);
    }
    fflush(stdout);
    int sent = mq_send(queue, "second", 6, 1);
    wait(NULL), wait(NULL);
    show("room", sent);
    receive_show("after", queue);
    close(set), close(queue);
    mq_unlink(NAME);
}

static void nothing(int signal) { (void)signal; }

static void interrupted(void)
{
    struct sigaction action = {.sa_handler = nothing};
    mqd_t queue = make(O_RDWR, 1, 32);
    sigaction(SIGALRM, &action, NULL);
    ualarm(20000, 0);
    show("interrupted", mq_receive(queue, text, 32, NULL));
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    ualarm(20000, 0);
    struct timespec time = soon(60);
    show("restarted", mq_timedreceive(queue, text, 32, NULL, &time));
    close(queue);
    mq_unlink(NAME);
}

static void others(void)
{
    umask(0);
    mqd_t queue = mq_open(NAME, O_RDWR | O_CREAT, 0604, NULL);
    fflush(stdout);
    if (fork() == 0) {
        if (setgid(65534) || setuid(65534))
            perror("setuid");
        open_show("read", mq_open(NAME, O_RDONLY));
        open_show("write", mq_open(NAME, O_WRONLY));
        show("unlink", mq_unlink(NAME));
        struct mq_attr attributes = {0, 11, 8, 0};
        open_show("more than a user may", mq_open("/of-another", O_RDWR | O_CREAT, 0600, &attributes));
        attributes.mq_maxmsg = 10;
        open_show("own", mq_open("/of-another", O_RDWR | O_CREAT, 0600, &attributes));
        show("unlink own", mq_unlink("/of-another"));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    close(queue);
    show("unlink", mq_unlink(NAME));
}

static volatile sig_atomic_t told;
static siginfo_t told_of;

static void tell(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    told++;
    told_of = *info;
}

static volatile int thread_told;

static void in_a_thread(union sigval value) { thread_told = value.sival_int; }

/* What reading a queue says, without the process's number. */
static void state_show(mqd_t queue)
{
    char state[100] = "";
    pread(queue, state, sizeof state - 1, 0);
    char *pid = strstr(state, "NOTIFY_PID:");
    if (pid)
        strcpy(pid, atoi(pid + 11) == getpid() ? "own" : atoi(pid + 11) ? "other" : "none");
    printf("%s\n", state);
}

static void receive_all(mqd_t queue)
{
    while (mq_receive(queue, text, 32, NULL) >= 0)
        ;
}

static void notified(void)
{
    struct sigaction action = {.sa_sigaction = tell, .sa_flags = SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    struct sigevent quiet = {.sigev_notify = SIGEV_NONE};
    mqd_t queue = make(O_RDWR | O_NONBLOCK, 3, 32), waiting = mq_open(NAME, O_RDWR);
    sigaction(SIGUSR1, &action, NULL);
    state_show(queue);
    show("notify", mq_notify(queue, &event));
    state_show(queue);
    show("again", mq_notify(queue, &event));
    show("send", mq_send(queue, "one", 3, 0));
    printf("told %d, code %d, value %d, sender %d, user %d\n", told, told_of.si_code, told_of.si_value.sival_int,
           told_of.si_pid == getpid(), told_of.si_uid);
    state_show(queue);
    show("not empty", mq_notify(queue, &event));
    show("send", mq_send(queue, "two", 3, 0));
    printf("told %d\n", told);
    show("remove", mq_notify(queue, NULL));
    show("remove none", mq_notify(queue, NULL));
    receive_all(queue);
    show("quiet", mq_notify(queue, &quiet));
    show("busy", mq_notify(queue, &event));
    mq_send(queue, "three", 5, 0);
    receive_all(queue);
    show("no more", mq_notify(queue, &event));
    fflush(stdout);
    if (fork() == 0) {
        show("of a parent", mq_notify(queue, &event));
        show("remove a parent's", mq_notify(queue, NULL));
        close(queue);
        fflush(stdout);
        _exit(mq_send(waiting, "child", 5, 0));
    }
    wait(NULL);
    printf("told %d by another %d\n", told, told_of.si_pid != getpid());
    receive_all(queue);
    mq_notify(queue, &event);
    if (fork() == 0) {
        usleep(20000);
        _exit(mq_send(waiting, "to a receiver", 13, 0));
    }
    receive_show("who waits goes first", waiting);
    wait(NULL);
    printf("told %d\n", told);
    mqd_t third = mq_open(NAME, O_RDONLY);
    mq_close(third);
    mq_send(queue, "x", 1, 0);
    printf("closing one ends it: %d\n", told);
    if (fork() == 0)
        _exit(mq_notify(queue, &event));
    wait(NULL);
    show("so does an end", mq_notify(queue, &event));
    receive_all(queue);
    struct sigevent bad = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
    show("bad signal", mq_notify(queue, &bad));
    bad.sigev_notify = 7, bad.sigev_signo = SIGUSR1;
    show("bad kind", mq_notify(queue, &bad));
    show("closed", mq_notify(99, &event));
    mq_notify(queue, NULL);
    struct sigevent thread = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 7};
    thread.sigev_notify_function = in_a_thread;
    show("a thread", mq_notify(queue, &thread));
    mq_send(queue, "x", 1, 0);
    for (int i = 0; i < 200 && !thread_told; i++)
        usleep(5000);
    printf("thread told %d\n", thread_told);
    show("and ends", mq_notify(queue, &thread));
    show("removed", mq_notify(queue, NULL));
    close(queue), close(waiting);
    mq_unlink(NAME);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    names();
    order();
    waiting();
    interrupted();
    others();
    notified();
    return 0;
}
