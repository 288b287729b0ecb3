/*
 * writer PATH NAME
 *
 * Writes each line of its standard input into a FIFO, with NAME in front. The contract is in
 * README.md.
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
    if (argc != 3) {
        fprintf(stderr, "usage: writer PATH NAME\n");
        return EXIT_USAGE;
    }
    const char *path = argv[1];
    const char *name = argv[2];

    /*
     * Your part:
     * 1. open the FIFO for writing, without making it;
     * 2. write each line of standard input, with the name in front, by one write(2);
     * 3. what if there is no reader any more?
     */
    (void)path;
    (void)name;
    errno = ENOSYS; /* in place of your part */
    die("writer: nothing is written yet");
}
