/*
 * reader NAME
 *
 * Prints the message that a writer left in a POSIX shared memory object, and says in the object
 * that it has been taken.
 *
 * Manual pages: shm_overview(7), shm_open(3), fstat(2), mmap(2)
 */
#include <assert.h>
#include <errno.h>
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

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: reader NAME\n");
        return EXIT_USAGE;
    }
    const char *name = argv[1];

    /*
     * Yours, in the order of the brief:
     *   find the object, ask for its size, map it, close the descriptor;
     *   believe nothing that it says before you have tested it;
     *   print the message;
     *   say that it is taken.
     */
    (void)name;
    errno = ENOSYS; /* in place of your part */
    die("reader: no object is opened yet");
}
