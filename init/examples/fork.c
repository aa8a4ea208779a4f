/* fork returns twice: the child has a copy of everything, and what it changes the parent does not see. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int global = 1;

int main(void)
{
    int local = 2;
    int *heap = malloc(sizeof *heap);
    *heap = 3;

    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        return 1;
    }
    if (pid == 0) {
        global += 10;
        local += 10;
        *heap += 10;
        printf("child:  fork returned 0, values %d %d %d\n", global, local, *heap);
        return 0;
    }
    wait(NULL);
    printf("parent: fork returned the child's pid (%s), values %d %d %d\n",
        pid != getpid() ? "not mine" : "mine?", global, local, *heap);
    free(heap);
    return 0;
}
