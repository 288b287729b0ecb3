/*
 * client PATH
 *
 * Copies standard input to the server at PATH, and what the server sends to standard output, both
 * at the same time. The contract is in README.md.
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
        fprintf(stderr, "usage: client PATH\n");
        return EXIT_USAGE;
    }
    const char *path = argv[1];

    /*
     * Your part:
     * 1. a socket, connected to PATH: socket(2), connect(2);
     * 2. both directions at once: poll(2), or a thread or process for each;
     * 3. at the end of standard input tell the server, and still take its answer: shutdown(2);
     * 4. what if the server goes first?
     */
    (void)path;
    errno = ENOSYS; /* in place of your part */
    die("client: nothing is sent yet");
}
