/* Limits: of files' size, of descriptors, of memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void limit(int resource, rlim_t soft)
{
    struct rlimit both;
    getrlimit(resource, &both);
    both.rlim_cur = soft;
    setrlimit(resource, &both);
}

static void file_size(void)
{
    char block[1000] = "";
    int file = open("large", O_WRONLY | O_CREAT, 0600);
    limit(RLIMIT_FSIZE, 1500);
    printf("file: %zd\n", write(file, block, sizeof block));
    printf("file: %zd\n", write(file, block, sizeof block));
    fflush(stdout);
    printf("file: %zd\n", write(file, block, sizeof block));
}

static void descriptors(void)
{
    int last = -1, fd;
    limit(RLIMIT_NOFILE, 10);
    while ((fd = dup(0)) >= 0)
        last = fd;
    printf("descriptors: up to %d, then %s\n", last, strerror(errno));
}

static void memory(void)
{
    limit(RLIMIT_AS, 64 << 20);
    void *much = mmap(NULL, 256 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("memory: %s\n", much == MAP_FAILED ? strerror(errno) : "given");
}

int main(void)
{
    void (*works[])(void) = {file_size, descriptors, memory};
    for (int i = 0; i < 3; i++) {
        fflush(stdout);
        if (fork() == 0) {
            works[i]();
            fflush(stdout);
            _exit(0);
        }
        int status;
        wait(&status);
        if (WIFSIGNALED(status))
            printf("ended by %s\n", strsignal(WTERMSIG(status)));
    }
    unlink("large");
    return 0;
}
