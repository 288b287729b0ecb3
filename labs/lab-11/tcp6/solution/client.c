/*
 * client HOST PORT
 *
 * Connects to the first address of HOST where somebody listens, whether it is one of IPv4 or of
 * IPv6, says which, and prints what the server sends.
 */
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 4096, EXIT_USAGE = 2 };

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

/* These functions have error numbers of their own, and do not tell them in errno. */
static void die_of_lookup(const char *what, int error) {
    const char *why = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
    fprintf(stderr, "client: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

/* All addresses of the host, the one that is to be tried first in front. */
static struct addrinfo *addresses_of(const char *host, const char *port) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC}; /* IPv4 and IPv6 */
    struct addrinfo *first;
    hints.ai_socktype = SOCK_STREAM; /* else each address comes once for each type of socket */
    hints.ai_flags = AI_NUMERICSERV;
    int error = getaddrinfo(host, port, &hints, &first);
    if (error != 0)
        die_of_lookup(host, error);
    return first;
}

static void write_address(const struct addrinfo *one, char *text) {
    int error =
        getnameinfo(one->ai_addr, one->ai_addrlen, text, NI_MAXHOST, NULL, 0, NI_NUMERICHOST);
    if (error != 0)
        die_of_lookup("getnameinfo", error);
}

/* A connection to this address; -1, with the reason in errno, when there is none. */
static int connect_to(const struct addrinfo *one) {
    int fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
    if (fd == -1)
        return -1;
    if (connect(fd, one->ai_addr, one->ai_addrlen) == 0)
        return fd;
    int why = errno;
    close(fd); /* of no use any more: the next address may be of the other family, too */
    errno = why;
    return -1;
}

/* A connection to the first address that works. */
static int connect_to_any(const struct addrinfo *first) {
    char address[NI_MAXHOST];
    for (const struct addrinfo *one = first; one != NULL; one = one->ai_next) {
        int fd = connect_to(one);
        int why = errno;
        write_address(one, address);
        if (fd != -1) {
            printf("connected to %s\n", address);
            if (fflush(stdout) == EOF)
                die("client: standard output");
            return fd;
        }
        fprintf(stderr, "client: %s: %s\n", address, strerror(why));
    }
    exit(EXIT_FAILURE);
}

/* Prints what comes, as it comes, until the server closes the connection. */
static void print_all(int server) {
    char text[BUFFER_BYTES];
    ssize_t length;
    while ((length = recv(server, text, sizeof text, 0)) > 0)
        if (fwrite(text, 1, (size_t)length, stdout) < (size_t)length || fflush(stdout) == EOF)
            die("client: standard output");
    if (length == -1)
        die("client: recv");
}

int main(int argc, char *argv[]) {
    if (argc != 3)
        usage("two arguments are needed");
    check_port(argv[2]);
    struct addrinfo *first = addresses_of(argv[1], argv[2]);
    int server = connect_to_any(first);
    freeaddrinfo(first);
    print_all(server);
    close(server);
    return EXIT_SUCCESS;
}
