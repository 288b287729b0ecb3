/*
 * server PORT
 *
 * Numbers the lines that clients send, one in a datagram, prints each of them once, and answers
 * with the number. The contract is in README.md.
 *
 * Manual pages: udp(7), ip(7), socket(2), bind(2), recvfrom(2), sendto(2)
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
     * 1. a datagram socket on the port; on which address?
     * 2. for each datagram: is it a request? Is it new, the one that was answered last, or older?
     * 3. what must you know of each client to tell that?
     * 4. the answer goes to where the request came from.
     */
    (void)port;
    errno = ENOSYS; /* in place of your part */
    die("server: nobody is there yet");
}
