/*
 * gauge CHUNK [CAPACITY]
 *
 * Measures the kernel's buffer of a pipe: how much it takes in pieces of CHUNK bytes, and how much
 * must come out of it before it takes more.
 *
 * Manual pages: pipe(2), pipe(7), fcntl(2) with F_GETPIPE_SZ and F_SETPIPE_SZ, write(2)
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_CHUNK = 1 << 20, EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: gauge CHUNK [CAPACITY], CHUNK from 1 to %d\n", MAX_CHUNK);
    exit(EXIT_USAGE);
}

static long number(const char *text, long max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 || value > max)
        usage();
    return value;
}

int main(int argc, char *argv[]) {
    if (argc != 2 && argc != 3)
        usage();
    size_t size = (size_t)number(argv[1], MAX_CHUNK);
    long capacity = argc == 3 ? number(argv[2], LONG_MAX) : 0;
    (void)size,
        (void)capacity; /* yours: pipe2(), fcntl(), write() until there is no room, read() */
    errno = ENOSYS;     /* in place of your part */
    die("gauge: nothing is done yet");
}
