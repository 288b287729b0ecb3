/*
 * client ADDRESS PORT WAIT TRIES
 *
 * Sends each line of standard input to a server in a datagram of its own, and prints the number
 * that the server answers. When no answer comes within WAIT milliseconds it sends the same datagram
 * again, TRIES times in all. The contract is in README.md.
 *
 * Manual pages: udp(7), ip(7), socket(2), connect(2), send(2), recv(2), poll(2), clock_gettime(2),
 * getrandom(2)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_WAIT_MS = 60000, MAX_TRIES = 100, EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr, "client: %s\nusage: client ADDRESS PORT WAIT TRIES\n", why);
    exit(EXIT_USAGE);
}

static int number(const char *text, int max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < 1 || value > max)
        usage("PORT is a number up to 65535, WAIT up to 60000, TRIES up to 100");
    return (int)value;
}

int main(int argc, char *argv[]) {
    if (argc != 5)
        usage("four arguments are needed");
    struct in_addr address;
    if (inet_pton(AF_INET, argv[1], &address) != 1)
        usage("ADDRESS is four numbers with dots between them");
    int port = number(argv[2], UINT16_MAX);
    int wait_ms = number(argv[3], MAX_WAIT_MS);
    int tries = number(argv[4], MAX_TRIES);

    /*
     * Your part:
     * 1. a datagram socket that hears nobody but the server, and a name of this client;
     * 2. for each line: send it, and wait for its answer, but not for ever;
     * 3. which datagrams are the answer, and which are something else?
     * 4. what is sent again, and how often?
     */
    (void)address, (void)port, (void)wait_ms, (void)tries;
    errno = ENOSYS; /* in place of your part */
    die("client: nothing is sent yet");
}
