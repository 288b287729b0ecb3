/*
 * audit NAME
 *
 * Says how many increments the processes have done, how many of them the counter has seen, and how
 * many are lost. Looks only: it needs no permission to write.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PROCESSES = 8, EXIT_USAGE = 2 };

/* The layout that the brief fixes; nobody counts any more. */
struct tally {
    uint64_t value;
    uint64_t done[PROCESSES];
};
static_assert(sizeof(struct tally) == 72 && offsetof(struct tally, done) == 8, "layout");

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: audit NAME\n");
        return EXIT_USAGE;
    }
    const char *name = argv[1];

    /* Yours: find the object, see whether it can be a tally, map it to look only, add up. */
    (void)name;
    errno = ENOSYS; /* in place of your part */
    die("audit: nothing is looked at yet");
}
