/*
 * icmp ADDRESS ID SEQUENCE TEXT
 *
 * Sends one ICMP echo request by hand and prints the reply to it: what ping does. RFC 792.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_TEXT = 1000, PATIENCE_MS = 1000, NO_REPLY = 3, EXIT_USAGE = 2 };

struct echo {
    struct icmphdr header; /* 8 bytes: type, code, checksum, id, sequence */
    char text[MOST_TEXT];
};

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

/* The Internet checksum, RFC 1071: the complement of the sum of all 16-bit words, where a carry
 * comes back in at the other end. Over a message with a right checksum in it, it is 0. */
static uint16_t checksum(const void *message, size_t length) {
    const uint8_t *byte = message;
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i += 2) /* an odd last byte is followed by a zero */
        sum += (uint32_t)byte[i] << 8 | (i + 1 < length ? byte[i + 1] : 0);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static size_t compose(struct echo *echo, uint16_t id, uint16_t sequence, const char *text) {
    size_t length = sizeof echo->header + strlen(text);
    echo->header = (struct icmphdr){.type = ICMP_ECHO};
    echo->header.un.echo.id = htons(id);
    echo->header.un.echo.sequence = htons(sequence);
    memcpy(echo->text, text, strlen(text));
    echo->header.checksum = checksum(echo, length); /* last: it was 0 while it was computed */
    return length;
}

/* Whether a packet is the reply to our request. A raw socket gets a copy of every ICMP packet that
 * comes to this machine, other programs' replies among them, and requests, and damaged ones. */
static bool is_reply(const struct iphdr *ip, size_t length, const struct echo *request,
                     size_t request_length, struct in_addr asked) {
    size_t head = (size_t)ip->ihl * 4;
    const struct echo *echo = (const struct echo *)((const char *)ip + head);
    return length == head + request_length && ip->saddr == asked.s_addr &&
           echo->header.type == ICMP_ECHOREPLY &&
           echo->header.un.echo.id == request->header.un.echo.id &&
           echo->header.un.echo.sequence == request->header.un.echo.sequence &&
           checksum(echo, request_length) == 0 &&
           memcmp(echo->text, request->text, request_length - sizeof echo->header) == 0;
}

static long now_ms(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
        die("icmp: clock_gettime");
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The reply's time to live; -1 when none came in time, however many other packets did. */
static int await_reply(int fd, const struct echo *request, size_t length, struct in_addr asked) {
    union {
        struct iphdr ip;
        char bytes[sizeof(struct echo) + 60];
    } packet;
    long deadline = now_ms() + PATIENCE_MS, left;
    while ((left = deadline - now_ms()) > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, (int)left) == -1)
            die("icmp: poll");
        if (!ready.revents)
            continue;
        ssize_t got = recv(fd, &packet, sizeof packet, 0);
        if (got == -1)
            die("icmp: recv");
        if (is_reply(&packet.ip, (size_t)got, request, length, asked))
            return packet.ip.ttl;
    }
    return -1;
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

    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (fd == -1)
        die("icmp: socket"); /* EPERM: it takes the capability CAP_NET_RAW */
    struct echo request;
    size_t length = compose(&request, id, sequence, argv[4]);
    if (sendto(fd, &request, length, 0, (struct sockaddr *)&to, sizeof to) != (ssize_t)length)
        die("icmp: sendto");
    int ttl = await_reply(fd, &request, length, to.sin_addr);
    if (ttl == -1) {
        fprintf(stderr, "icmp: no reply from %s\n", argv[1]);
        return NO_REPLY;
    }
    printf("reply from %s: id %u seq %u ttl %d text %s\n", argv[1], id, sequence, ttl, argv[4]);
    if (fflush(stdout) == EOF)
        die("icmp: standard output");
    return EXIT_SUCCESS;
}
