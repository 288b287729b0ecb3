/* client ADDRESS PORT: sends lines as messages and prints the answers. */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { LIMIT = 1 << 20, BROKEN = 3 };

static int fd;

/* A line into buf, without its newline; false at the end of the input. */
static bool next_line(char *buf, size_t *n) {
    int c;
    for (*n = 0; (c = getchar_unlocked()) != EOF && c != '\n'; buf[(*n)++] = (char)c)
        if (*n == LIMIT)
            errx(1, "a line is longer than 1 MiB");
    if (ferror(stdin))
        err(1, "standard input");
    return c != EOF || *n > 0;
}

static void take(void *to, size_t n) {
    for (char *at = to; n > 0;) {
        ssize_t k = recv(fd, at, n, MSG_WAITALL);
        if (k == -1)
            err(BROKEN, "recv");
        if (k == 0)
            errx(BROKEN, "the server has closed the connection");
        at += k;
        n -= (size_t)k;
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in addr = {.sin_family = AF_INET};
    char *end = "";
    long port = argc == 3 && argv[2][0] >= '0' && argv[2][0] <= '9' ? strtol(argv[2], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end != '\0' ||
        inet_pton(AF_INET, argv[1], &addr.sin_addr) != 1) {
        fprintf(stderr, "usage: client ADDRESS PORT\n");
        return 2;
    }
    addr.sin_port = htons((uint16_t)port);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        err(1, "socket");
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == -1)
        err(1, "connect to %s port %ld", argv[1], port);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));

    static char buf[LIMIT];
    for (size_t n; next_line(buf, &n);) {
        uint32_t head = htonl((uint32_t)n);
        struct iovec part[] = {{&head, sizeof head}, {buf, n}};
        struct msghdr msg = {.msg_iov = part, .msg_iovlen = 2};
        for (size_t left = sizeof head + n; left > 0;) {
            ssize_t k = sendmsg(fd, &msg, MSG_NOSIGNAL);
            if (k == -1)
                err(BROKEN, "sendmsg");
            left -= (size_t)k;
            for (int i = 0; i < 2; i++) {
                size_t cut = (size_t)k < part[i].iov_len ? (size_t)k : part[i].iov_len;
                part[i].iov_base = (char *)part[i].iov_base + cut;
                part[i].iov_len -= cut;
                k -= (ssize_t)cut;
            }
        }
        take(&head, sizeof head);
        n = ntohl(head);
        if (n > LIMIT)
            errx(1, "the server announces %zu bytes", n);
        take(buf, n);
        if (fwrite(buf, 1, n, stdout) != n || putchar('\n') == EOF || fflush(stdout) == EOF)
            err(1, "standard output");
    }
    return 0;
}
