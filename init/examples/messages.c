/* System V messages: a queue that outlives its users, and receiving by type. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

struct message {
    long type;
    char text[64];
};

static int queue;

static void send(long type, const char *text)
{
    struct message message = {.type = type};
    strcpy(message.text, text);
    if (msgsnd(queue, &message, strlen(text) + 1, 0) < 0)
        perror("msgsnd");
}

static void receive(const char *what, long type, int flags)
{
    struct message message;
    ssize_t size = msgrcv(queue, &message, sizeof message.text, type, flags);
    if (size < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: type %ld, %zd bytes, %s\n", what, message.type, size, message.text);
}

int main(void)
{
    queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    send(3, "three");
    send(1, "one");
    send(2, "two");
    send(1, "another one");

    struct msqid_ds about;
    msgctl(queue, IPC_STAT, &about);
    printf("in the queue: %lu\n", (unsigned long)about.msg_qnum);
    receive("first of all", 0, 0);
    receive("of type 1", 1, 0);
    receive("lowest up to 2", -2, 0);
    receive("of type 9", 9, IPC_NOWAIT);
    receive("the rest", 0, 0);

    fflush(stdout);
    if (fork() == 0) {
        receive("child waits", 5, 0);
        send(6, "answer");
        return 0;
    }
    send(5, "question");
    receive("parent", 6, 0);
    wait(NULL);

    char big[128];
    memset(big, 'x', sizeof big);
    *(long *)big = 1;
    msgsnd(queue, big, 100, 0);
    receive("too long", 1, 0);
    struct message cut;
    printf("cut off: %zd bytes\n", msgrcv(queue, &cut, sizeof cut.text, 1, MSG_NOERROR));
    msgctl(queue, IPC_RMID, NULL);
    receive("removed", 0, 0);
    return 0;
}
