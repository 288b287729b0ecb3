/*
 * client ADDRESS PORT
 *
 * Sends each line of standard input to a server as a message and prints the answer. A message is a
 * length, four bytes in network byte order, and that many bytes. The contract is in README.md.
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
    fprintf(stderr, "client: %s\nusage: client ADDRESS PORT\n", why);
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
    if (argc != 3)
        usage("two arguments are needed");
    struct in_addr address;
    if (inet_pton(AF_INET, argv[1], &address) != 1)
        usage("ADDRESS is four numbers with dots between them");
    uint16_t port = port_number(argv[2]);

    /*
     * Your part:
     * 1. a socket, connected to the address: socket(2), connect(2), ip(7), htons(3);
     * 2. for each line: send its length and its bytes, receive the answer, print it;
     * 3. what if send(2) or recv(2) do less than they were asked to?
     * 4. what if the server goes first?
     */
    (void)address;
    (void)port;
    errno = ENOSYS; /* in place of your part */
    die("client: nothing is sent yet");
}
