/* Files, directories, mappings, time: one line each, with nothing in it that differs between systems. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

int main(void)
{
    char name[] = "/tmp/files-XXXXXX", buffer[64] = "";
    show("mkdtemp", mkdtemp(name) != NULL);
    show("chdir", chdir(name));
    int fd = open("a", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    show("again", open("a", O_RDWR | O_CREAT | O_EXCL, 0640));
    struct iovec out[3] = {{"one ", 4}, {"", 0}, {"two\n", 4}};
    show("writev", writev(fd, out, 3));
    show("pwrite", pwrite(fd, "ONE", 3, 0));
    show("lseek", lseek(fd, 0, SEEK_SET));
    struct iovec in[2] = {{buffer, 3}, {buffer + 8, 20}};
    show("readv", readv(fd, in, 2));
    printf("%s|%s", buffer, buffer + 8);
    struct stat st;
    show("fstat", fstat(fd, &st));
    printf("mode %o, size %ld, links %d\n", st.st_mode, (long)st.st_size, (int)st.st_nlink);
    struct statx sx;
    show("statx", statx(AT_FDCWD, "a", 0, STATX_BASIC_STATS, &sx));
    printf("mode %o, size %ld, same %d\n", sx.stx_mode, (long)sx.stx_size, sx.stx_ino == st.st_ino);
    show("ftruncate", ftruncate(fd, 8192));
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memcpy(map + 5000, "mapped", 6);
    show("msync", msync(map, 8192, MS_SYNC));
    show("pread", pread(fd, buffer, 6, 5000));
    printf("%.6s, private %.3s\n", buffer, (char *)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    show("symlink", symlink("a", "b"));
    show("link", link("a", "c"));
    show("rename", rename("c", "d"));
    long length = readlink("b", buffer, sizeof buffer);
    printf("readlink: %.*s\n", (int)length, buffer);
    show("mkdir", mkdir("e", 0755));
    show("rmdir a", rmdir("a"));
    show("access", access("a", R_OK | W_OK));
    show("access none", access("none", F_OK));
    struct timespec times[2] = {{1000, 0}, {2000, 500}};
    show("utimensat", utimensat(AT_FDCWD, "a", times, 0));
    stat("a", &st);
    printf("times %ld %ld.%09ld\n", (long)st.st_atime, (long)st.st_mtime, st.st_mtim.tv_nsec);
    DIR *dir = opendir(".");
    int entries = 0;
    while (readdir(dir))
        entries++;
    closedir(dir);
    show("entries", entries);
    int ends[2];
    show("pipe2", pipe2(ends, O_NONBLOCK));
    show("empty", read(ends[0], buffer, 1));
    struct pollfd poll_for = {ends[0], POLLIN, 0};
    show("poll", poll(&poll_for, 1, 10));
    write(ends[1], "x", 1);
    show("poll", poll(&poll_for, 1, 1000));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval limit = {1, 0};
    show("select", select(ends[0] + 1, &set, NULL, NULL, &limit));
    show("isset", FD_ISSET(ends[0], &set) != 0);
    show("fcntl", fcntl(fd, F_GETFD));
    show("dup", fcntl(fd, F_DUPFD, 50));
    struct flock lock = {F_WRLCK, SEEK_SET, 0, 0, 0};
    show("lock", fcntl(fd, F_SETLK, &lock));
    show("isatty", isatty(fd));
    struct rlimit rlimit;
    show("getrlimit", getrlimit(RLIMIT_STACK, &rlimit));
    struct utsname uts;
    show("uname", uname(&uts));
    printf("%s %s\n", uts.sysname, uts.machine);
    struct timespec now, later;
    clock_gettime(CLOCK_MONOTONIC, &now);
    usleep(20000);
    clock_gettime(CLOCK_MONOTONIC, &later);
    long passed = (later.tv_sec - now.tv_sec) * 1000 + (later.tv_nsec - now.tv_nsec) / 1000000;
    show("slept", passed >= 20 && passed < 5000);
    char *heap = sbrk(0);
    show("brk", brk(heap + 100000));
    heap[99999] = 1;
    void *hole = mmap(NULL, 1L << 32, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    show("reserved", hole != MAP_FAILED);
    show("used", mprotect(hole, 4096, PROT_READ | PROT_WRITE));
    *(char *)hole = 1;
    char *moved = mremap(hole, 4096, 8192, MREMAP_MAYMOVE);
    show("mremap", moved != MAP_FAILED && *moved == 1);
    show("munmap", munmap(hole, 1L << 32));
    show("bad", open((char *)1, O_RDONLY));
    show("getcwd", strcmp(getcwd(buffer, sizeof buffer), name) == 0);
    show("dynamic", chdir("/") + system("exit 3"));
    return 0;
}
