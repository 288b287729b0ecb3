/*
 * server PORT
 *
 * Answers every message with the same bytes in reverse order. A message is a length, four bytes in
 * network byte order, and that many bytes. The contract is in README.md.
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
    if (argc != 2) {
        fprintf(stderr, "usage: server PORT\n");
        return EXIT_USAGE;
    }
    uint16_t port = port_number(argv[1]);

    /*
     * Your part:
     * 1. a listening socket: socket(2), bind(2), listen(2), ip(7), htons(3); on which address?
     * 2. let clients in: accept(2);
     * 3. serve all of them at the same time: a thread or process for each, or poll(2);
     * 4. for each message: receive all of it, however many pieces it comes in; send all of the
     *    answer. What if the client goes in between? What if it says that 4 GB will come?
     */
    (void)port;
    errno = ENOSYS; /* in place of your part */
    die("server: nobody listens yet");
}
