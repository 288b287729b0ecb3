/*
 * reader PATH
 *
 * Makes a FIFO, prints the lines of all its writers as they come and at the end how many there
 * were, and removes the FIFO. The contract is in README.md.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: reader PATH\n");
        return EXIT_USAGE;
    }
    const char *path = argv[1];

    /*
     * Your part:
     * 1. make the FIFO: mkfifo(3);
     * 2. open it: what does open() wait for?
     * 3. read lines and print them, until end of file: when does that come?
     * 4. remove the FIFO, print the count.
     * And what if SIGTERM comes in between?
     */
    (void)path;
    errno = ENOSYS; /* in place of your part */
    die("reader: no FIFO is made yet");
}
