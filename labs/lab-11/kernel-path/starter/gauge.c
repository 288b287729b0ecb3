/*
 * gauge ADDRESS PORT
 *
 * Sends bytes over a TCP connection, as each line of standard input says, and tells what each layer
 * of the kernel has counted meanwhile. README.md says how.
 */
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* netinet/tcp.h has the same structures, but older ones */
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { EXIT_USAGE = 2 };

static void usage(void) {
    fprintf(stderr, "usage: gauge ADDRESS PORT\n");
    exit(EXIT_USAGE);
}

int main(int argc, char *argv[]) {
    if (argc != 3)
        usage();
    char *end;
    long port = strtol(argv[2], &end, 10);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || end == argv[2] || *end != '\0' ||
        port < 1 || port > UINT16_MAX)
        usage();
    fprintf(stderr, "gauge: not written yet\n");
    return EXIT_FAILURE;
}
