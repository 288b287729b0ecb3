/*
 * icmp ADDRESS ID SEQUENCE TEXT
 *
 * Sends one ICMP echo request by hand and prints the reply to it: what ping does. RFC 792.
 *
 * Manual pages: raw(7), ip(7), icmp(7), capabilities(7); RFC 792, RFC 1071
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MOST_TEXT = 1000, NO_REPLY = 3, EXIT_USAGE = 2 };

static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static _Noreturn void usage(const char *why) {
    fprintf(stderr, "icmp: %s\nusage: icmp ADDRESS ID SEQUENCE TEXT\n", why);
    exit(EXIT_USAGE);
}

static uint16_t number(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value > UINT16_MAX)
        usage("ID and SEQUENCE are numbers from 0 to 65535");
    return (uint16_t)value;
}

int main(int argc, char *argv[]) {
    if (argc != 5)
        usage("four arguments are needed");
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
        usage("ADDRESS is an IPv4 address");
    uint16_t id = number(argv[2]), sequence = number(argv[3]);
    if (strlen(argv[4]) > MOST_TEXT)
        usage("TEXT is too long");

    (void)id, (void)sequence;
    /* Yours: a raw socket, the request with its checksum, and the one packet that is its reply. */
    errno = ENOSYS;
    die("icmp: nothing is sent yet");
}
