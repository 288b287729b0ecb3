/*
 * server PATH
 *
 * Listens on a Unix socket and sends each client its own bytes back in upper case as they come. The
 * contract is in README.md.
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
        fprintf(stderr, "usage: server PATH\n");
        return EXIT_USAGE;
    }
    const char *path = argv[1];

    /*
     * Your part:
     * 1. a listening socket with the name PATH: socket(2), bind(2), listen(2), unix(7);
     *    what if the name is taken? which mode gets the file?
     * 2. let clients in: accept(2);
     * 3. serve all of them at the same time: poll(2), or a thread or process for each;
     * 4. remove the socket file when SIGTERM or SIGINT comes.
     */
    (void)path;
    errno = ENOSYS; /* in place of your part */
    die("server: nobody listens yet");
}
