/*
 * copy BLOCK BUFFERS COUNT
 *
 * Seconds that COUNT times memcpy() of a block takes, into buffers in turn: what the bandwidth
 * exercise's reference is held against. Nothing is verified, and nobody else is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE = 64, SHIFTS = 61, PAGE = 4096 };

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void copy(char *to, const char *from, size_t block, size_t buffers, size_t count) {
    for (size_t i = 0; i < count; i++)
        memcpy(to + i % buffers * block, from + i % SHIFTS * LINE, block);
}

int main(int argc, char *argv[]) {
    if (argc != 4)
        return 2;
    size_t block = strtoul(argv[1], NULL, 10), buffers = strtoul(argv[2], NULL, 10);
    char *from = aligned_alloc(PAGE, block + PAGE),
         *to = aligned_alloc(PAGE, block * buffers + PAGE);
    if (from == NULL || to == NULL)
        return 1;
    memset(from, 1, block + PAGE);
    copy(to, from, block, buffers, buffers);
    double began = now_s();
    copy(to, from, block, buffers, strtoul(argv[3], NULL, 10));
    printf("%.9f\n", now_s() - began);
    return 0;
}
