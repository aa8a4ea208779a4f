/* Record locks: who has which bytes, and that they go with the process. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int lock(int file, int command, int type, off_t start, off_t length)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    int result = fcntl(file, command, &lock);
    if (command == F_GETLK)
        return lock.l_type == F_UNLCK ? 0 : (int)lock.l_start + 1000 * (lock.l_type == F_WRLCK);
    return result;
}

int main(void)
{
    int file = open("locked", O_RDWR | O_CREAT, 0600), ready[2];
    if (pipe(ready) < 0)
        return 1;
    lock(file, F_SETLK, F_WRLCK, 10, 10);
    lock(file, F_SETLK, F_RDLCK, 100, 0);
    fflush(stdout);
    if (fork() == 0) {
        printf("bytes 0-9: %d\n", lock(file, F_SETLK, F_WRLCK, 0, 10));
        printf("bytes 15-25: %d %s\n", lock(file, F_SETLK, F_WRLCK, 15, 10), strerror(errno));
        printf("in the way: %d\n", lock(file, F_GETLK, F_RDLCK, 15, 10));
        printf("both read from 200: %d\n", lock(file, F_SETLK, F_RDLCK, 200, 10));
        fflush(stdout);
        if (write(ready[1], "", 1) != 1)
            return 1;
        /* Waits until the parent gives it back. */
        printf("waited: %d\n", lock(file, F_SETLKW, F_WRLCK, 15, 1));
        return 0;
    }
    char letter;
    if (read(ready[0], &letter, 1) != 1)
        return 1;
    usleep(20000);
    lock(file, F_SETLK, F_UNLCK, 0, 0);
    wait(NULL);
    printf("the child's went with it: %d\n", lock(file, F_GETLK, F_WRLCK, 0, 0));
    unlink("locked");
    return 0;
}
