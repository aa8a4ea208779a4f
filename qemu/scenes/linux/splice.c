/* Moving bytes between pipes and files, flags of reads and writes, and paths that stay within a directory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static void rest(const char *what, int fd)
{
    char text[100] = "";
    ssize_t length = read(fd, text, sizeof text - 1);
    printf("%s: %zd %s\n", what, length, text);
}

static void pipes(void)
{
    int one[2], two[2], file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    loff_t at = 2, none = -1;
    pipe(one);
    pipe(two);
    write(file, "0123456789", 10);
    show("from file", splice(file, &at, one[1], NULL, 5, 0));
    printf("at %lld, offset %ld\n", (long long)at, lseek(file, 0, SEEK_CUR));
    show("tee", tee(one[0], two[1], 3, 0));
    rest("copied", two[0]);
    show("pipe to pipe", splice(one[0], NULL, two[1], NULL, 2, 0));
    rest("moved", two[0]);
    at = 8;
    show("to file", splice(one[0], NULL, file, &at, 100, 0));
    printf("at %lld\n", (long long)at);
    lseek(file, 0, SEEK_SET);
    rest("file", file);
    show("at the end", splice(file, NULL, one[1], NULL, 5, 0));
    show("nothing", splice(one[0], NULL, file, NULL, 5, SPLICE_F_NONBLOCK));
    show("nothing", tee(one[0], two[1], 5, SPLICE_F_NONBLOCK));
    show("empty", splice(99, NULL, 98, NULL, 0, 77));
    show("flags", splice(one[0], NULL, file, NULL, 1, 16));
    show("files", splice(file, NULL, file, NULL, 1, 0));
    show("closed", splice(99, NULL, one[1], NULL, 1, 0));
    show("wrong end", splice(one[1], NULL, file, NULL, 1, 0));
    show("wrong end", splice(file, NULL, one[0], NULL, 1, 0));
    show("same", splice(one[0], NULL, one[1], NULL, 1, 0));
    show("offset", splice(one[0], &at, two[1], NULL, 1, 0));
    show("offset", splice(one[0], &at, file, NULL, 1, 0));
    show("offset", splice(file, &none, one[1], NULL, 1, 0));
    show("address", splice(file, (loff_t *)8, one[1], NULL, 1, 0));
    show("tee files", tee(file, one[1], 1, 0));
    show("tee itself", tee(one[0], one[1], 1, 0));
    show("tee nothing", tee(one[0], two[1], 0, 0));
    int added = open("file", O_WRONLY | O_APPEND);
    at = 0;
    write(one[1], "xyz", 3);
    show("append", splice(one[0], NULL, added, &at, 3, 0));
    rest("kept", one[0]);
    lseek(file, 0, SEEK_SET);
    fflush(stdout);
    if (fork() == 0) {
        usleep(20000);
        write(one[1], "late", 4);
        _exit(0);
    }
    show("waited", splice(one[0], NULL, file, NULL, 100, 0));
    wait(NULL);
    printf("offset %ld\n", lseek(file, 0, SEEK_CUR));
    struct iovec pieces[2] = {{"ab", 2}, {"cde", 3}};
    show("vmsplice", vmsplice(one[1], pieces, 2, 0));
    rest("pieces", one[0]);
    show("vmsplice", vmsplice(file, pieces, 2, 0));
    show("vmsplice", vmsplice(one[1], pieces, 2, 16));
    close(one[1]);
    show("no writer", splice(one[0], NULL, file, NULL, 5, 0));
    ftruncate(file, 200000);
    lseek(file, 0, SEEK_SET);
    show("long", splice(file, NULL, two[1], NULL, 200000, 0));
    show("full", splice(file, NULL, two[1], NULL, 200000, SPLICE_F_NONBLOCK));
    show("long", splice(two[0], NULL, file, NULL, 200000, 0));
}

static void flags(void)
{
    char text[20] = "";
    int fd = open("flags", O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
    struct iovec piece = {"hello", 5}, room = {text, 10};
    pipe(ends);
    show("plain", pwritev2(fd, &piece, 1, 0, 0));
    show("append", pwritev2(fd, &piece, 1, 0, RWF_APPEND));
    show("append here", pwritev2(fd, &piece, 1, -1, RWF_APPEND));
    printf("offset %ld\n", lseek(fd, 0, SEEK_CUR));
    show("sync", pwritev2(fd, &piece, 1, 3, RWF_SYNC | RWF_DSYNC));
    show("hipri", preadv2(fd, &room, 1, 0, RWF_HIPRI));
    puts(text);
    show("read append", preadv2(fd, &room, 1, 0, RWF_APPEND));
    show("unknown", preadv2(fd, &room, 1, 0, 0x4000));
    show("nowait pipe", preadv2(ends[0], &room, 1, -1, RWF_NOWAIT));
    show("pipe", preadv2(ends[0], &room, 1, 0, 0));
    show("offset", preadv2(fd, &room, 1, -2, 0));
    show("range", sync_file_range(fd, 0, 5, SYNC_FILE_RANGE_WRITE));
    show("range", sync_file_range(fd, 0, 5, 8));
    show("range", sync_file_range(fd, -1, 5, 0));
    show("range", sync_file_range(ends[0], 0, 5, 0));
    show("range", sync_file_range(99, 0, 5, 0));
    show("syncfs", syncfs(fd));
    show("syncfs", syncfs(99));
    show("ahead", readahead(fd, 0, 5));
    show("ahead", readahead(ends[0], 0, 5));
    show("ahead", readahead(99, 0, 5));
    show("advice", posix_fadvise(fd, 0, 5, POSIX_FADV_WILLNEED));
    show("advice", posix_fadvise(fd, 0, 5, 6));
    show("advice", posix_fadvise(fd, 0, -5, POSIX_FADV_NORMAL));
    show("advice", posix_fadvise(ends[0], 0, 5, POSIX_FADV_NORMAL));
    show("advice", posix_fadvise(99, 0, 5, POSIX_FADV_NORMAL));
    show("lease", fcntl(ends[0], F_SETLEASE, F_RDLCK));
    int copy = dup(fd);
    show("unshare", close_range(copy, copy, CLOSE_RANGE_UNSHARE));
    show("closed", fcntl(copy, F_GETFD));
    show("range flags", close_range(copy, copy, 1));
    int sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
    ftruncate(sealed, 4096);
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, sealed, 0);
    show("busy", fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE));
    munmap(shared, 4096);
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, sealed, 0);
    show("sealed", fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE));
    symlink("/proc/self/exe", "link");
    char *arguments[] = {"link", NULL};
    show("link", syscall(SYS_execveat, AT_FDCWD, "link", arguments, NULL, AT_SYMLINK_NOFOLLOW));
    show("flags", syscall(SYS_execveat, AT_FDCWD, "link", arguments, NULL, 1));
}

static long within(int directory, const char *path, unsigned long flags, unsigned long resolve)
{
    struct open_how how = {flags, flags & O_CREAT ? 0600 : 0, resolve};
    long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

static void paths(void)
{
    mkdir("top", 0700);
    mkdir("top/in", 0700);
    close(open("top/file", O_CREAT | O_RDWR, 0600));
    close(open("out", O_CREAT | O_RDWR, 0600));
    symlink("file", "top/link");
    symlink("in", "top/turn");
    symlink("../out", "top/up");
    symlink("/proc/version", "top/whole");
    symlink("/proc/self/fd/0", "top/magic");
    int top = open("top", O_PATH | O_DIRECTORY);
    static const struct { const char *name; unsigned long resolve; } how[] = {
        {"no_xdev", RESOLVE_NO_XDEV}, {"no_magic", RESOLVE_NO_MAGICLINKS}, {"no_symlinks", RESOLVE_NO_SYMLINKS},
        {"beneath", RESOLVE_BENEATH}, {"in_root", RESOLVE_IN_ROOT}};
    static const char *path[] = {"file", "link", "turn/../file", "up", "../out", "in/../../out", "/file", "whole",
        "in/..", "..", ".", "/proc/version", "magic"};
    for (int i = 0; i < 5; i++) {
        printf("%s:", how[i].name);
        for (int j = 0; j < 13; j++)
            printf(" %d", within(top, path[j], O_RDONLY, how[i].resolve) ? errno : 0);
        puts("");
    }
    show("keep", within(top, "link", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS));
    show("create", within(top, "in/new", O_CREAT | O_RDWR, RESOLVE_BENEATH));
    show("create", within(top, "../new", O_CREAT | O_RDWR, RESOLVE_IN_ROOT));
    show("there", access("top/new", F_OK));
    show("cached", within(top, "file", O_RDONLY, RESOLVE_CACHED));
    show("cached", within(top, "file", O_RDWR | O_CREAT, RESOLVE_CACHED));
    show("both", within(top, "file", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
    show("resolve", within(top, "file", O_RDONLY, 64));
    show("flags", within(top, "file", 1 << 30, 0));
    show("path", within(top, "file", O_PATH | O_RDWR, 0));
    struct open_how mode = {O_RDONLY, 0600, 0}, bits = {O_CREAT, 010000, 0};
    struct { struct open_how how; long more; } longer = {{O_RDONLY, 0, 0}, 0};
    show("mode", syscall(SYS_openat2, top, "file", &mode, sizeof mode));
    show("mode", syscall(SYS_openat2, top, "file", &bits, sizeof bits));
    show("small", syscall(SYS_openat2, top, "file", &mode, 8));
    show("longer", syscall(SYS_openat2, top, "file", &longer, sizeof longer) >= 0 ? 0 : -1);
    longer.more = 1;
    show("longer", syscall(SYS_openat2, top, "file", &longer, sizeof longer));
    show("nowhere", syscall(SYS_openat2, top, "file", (void *)8, sizeof mode));
}

static void others(void)
{
    char here[] = "mine", there[8] = "";
    int ends[2];
    pipe(ends);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        strcpy(here, "its!");
        write(ends[1], "", 1);
        pause();
    }
    read(ends[0], there, 1);
    struct iovec local[2] = {{there, 2}, {there + 2, 3}}, remote = {here, 5}, nothing = {(void *)8, 4};
    show("read", process_vm_readv(child, local, 2, &remote, 1, 0));
    puts(there);
    strcpy(there, "new!");
    show("write", process_vm_writev(child, local, 2, &remote, 1, 0));
    memset(there, 0, sizeof there);
    show("read", process_vm_readv(child, local, 2, &remote, 1, 0));
    puts(there);
    show("nothing", process_vm_readv(child, local, 2, &nothing, 1, 0));
    show("nobody", process_vm_readv(99999, local, 2, &remote, 1, 0));
    show("flags", process_vm_readv(child, local, 2, &remote, 1, 1));
    if (fork() == 0) {
        if (setuid(1000))
            exit(1);
        show("stranger", process_vm_readv(child, local, 2, &remote, 1, 0));
        exit(0);
    }
    waitpid(-1, NULL, 0);
    kill(child, 9);
    wait(NULL);
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    switch (count > 1 ? arguments[1][0] : 0) {
    case 's': pipes(); break;
    case 'f': flags(); break;
    case 'p': paths(); break;
    case 'o': others(); break;
    }
    return 0;
}
