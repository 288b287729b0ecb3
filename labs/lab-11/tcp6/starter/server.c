/*
 * server PORT
 *
 * Tells each client the address and the port that it comes from, over IPv4 and over IPv6, with one
 * socket for both. The contract is in README.md.
 *
 * Manual pages: ipv6(7), socket(2), bind(2), listen(2), accept(2), setsockopt(2), getnameinfo(3)
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
     * 1. a listening socket for IPv6 that takes IPv4, too, on whichever host;
     * 2. for each client: where does it come from, and how is that written?
     * 3. what if it has gone before you tell it?
     */
    (void)port;
    errno = ENOSYS; /* in place of your part */
    die("server: nobody listens yet");
}
