/*
 * writer NAME SIZE MESSAGE
 *
 * Makes a POSIX shared memory object, leaves MESSAGE in it, waits until a reader has taken it, and
 * unlinks the object: also when SIGTERM or SIGINT ends the wait.
 *
 * Manual pages: shm_overview(7), shm_open(3), ftruncate(2), posix_fallocate(3), mmap(2),
 * sigtimedwait(2)
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };
enum { NOTHING, THERE, TAKEN }; /* the states of a note; a new object is all zeros: NOTHING */

/* The layout that the brief fixes. Another program was compiled from another text of it. */
struct note {
    _Atomic uint32_t state;
    uint32_t length;
    char text[];
};
static_assert(offsetof(struct note, length) == 4 && offsetof(struct note, text) == 8, "layout");

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr, "writer: %s\nusage: writer NAME SIZE MESSAGE\n", why);
    exit(EXIT_USAGE);
}

/* A number from 1 to max, decimal or after 0x. */
static unsigned long number(const char *text, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 || value > max)
        usage("SIZE is a number above zero");
    return value;
}

int main(int argc, char *argv[]) {
    if (argc != 4)
        usage("three arguments are needed");
    const char *name = argv[1], *message = argv[3];
    size_t size = number(argv[2], INT_MAX);

    /*
     * Yours, in the order of the brief:
     *   refuse a MESSAGE that does not fit;
     *   make the object, give it its size and its memory, map it, close the descriptor;
     *   leave the message, its state last, and say that you are ready;
     *   wait until it is taken, and neither burn the CPU nor miss a signal meanwhile;
     *   unlink the object, say that you are done.
     */
    (void)name;
    (void)size;
    (void)message;
    errno = ENOSYS; /* in place of your part */
    die("writer: no object is made yet");
}
