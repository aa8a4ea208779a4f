/* Pseudo-terminals: a driver that types to a shell, and what each side sees. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char buffer[10000];
static int used;

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static int events(int fd)
{
    struct pollfd one = {fd, POLLIN | POLLOUT, 0};
    poll(&one, 1, 0);
    return one.revents;
}

/* Reads from the master until `text` came; forgets what was before. */
static int until(int master, const char *text)
{
    struct pollfd one = {master, POLLIN, 0};
    for (;;) {
        buffer[used] = 0;
        char *found = strstr(buffer, text);
        if (found) {
            used -= found + strlen(text) - buffer;
            memmove(buffer, found + strlen(text), used + 1);
            return 1;
        }
        if (poll(&one, 1, 10000) <= 0)
            return 0;
        int length = read(master, buffer + used, sizeof buffer - used - 1);
        if (length <= 0)
            return 0;
        used += length;
    }
}

static void type(int master, const char *text)
{
    write(master, text, strlen(text));
}

static void sides(void)
{
    char name[64], text[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    show("grant", grantpt(master));
    ptsname_r(master, name, sizeof name);
    printf("named %d\n", strncmp(name, "/dev/pts/", 9) == 0);
    show("locked", open(name, O_RDWR | O_NOCTTY));
    show("unlock", unlockpt(master));
    printf("before %x\n", events(master));
    int slave = open(name, O_RDWR | O_NOCTTY);
    struct stat st;
    fstat(slave, &st);
    printf("tty %d %d, type %o, same %d\n", isatty(slave), isatty(master), st.st_mode & S_IFMT,
           strcmp(ttyname(slave), name) == 0);
    type(master, "line\n");
    show("read", read(slave, text, sizeof text));
    show("echo", read(master, text, sizeof text));
    write(slave, "a\nb", 3);
    show("out", read(master, text, sizeof text));
    printf("%d %d\n", text[1], text[2]);
    fcntl(master, F_SETFL, O_NONBLOCK);
    show("nothing", read(master, text, sizeof text));
    struct termios settings;
    show("settings", tcgetattr(slave, &settings));
    printf("%x %x %x %x\n", settings.c_iflag, settings.c_oflag, settings.c_cflag & ~CBAUD, settings.c_lflag);
    cfmakeraw(&settings);
    show("raw", tcsetattr(master, TCSANOW, &settings));
    type(master, "\003x");
    show("keys", read(slave, text, sizeof text));
    show("echo", read(master, text, sizeof text));
    struct winsize size = {25, 81, 1, 2}, got;
    show("size", ioctl(slave, TIOCGWINSZ, &got));
    printf("%d %d\n", got.ws_row, got.ws_col);
    ioctl(master, TIOCSWINSZ, &size);
    ioctl(slave, TIOCGWINSZ, &got);
    printf("%d %d %d %d\n", got.ws_row, got.ws_col, got.ws_xpixel, got.ws_ypixel);
    int other = open(name, O_RDWR | O_NOCTTY);
    close(slave);
    printf("one left %x\n", events(master));
    close(other);
    printf("closed %x\n", events(master));
    show("end", read(master, text, sizeof text));
    slave = open(name, O_RDWR | O_NOCTTY);
    printf("again %x\n", events(master));
    close(master);
    printf("hung %x\n", events(slave));
    show("read", read(slave, text, sizeof text));
    show("write", write(slave, "x", 1));
    show("ioctl", tcgetattr(slave, &settings));
    show("gone", access(name, F_OK));
    close(slave);
}

static void ended(const char *what, int child)
{
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        printf("%s: signal %d\n", what, WTERMSIG(status));
    else
        printf("%s: status %d\n", what, WEXITSTATUS(status));
}

static void control(void)
{
    int master, child = forkpty(&master, NULL, NULL, NULL);
    if (child == 0) {
        int tty = open("/dev/tty", O_RDWR);
        printf("leader %d, group %d, tty %d\n", getsid(0) == getpid(), tcgetpgrp(0) == getpid(), tty > 0);
        for (;;)
            pause();
    }
    printf("%d\n", until(master, "leader 1, group 1, tty 1"));
    type(master, "\003");
    printf("echoed %d\n", until(master, "^C"));
    ended("interrupted", child);
    close(master);

    child = forkpty(&master, NULL, NULL, NULL);
    if (child == 0) {
        puts("ready");
        for (;;)
            pause();
    }
    until(master, "ready");
    close(master);
    ended("hung up", child);

    child = forkpty(&master, NULL, NULL, NULL);
    if (child == 0) {
        sigset_t set;
        int number;
        sigemptyset(&set);
        sigaddset(&set, SIGWINCH);
        sigprocmask(SIG_BLOCK, &set, NULL);
        puts("ready");
        sigwait(&set, &number);
        struct winsize size;
        ioctl(0, TIOCGWINSZ, &size);
        printf("window %d %d\n", size.ws_row, size.ws_col);
        exit(7);
    }
    until(master, "ready");
    struct winsize size = {30, 100};
    ioctl(master, TIOCSWINSZ, &size);
    printf("%d\n", until(master, "window 30 100"));
    ended("window", child);
    close(master);
}

static void shell(const char *path)
{
    int master, child = forkpty(&master, NULL, NULL, NULL);
    if (child == 0) {
        setenv("PS1", "ready> ", 1);
        setenv("ENV", "", 1);
        execl(path, "sh", (char *)NULL);
        _exit(127);
    }
    printf("prompt %d\n", until(master, "ready> "));
    type(master, "echo $((6*7))\n");
    printf("answer %d\n", until(master, "\r\n42\r\n"));
    until(master, "ready> ");
    type(master, "sleep 100\n");
    until(master, "\r\n");
    usleep(300000);
    type(master, "\003");
    printf("back %d\n", until(master, "ready> "));
    type(master, "echo status $?\n");
    printf("interrupted %d\n", until(master, "status 130"));
    until(master, "ready> ");
    type(master, "sleep 101\n");
    until(master, "\r\n");
    usleep(300000);
    type(master, "\032");
    printf("stopped %d\n", until(master, "ready> "));
    type(master, "jobs\n");
    printf("jobs %d\n", until(master, "sleep 101"));
    until(master, "ready> ");
    type(master, "kill -9 %1; wait; echo ended\n");
    printf("killed %d\n", until(master, "\nended"));
    until(master, "ready> ");
    type(master, "exit 5\n");
    ended("shell", child);
    close(master);
}

int main(int count, char **arguments)
{
    setbuf(stdout, NULL);
    if (count > 1) {
        shell(arguments[1]);
        return 0;
    }
    sides();
    control();
    return 0;
}
