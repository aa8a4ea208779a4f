/* Types to an interactive bash under a pseudo-terminal, and prints what a person would see. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROMPT "ready> "
/* Not where the line is drawn again, which begins with a carriage return. */
#define NEXT_PROMPT "\n" PROMPT
#define PATIENCE_MS 15000

static char seen[20000];
static int used;
static int master, shell;

/* Prints what was seen, with # for process ids. */
static void show(void)
{
    for (int i = 0; i < used; i++) {
        if (seen[i] < ' ' && seen[i] != '\n' && seen[i] != '\t')
            printf("<%02x>", seen[i]);
        else
            putchar(seen[i]);
        if (seen[i] == ']' && i + 2 < used && seen[i + 1] == ' ' && seen[i + 2] >= '0' && seen[i + 2] <= '9') {
            printf(" #");
            for (i += 2; i + 1 < used && seen[i + 1] >= '0' && seen[i + 1] <= '9'; i++)
                ;
        }
    }
    used = 0;
}

/* Reads until `text` came, or all until the other side is closed, without carriage returns; shows it. */
static void until(const char *text)
{
    struct pollfd one = {master, POLLIN, 0};
    for (;;) {
        seen[used] = 0;
        if (text && strstr(seen, text))
            break;
        if (poll(&one, 1, PATIENCE_MS) <= 0) {
            show();
            printf("\nno answer\n");
            kill(shell, SIGKILL);
            exit(1);
        }
        int length = read(master, seen + used, sizeof seen - used - 1);
        if (length <= 0)
            break;
        for (int from = used, i = 0; i < length; i++)
            if (seen[from + i] != '\r')
                seen[used++] = seen[from + i];
    }
    show();
}

static void type(const char *text)
{
    write(master, text, strlen(text));
}

static void line(const char *text)
{
    type(text);
    type("\r");
    until(NEXT_PROMPT);
}

/* Types `text` and, when the job that it starts has the terminal, `key`. */
static void control(const char *text, const char *key)
{
    type(text);
    type("\r");
    for (int tries = 0; tcgetpgrp(master) == shell && tries < 1000; tries++)
        usleep(10000);
    usleep(300000);
    type(key);
    until(NEXT_PROMPT);
}

int main(int count, char **arguments)
{
    setbuf(stdout, NULL);
    shell = forkpty(&master, NULL, NULL, NULL);
    if (shell == 0) {
        char *environment[] = {"PS1=" PROMPT, "TERM=dumb", "HOME=/", "PATH=/bin:/usr/bin:/sbin", "HISTFILE=", "LC_ALL=C", NULL};
        execle(arguments[1], "bash", "--norc", "--noprofile", "-i", (char *)NULL, environment);
        _exit(127);
    }
    until(PROMPT);
    line("echo $((6*7)) $-");
    control("sleep 100", "\003");
    line("echo $?");
    type("echo forgotten");
    until("forgotten");
    /* bash notices the key only once it waits for the next one. */
    usleep(300000);
    type("\003");
    until(NEXT_PROMPT);
    control("sleep 101", "\032");
    line("echo $?");
    line("jobs");
    control("fg", "\032");
    line("bg");
    line("jobs");
    line("kill %1; wait");
    line("sleep 0.5 &");
    line("wait; echo waited $?");
    line("echo one | cat | tr a-z A-Z");
    line("echo first");
    line("echo second");
    line("\033[A\033[A");
    line("echo wrong\001\033[C\033[C\033[C\033[C\033[C\013right");
    line("echo /proc/self/moun\ti\t");
    line("!!");
    line("trap 'echo trapped' INT");
    control("sleep 102", "\003");
    type("cat <<E\r");
    until("> ");
    type("inside\r");
    until("> ");
    line("E");
    line("read -e -p 'name? ' -t 5 name <<<tom; echo $name");
    line("(exit 3) || echo $?");
    control("sleep 103", "\032");
    line("exit");
    line("kill -9 %1; wait");
    type("exit 5\r");
    until(NULL);
    int status;
    waitpid(shell, &status, 0);
    printf("status %x\n", status);
    return 0;
}
