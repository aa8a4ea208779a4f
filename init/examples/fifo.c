/* A FIFO is a pipe with a name: opening waits for the other side. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    if (mkfifo("named", 0600) < 0)
        perror("mkfifo");
    printf("writing without a reader: %d %s\n", open("named", O_WRONLY | O_NONBLOCK), strerror(errno));
    fflush(stdout);
    if (fork() == 0) {
        int out = open("named", O_WRONLY);
        dprintf(out, "through a name");
        return 0;
    }
    char text[32] = "";
    int in = open("named", O_RDONLY);
    ssize_t count = read(in, text, sizeof text - 1);
    printf("read %zd bytes: %s\n", count, text);
    wait(NULL);
    printf("then: %zd\n", read(in, text, 1));
    unlink("named");
    return 0;
}
