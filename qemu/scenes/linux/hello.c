/* The C library's start, its buffers and its floating point. */
#include <stdio.h>

int main(int argc, char **argv)
{
    printf("%s has %d arguments, half of them are %.1f\n", argv[0], argc - 1, (argc - 1) / 2.0);
    return argc;
}
