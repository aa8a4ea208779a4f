/* Locks, files without a name, holes, and transfers of many pieces. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[300000];

static void show(const char *what, long value)
{
    printf("%s: %ld%s%s\n", what, value, value < 0 ? " " : "", value < 0 ? strerror(errno) : "");
}

static long size(int fd)
{
    struct stat st;
    fstat(fd, &st);
    return st.st_size;
}

static int record(int fd, int command, int type)
{
    struct flock lock = {type, SEEK_SET, 0, 10, 0};
    int result = fcntl(fd, command, &lock);
    if (result == 0 && (command == F_OFD_GETLK || command == F_GETLK))
        printf("  type %d, pid %d\n", lock.l_type, lock.l_pid > 0 ? 1 : lock.l_pid);
    return result;
}

static void locks(void)
{
    int one = open("lock", O_RDWR | O_CREAT, 0600), two = open("lock", O_RDWR), three = dup(one);
    show("shared", flock(one, LOCK_SH));
    show("shared", flock(two, LOCK_SH));
    show("alone", flock(one, LOCK_EX | LOCK_NB));
    show("lost", flock(two, LOCK_EX | LOCK_NB));
    show("same", flock(two, LOCK_EX));
    show("other", flock(three, LOCK_SH | LOCK_NB));
    show("record", record(one, F_SETLK, F_WRLCK));
    if (fork() == 0) {
        usleep(20000);
        flock(two, LOCK_UN);
        _exit(0);
    }
    show("waited", flock(three, LOCK_EX));
    wait(NULL);
    close(one);
    show("kept", flock(two, LOCK_EX | LOCK_NB));
    close(three);
    show("free", flock(two, LOCK_EX | LOCK_NB));
    show("bad", flock(two, 3));
    show("closed", flock(99, LOCK_EX));
    one = open("lock", O_RDWR);
    show("own", record(one, F_OFD_SETLK, F_WRLCK));
    show("theirs", record(two, F_OFD_SETLK, F_RDLCK));
    show("who", record(two, F_OFD_GETLK, F_RDLCK));
    show("who", record(two, F_GETLK, F_RDLCK));
    close(one);
    show("free", record(two, F_OFD_SETLK, F_RDLCK));
    close(two);
}

static void unnamed(void)
{
    char text[64] = "", path[64];
    int fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    show("write", write(fd, "hello", 5));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    readlink(path, text, sizeof text);
    puts(text);
    struct stat st;
    fstat(fd, &st);
    printf("mode %o, links %d, cloexec %d\n", st.st_mode, (int)st.st_nlink, fcntl(fd, F_GETFD));
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[0] = 'J';
    pread(fd, text, 5, 0);
    printf("%.5s\n", text);
    munmap(map, 4096);
    int again = open(path, O_RDWR);
    show("again", read(again, text, 10));
    close(again);
    show("seals", fcntl(fd, F_GET_SEALS));
    show("add", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    show("shrink", ftruncate(fd, 1));
    show("grow", ftruncate(fd, 100));
    show("append", pwrite(fd, "x", 1, 5));
    show("inside", pwrite(fd, "x", 1, 4));
    show("add", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
    show("inside", pwrite(fd, "x", 1, 4));
    show("map", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    show("map", mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    show("private", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    show("add", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    show("seals", fcntl(fd, F_GET_SEALS));
    close(fd);
    fd = memfd_create("", 0);
    show("seals", fcntl(fd, F_GET_SEALS));
    show("flags", memfd_create("x", 0x100));
    memset(buffer, 'n', 300);
    show("long", memfd_create(buffer, 0));
    close(fd);

    fd = open(".", O_TMPFILE | O_RDWR, 0640);
    show("tmpfile", fd < 0 ? -1 : 0);
    write(fd, "secret", 6);
    fstat(fd, &st);
    printf("mode %o, links %d\n", st.st_mode, (int)st.st_nlink);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    show("link", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    fstat(fd, &st);
    printf("links %d\n", (int)st.st_nlink);
    close(fd);
    fd = open("named", O_RDONLY);
    show("read", read(fd, text, 10));
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    show("excl", linkat(AT_FDCWD, path, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW));
    close(fd);
    show("read only", open(".", O_TMPFILE | O_RDONLY, 0600));
    show("no directory", open("named", O_TMPFILE | O_RDWR, 0600));
}

static void space(void)
{
    char text[10];
    int fd = open("space", O_RDWR | O_CREAT, 0600), ends[2];
    show("allocate", fallocate(fd, 0, 0, 10000));
    show("size", size(fd));
    show("keep", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
    show("size", size(fd));
    memset(buffer, 'x', 10000);
    pwrite(fd, buffer, 10000, 0);
    show("hole", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 9000));
    pread(fd, text, 10, 5);
    printf("%d %d ", text[4], text[5]);
    pread(fd, text, 10, 9005);
    printf("%d %d\n", text[4], text[5]);
    show("no keep", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 10, 10));
    show("nothing", fallocate(fd, 0, 0, 0));
    show("negative", fallocate(fd, 0, -1, 10));
    pipe(ends);
    show("pipe", fallocate(ends[1], 0, 0, 10));
    show("reader", fallocate(ends[0], 0, 0, 10));
    show("posix", posix_fallocate(fd, 0, 30000));
    show("size", size(fd));
    close(fd);
}

static void pieces(void)
{
    int fd = open("pieces", O_RDWR | O_CREAT, 0600), to = open("to", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < (int)sizeof buffer; i++)
        buffer[i] = i % 127;
    struct iovec list[3] = {{buffer, 100000}, {buffer + 100000, 0}, {buffer + 100000, 200000}};
    show("writev", writev(fd, list, 3));
    memset(buffer, 0, sizeof buffer);
    show("preadv", preadv(fd, list, 3, 0));
    int wrong = 0;
    for (int i = 0; i < (int)sizeof buffer; i++)
        wrong += buffer[i] != i % 127;
    show("wrong", wrong);
    show("end", preadv(fd, list, 3, 250000));
    show("pwritev", pwritev(fd, list, 1, 300000));
    show("size", size(fd));
    show("flags", preadv2(fd, list, 1, 0, 0x100));
    lseek(fd, 0, SEEK_SET);
    show("here", preadv2(fd, list, 1, -1, 0));
    show("where", lseek(fd, 0, SEEK_CUR));
    off_t at = 0;
    show("sendfile", sendfile(to, fd, &at, 1000000));
    show("at", at);
    show("sendfile", sendfile(to, fd, NULL, 1000000));
    show("where", lseek(fd, 0, SEEK_CUR));
    show("size", size(to));
    loff_t from = 10, target = 5;
    show("copy", copy_file_range(fd, &from, to, &target, 150000, 0));
    printf("%ld %ld\n", (long)from, (long)target);
    target = 15;
    show("onto", copy_file_range(to, &from, to, &target, 1000000, 0));
    show("bad", write(fd, (void *)8, 1 << 30));
    show("bad", pwrite(fd, (void *)8, 1 << 30, 0));
    show("size", size(fd));
    close(fd);
    close(to);
}

int main(void)
{
    char name[] = "/dev/shm/descriptors-XXXXXX";
    setbuf(stdout, NULL);
    umask(022);
    mkdtemp(name);
    chdir(name);
    locks();
    unnamed();
    space();
    pieces();
    unlink("lock");
    unlink("named");
    unlink("space");
    unlink("pieces");
    unlink("to");
    show("empty", rmdir(name));
    return 0;
}
