/*
 * gauge CHUNK [CAPACITY]
 *
 * Measures the kernel's buffer of a pipe: how much it takes in pieces of CHUNK bytes, and how much
 * must come out of it before it takes more.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READING, WRITING, MAX_CHUNK = 1 << 20, EXIT_USAGE = 2 };

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

/* How much of the chunk the pipe took; 0 when it has no room: a writer that may block would sleep.
 */
static size_t put(int end, const char *chunk, size_t size) {
    ssize_t taken = write(end, chunk, size);
    if (taken == -1 && errno != EAGAIN)
        die("gauge: write");
    return taken == -1 ? 0 : (size_t)taken;
}

static void fill(int end, const char *chunk, size_t size) {
    unsigned long writes = 0, bytes = 0;
    size_t taken;
    while ((taken = put(end, chunk, size)) > 0) {
        writes++;
        bytes += taken;
    }
    printf("writes %lu\nbytes %lu\n", writes, bytes);
}

/* Takes out byte after byte until there is room again. */
static void make_room(const int ends[2], const char *chunk, size_t size) {
    unsigned long freed = 0;
    do {
        char byte;
        if (read(ends[READING], &byte, 1) != 1)
            die("gauge: read");
        freed++;
    } while (put(ends[WRITING], chunk, size) == 0);
    printf("freed %lu\n", freed);
}

static void set_capacity(int end, long capacity) {
    if (capacity > INT_MAX)
        errno = EINVAL; /* more than the kernel can be asked for */
    if (capacity > INT_MAX || fcntl(end, F_SETPIPE_SZ, (int)capacity) == -1)
        die("gauge: F_SETPIPE_SZ");
}

static void show_capacity(int end) {
    int capacity = fcntl(end, F_GETPIPE_SZ); /* what we got, which may be more than we asked for */
    if (capacity == -1)
        die("gauge: F_GETPIPE_SZ");
    printf("capacity %d\n", capacity);
}

/* The pipe lives as long as we do: whoever wants to look at it has time until our input ends. */
static void wait_for_end_of_input(void) {
    char ignored[64];
    ssize_t got;
    while ((got = read(STDIN_FILENO, ignored, sizeof ignored)) > 0)
        continue;
    if (got == -1)
        die("gauge: standard input");
}

int main(int argc, char *argv[]) {
    int ends[2];
    if (argc != 2 && argc != 3)
        usage();
    size_t size = (size_t)number(argv[1], MAX_CHUNK);
    long capacity = argc == 3 ? number(argv[2], LONG_MAX) : 0;

    char *chunk = calloc(size, 1);
    if (chunk == NULL)
        die("gauge: calloc");
    if (pipe2(ends, O_NONBLOCK) == -1)
        die("gauge: pipe2");
    if (capacity > 0)
        set_capacity(ends[WRITING], capacity);
    show_capacity(ends[WRITING]);
    fill(ends[WRITING], chunk, size);
    make_room(ends, chunk, size);
    if (fflush(stdout) == EOF)
        die("gauge: standard output");
    wait_for_end_of_input();
    free(chunk);
    return EXIT_SUCCESS;
}
