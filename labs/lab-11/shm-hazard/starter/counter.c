/*
 * counter NAME WHO TIMES | counter NAME WHO steps
 *
 * Counts in shared memory without any protection: TIMES times as fast as it can, or step by step,
 * as its standard input says.
 *
 * Manual pages: shm_open(3), ftruncate(2), mmap(2); atomic_load() and atomic_store() are in
 * <stdatomic.h>
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

enum { PROCESSES = 8, EXIT_USAGE = 2 };

/* The layout that the brief fixes. */
struct tally {
    _Atomic uint64_t value;
    _Atomic uint64_t done[PROCESSES];
};
static_assert(sizeof(struct tally) == 72 && offsetof(struct tally, done) == 8, "layout");

/* Says which call failed and why, and ends the program. */
static noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static noreturn void usage(const char *why) {
    fprintf(stderr, "counter: %s\nusage: counter NAME WHO TIMES | counter NAME WHO steps\n", why);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text, unsigned long min, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < min || value > max)
        usage("WHO is a number from 0 to 7, TIMES one above zero");
    return value;
}

int main(int argc, char *argv[]) {
    if (argc != 4)
        usage("three arguments are needed");
    const char *name = argv[1];
    unsigned long who = number(argv[2], 0, PROCESSES - 1);
    bool steps = strcmp(argv[3], "steps") == 0;
    unsigned long times = steps ? 0 : number(argv[3], 1, ULONG_MAX);

    /*
     * Yours:
     *   open the object, or make it, and map it;
     *   count, each time with a load and a store, or do the steps that standard input asks for.
     */
    (void)name, (void)who, (void)steps, (void)times;
    errno = ENOSYS; /* in place of your part */
    die("counter: nothing is counted yet");
}
