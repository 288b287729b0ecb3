/*
 * server PORT FOLDER
 *
 * Serves the files of FOLDER over HTTP/1.0: a connection is one request and its answer. The
 * contract is in README.md.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static uint16_t port_number(const char *text) {
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || port < 1 || port > UINT16_MAX) {
        fprintf(stderr, "server: PORT is a number from 1 to 65535\n");
        exit(EXIT_USAGE);
    }
    return (uint16_t)port;
}

int main(int argc, char *argv[]) {
    if (argc != 3) {
        fprintf(stderr, "usage: server PORT FOLDER\n");
        return EXIT_USAGE;
    }
    uint16_t port = port_number(argv[1]);

    /*
     * Your part:
     * 1. a listening socket, and one client after the other: the exercise tcp has it;
     * 2. receive the request, in however many pieces, up to its empty line. What if none comes?
     * 3. which file is meant? %20, `..`, links that lead out, names of what is no file;
     * 4. the head of the answer, then the bytes of the file: any bytes, and all of them;
     * 5. end the connection so that the client has got everything.
     */
    (void)port;
    errno = ENOSYS; /* in place of your part */
    die("server: nobody listens yet");
}
