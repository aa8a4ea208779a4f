/* fork, exec, wait, pipes between processes, System V IPC. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(int status)
{
    fflush(stdout);
    if (fork() == 0)
        _exit(status);
    int how;
    pid_t pid = wait(&how);
    printf("ended %d with %d\n", pid > 0, WEXITSTATUS(how));
}

static void killed(int signal)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    kill(pid, SIGSTOP);
    int how;
    waitpid(pid, &how, WUNTRACED);
    printf("stopped by %d\n", WSTOPSIG(how));
    kill(pid, SIGCONT);
    waitpid(pid, &how, WCONTINUED);
    printf("continued %d\n", WIFCONTINUED(how) != 0);
    kill(pid, signal);
    struct rusage usage;
    wait4(pid, &how, 0, &usage);
    printf("killed by %d\n", WTERMSIG(how));
}

static void pipeline(void)
{
    int ends[2];
    pipe(ends);
    fflush(stdout);
    if (fork() == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl("/linux/hello", "piped", "a", "b", (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    char text[100] = "";
    read(ends[0], text, sizeof text - 1);
    printf("read: %s", text);
    int how;
    wait(&how);
    printf("status %d\n", WEXITSTATUS(how));
}

static void spawned(void)
{
    extern char **environ;
    char *arguments[] = {"spawned", NULL};
    pid_t pid;
    fflush(stdout);
    int error = posix_spawn(&pid, "/linux/hello", NULL, NULL, arguments, environ);
    int how;
    waitpid(pid, &how, 0);
    printf("spawn %d, status %d\n", error, WEXITSTATUS(how));
}

static void interprocess(void)
{
    int queue = msgget(IPC_PRIVATE, 0600), set = semget(IPC_PRIVATE, 2, 0600);
    int segment = shmget(IPC_PRIVATE, 4096, 0600);
    char *memory = shmat(segment, NULL, 0);
    struct {
        long kind;
        char text[16];
    } message = {5, "message"};
    if (fork() == 0) {
        strcpy(memory, "shared");
        msgsnd(queue, &message, 8, 0);
        struct sembuf up = {1, 2, 0};
        semop(set, &up, 1);
        _exit(0);
    }
    struct sembuf down = {1, -2, 0};
    printf("semop %d\n", semop(set, &down, 1));
    memset(&message, 0, sizeof message);
    long got = msgrcv(queue, &message, 16, 0, 0);
    printf("msgrcv %ld %ld %s, memory %s\n", got, message.kind, message.text, memory);
    wait(NULL);
    unsigned short values[2] = {3, 4};
    semctl(set, 0, SETALL, values);
    values[1] = 0;
    semctl(set, 0, GETALL, values);
    printf("values %d %d\n", values[0], values[1]);
    msgctl(queue, IPC_RMID, NULL);
    semctl(set, 0, IPC_RMID);
    shmctl(segment, IPC_RMID, NULL);
    printf("shmdt %d, gone %d\n", shmdt(memory), msgctl(queue, IPC_STAT, (void *)values) == -1);
}

int main(void)
{
    child(0);
    child(42);
    killed(SIGTERM);
    pipeline();
    spawned();
    interprocess();
    execl("/linux/none", "none", (char *)NULL);
    printf("exec: %s\n", strerror(errno));
    printf("wait: %d %s\n", wait(NULL), strerror(errno));
    siginfo_t info;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(9);
    waitid(P_PID, pid, &info, WEXITED);
    printf("waitid: %d %d %d\n", info.si_code, info.si_status, info.si_pid == pid);
    printf("orphan: %d\n", getppid() != 0);
    return 0;
}
