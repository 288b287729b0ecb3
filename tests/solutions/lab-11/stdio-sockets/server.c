/*
 * server PORT: answers lines `COUNT TEXT`.
 *
 * Without stdio on the connection: bytes go through a small machine one by one, and an answer is
 * made as a whole, doubled until it is long enough, and sent by one call. The kernel waits for the
 * children.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE = 999, HEAD = 16, SIZE = 1 << 20 };

struct client {
    int fd;
    size_t used; /* of the line: more than LINE if it is too long */
    char line[LINE];
    unsigned long answered;
};

static bool give(int fd, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = send(fd, bytes, n, MSG_NOSIGNAL);
        if (done == -1 && errno != EINTR)
            return false;
        bytes += done == -1 ? 0 : done;
        n -= done == -1 ? 0 : (size_t)done;
    }
    return true;
}

static bool answer(struct client *c) {
    static char whole[HEAD + SIZE];
    size_t n = c->used, digits = 0, count = 0;
    c->used = 0;
    c->answered++;
    if (n > LINE || memchr(c->line, '\0', n) != NULL)
        return give(c->fd, "bad\n", 4);
    while (digits < n && digits < 8 && isdigit((unsigned char)c->line[digits]))
        count = 10 * count + (size_t)(c->line[digits++] - '0');
    if (digits < 1 || digits > 7 || count == 0 || n < digits + 2 || c->line[digits] != ' ')
        return give(c->fd, "bad\n", 4);
    const size_t unit = n - digits; /* TEXT and a newline in place of the space */
    if (count > SIZE / unit)
        return give(c->fd, "bad\n", 4);

    const size_t size = count * unit, head = (size_t)sprintf(whole, "%zu\n", size);
    char *body = whole + head;
    memcpy(body, c->line + digits + 1, unit - 1);
    body[unit - 1] = '\n';
    for (size_t have = unit; have < size; have *= 2)
        memcpy(body + have, body, have < size - have ? have : size - have);
    return give(c->fd, whole, head + size);
}

static bool converse(struct client *c) {
    char some[8192];
    ssize_t n;
    while ((n = recv(c->fd, some, sizeof some, 0)) != 0) {
        if (n == -1 && errno != EINTR)
            return false;
        for (ssize_t i = 0; i < n; i++)
            if (some[i] == '\n') {
                if (!answer(c))
                    return false;
            } else if (c->used < LINE)
                c->line[c->used++] = some[i];
            else
                c->used = LINE + 1;
    }
    if (c->used > 0 && !answer(c))
        return false;
    char total[HEAD + 24];
    return give(c->fd, total, (size_t)sprintf(total, "total %lu\n", c->answered));
}

static _Noreturn void child(int fd, unsigned long k) {
    static struct client c;
    c.fd = fd;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (converse(&c))
        dprintf(1, "closed %lu %lu\n", k, c.answered);
    else
        dprintf(1, "broken %lu\n", k);
    _exit(0);
}

int main(int argc, char *argv[]) {
    char *end;
    unsigned long port =
        argc == 2 && isdigit((unsigned char)*argv[1]) ? strtoul(argv[1], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end != '\0') {
        fprintf(stderr, "usage: server PORT\n");
        return 2;
    }
    close_range(3, ~0U, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* no zombies, and nothing to wait for */
    int door = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    const struct sockaddr_in at = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)port),
        .sin_addr.s_addr = htonl(INADDR_ANY),
    };
    if (door == -1 || setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(door, (const struct sockaddr *)&at, sizeof at) == -1 || listen(door, SOMAXCONN) == -1)
        err(1, "port %lu", port);

    for (unsigned long k = 1;; k++) {
        int fd;
        while ((fd = accept(door, NULL, NULL)) == -1)
            if (errno != EINTR && errno != ECONNABORTED)
                err(1, "accept");
        dprintf(1, "open %lu\n", k);
        pid_t pid = fork();
        if (pid == 0) {
            close(door);
            child(fd, k);
        }
        if (pid == -1) {
            warn("fork");
            dprintf(1, "broken %lu\n", k);
        }
        close(fd);
    }
}
