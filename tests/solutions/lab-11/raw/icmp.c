/* icmp ADDRESS ID SEQUENCE TEXT: one echo request over a raw socket, and the one reply to it. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 8, LONGEST = 1000, ECHO_REPLY = 0, ECHO_REQUEST = 8 };

static int usage(void) {
    fputs("usage: icmp ADDRESS ID SEQUENCE TEXT\n", stderr);
    return 2;
}

static bool parse16(const char *s, unsigned *out) {
    size_t n = strspn(s, "0123456789");
    if (n == 0 || s[n] != '\0')
        return false;
    errno = 0;
    unsigned long v = strtoul(s, NULL, 10);
    *out = (unsigned)v;
    return errno == 0 && v <= 0xffff;
}

/* The ones' complement sum, not inverted: 0xffff over a message with a right checksum. */
static unsigned sum16(const uint8_t *p, size_t n) {
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

int main(int argc, char **argv) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    unsigned id, seq;
    if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || !parse16(argv[2], &id) ||
        !parse16(argv[3], &seq))
        return usage();
    const char *text = argv[4];
    size_t length = strlen(text);
    if (length < 1 || length > LONGEST)
        return usage();

    uint8_t msg[HEADER + LONGEST] = {
        ECHO_REQUEST, 0, 0, 0, (uint8_t)(id >> 8), (uint8_t)id, (uint8_t)(seq >> 8), (uint8_t)seq};
    memcpy(msg + HEADER, text, length);
    size_t size = HEADER + length;
    unsigned check = ~sum16(msg, size) & 0xffff;
    msg[2] = (uint8_t)(check >> 8);
    msg[3] = (uint8_t)check;

    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (fd == -1)
        err(1, "raw socket");
    if (sendto(fd, msg, size, 0, (struct sockaddr *)&to, sizeof to) == -1)
        err(1, "sendto %s", argv[1]);

    for (int64_t end = now_us() + 1000000;;) {
        int64_t left = end - now_us();
        if (left <= 0)
            break;
        struct timeval tv = {.tv_sec = left / 1000000, .tv_usec = left % 1000000};
        fd_set set;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        int ready = select(fd + 1, &set, NULL, NULL, &tv);
        if (ready == -1 && errno != EINTR)
            err(1, "select");
        if (ready <= 0)
            continue;

        static uint8_t packet[65536];
        struct sockaddr_in from;
        socklen_t from_len = sizeof from;
        ssize_t n =
            recvfrom(fd, packet, sizeof packet, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
        if (n == -1) {
            if (errno == EAGAIN || errno == EINTR)
                continue;
            err(1, "recvfrom");
        }
        if (n < 20 || from.sin_addr.s_addr != to.sin_addr.s_addr)
            continue;
        size_t skip = (size_t)(packet[0] & 15) * 4;
        const uint8_t *reply = packet + skip;
        if ((size_t)n != skip + size || reply[0] != ECHO_REPLY || reply[1] != 0 ||
            memcmp(reply + 4, msg + 4, size - 4) != 0 || sum16(reply, size) != 0xffff)
            continue;
        printf("reply from %s: id %u seq %u ttl %u text %s\n", argv[1], id, seq,
               (unsigned)packet[8], text);
        return 0;
    }
    fprintf(stderr, "icmp: no reply from %s within a second\n", argv[1]);
    return 3;
}
