/*
 * flow WRITERS RECORDS SIZE [ignore]
 *
 * Several writers, one pipe, one reader. Each writer is a child process that writes RECORDS records
 * of SIZE bytes; the parent takes out as many bytes as its standard input says.
 *
 * Manual pages: pipe(2), pipe(7), fork(2), signal(2), waitpid(2)
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_WRITERS = 26, MAX_SIZE = 1 << 20, EXIT_USAGE = 2 };

struct task {
    long records;
    size_t size;
    bool ignore; /* SIGPIPE */
};

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: flow WRITERS RECORDS SIZE [ignore], WRITERS up to %d, SIZE 2 to %d\n",
            MAX_WRITERS, MAX_SIZE);
    exit(EXIT_USAGE);
}

/* The decimal number at the beginning of a text; -1 unless it ends there and is in the range. */
static long number(const char *text, long min, long max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool whole = isdigit((unsigned char)*text) && *end == '\0' && errno == 0;
    return whole && value >= min && value <= max ? value : -1;
}

int main(int argc, char *argv[]) {
    if (argc != 4 && !(argc == 5 && strcmp(argv[4], "ignore") == 0))
        usage();
    long writers = number(argv[1], 1, MAX_WRITERS);
    struct task task = {.records = number(argv[2], 1, LONG_MAX), .ignore = argc == 5};
    long size = number(argv[3], 2, MAX_SIZE);
    if (writers == -1 || task.records == -1 || size == -1)
        usage();
    task.size = (size_t)size;
    (void)task; /* yours: pipe(), a fork() for each writer, then read what standard input says */
    errno = ENOSYS; /* in place of your part */
    die("flow: nothing is done yet");
}
