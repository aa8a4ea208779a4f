/* The image that AT_SYSINFO_EHDR tells of: its functions by name and version, and that its clocks say what
 * the system calls say. */
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static char *base;
static Elf64_Sym *symbols;
static char *strings;
static Elf64_Half *versions;
static Elf64_Verdef *definitions;
static unsigned count;

static void read_image(void)
{
    base = (char *)getauxval(AT_SYSINFO_EHDR);
    Elf64_Ehdr *header = (Elf64_Ehdr *)base;
    Elf64_Phdr *part = (Elf64_Phdr *)(base + header->e_phoff);
    printf("image: %d, type %d, machine %d\n", memcmp(base, ELFMAG, SELFMAG) == 0, header->e_type, header->e_machine);
    for (int index = 0; index < header->e_phnum; index++) {
        if (part[index].p_type != PT_DYNAMIC)
            continue;
        for (Elf64_Dyn *entry = (Elf64_Dyn *)(base + part[index].p_vaddr); entry->d_tag; entry++) {
            char *place = base + entry->d_un.d_ptr;
            if (entry->d_tag == DT_SYMTAB) symbols = (Elf64_Sym *)place;
            if (entry->d_tag == DT_STRTAB) strings = place;
            if (entry->d_tag == DT_HASH) count = ((unsigned *)place)[1];
            if (entry->d_tag == DT_VERSYM) versions = (Elf64_Half *)place;
            if (entry->d_tag == DT_VERDEF) definitions = (Elf64_Verdef *)place;
        }
    }
}

static const char *version_name(int number)
{
    Elf64_Verdef *at = definitions;
    for (;;) {
        if (at->vd_ndx == (number & 0x7fff))
            return strings + ((Elf64_Verdaux *)((char *)at + at->vd_aux))->vda_name;
        if (at->vd_next == 0)
            return "none";
        at = (Elf64_Verdef *)((char *)at + at->vd_next);
    }
}

static void *find(const char *name)
{
    for (unsigned index = 0; index < count; index++) {
        if (strcmp(strings + symbols[index].st_name, name) == 0 && symbols[index].st_shndx != 0) {
            printf("%s: %s\n", name, version_name(versions[index]));
            return base + symbols[index].st_value;
        }
    }
    printf("%s: missing\n", name);
    return 0;
}

static long long between(struct timespec a, struct timespec b)
{
    return (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec;
}

static void compare(int (*function)(int, struct timespec *), int clock, const char *name)
{
    struct timespec before, own, after;
    long first = syscall(SYS_clock_gettime, clock, &before);
    int result = function(clock, &own);
    syscall(SYS_clock_gettime, clock, &after);
    printf("%s: %ld %d, in order %d\n", name, first, result, between(before, own) >= 0 && between(own, after) >= 0);
}

int main(void)
{
    read_image();
    int (*clock)(int, struct timespec *) = find("__kernel_clock_gettime");
    int (*day)(struct timeval *, void *) = find("__kernel_gettimeofday");
    int (*resolution)(int, struct timespec *) = find("__kernel_clock_getres");
    unsigned *end = find("__kernel_rt_sigreturn");
    printf("return: %x %x\n", end[0], end[1]);
    for (int round = 0; round < 2; round++) {
        compare(clock, CLOCK_REALTIME, "real");
        compare(clock, CLOCK_MONOTONIC, "monotonic");
        compare(clock, CLOCK_BOOTTIME, "boot");
        compare(clock, CLOCK_MONOTONIC_RAW, "raw");
        compare(clock, CLOCK_PROCESS_CPUTIME_ID, "processor");
    }
    struct timespec time;
    struct timeval now;
    printf("no such clock: %d %d\n", clock(15, &time), clock(-1000, &time));
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &time);
    int result = day(&now, 0);
    long long passed = (now.tv_sec - time.tv_sec) * 1000000LL + now.tv_usec - time.tv_nsec / 1000;
    printf("day: %d, in order %d, near %d\n", result, passed >= 0, passed < 10000000);
    printf("resolution: %d, below a second %d\n", resolution(CLOCK_MONOTONIC, &time), time.tv_sec == 0 && time.tv_nsec > 0);
    return 0;
}
