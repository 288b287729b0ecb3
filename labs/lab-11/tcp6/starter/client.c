/*
 * client HOST PORT
 *
 * Connects to the first address of HOST where somebody listens, whether it is one of IPv4 or of
 * IPv6, says which, and prints what the server sends. The contract is in README.md.
 *
 * Manual pages: getaddrinfo(3), getnameinfo(3), gai_strerror(3), socket(2), connect(2), recv(2)
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

static void usage(const char *why) {
    fprintf(stderr, "client: %s\nusage: client HOST PORT\n", why);
    exit(EXIT_USAGE);
}

static void check_port(const char *text) {
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || port < 1 || port > UINT16_MAX)
        usage("PORT is a number from 1 to 65535");
}

int main(int argc, char *argv[]) {
    if (argc != 3)
        usage("two arguments are needed");
    check_port(argv[2]);

    /*
     * Your part:
     * 1. all addresses of the host, each once;
     * 2. try one after the other until one works; say why each of the others did not;
     * 3. print what the server sends, however many pieces it comes in.
     */
    errno = ENOSYS; /* in place of your part */
    die("client: nobody is called yet");
}
