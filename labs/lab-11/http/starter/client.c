/*
 * client ADDRESS PORT TARGET
 *
 * Asks an HTTP server for TARGET, as HTTP/1.0, and prints the body of its answer. The contract is
 * in README.md.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr, "client: %s\nusage: client ADDRESS PORT TARGET\n", why);
    exit(EXIT_USAGE);
}

/* PORT as a number, in the byte order of this machine. */
static uint16_t port_number(const char *text) {
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || port < 1 || port > UINT16_MAX)
        usage("PORT is a number from 1 to 65535");
    return (uint16_t)port;
}

int main(int argc, char *argv[]) {
    if (argc != 4)
        usage("three arguments are needed");
    struct in_addr address;
    if (inet_pton(AF_INET, argv[1], &address) != 1)
        usage("ADDRESS is four numbers with dots between them");
    uint16_t port = port_number(argv[2]);

    /*
     * Your part:
     * 1. is TARGET one? It must not hold what would end the line that it stands in;
     * 2. a socket, connected to the address; the request, all of it;
     * 3. the head of the answer, up to its empty line, in however many pieces; what is its status?
     * 4. the body: where does it begin, and where does it end?
     */
    (void)address;
    (void)port;
    errno = ENOSYS; /* in place of your part */
    die("client: nothing is asked yet");
}
