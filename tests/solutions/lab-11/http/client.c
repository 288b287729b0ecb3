/*
 * client ADDRESS PORT TARGET
 *
 * Reads the head line by line from a stream, then takes the body from the same stream.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_TARGET = 2000, MAX_HEAD = 65536, USAGE = 2, REFUSED = 3, BROKEN = 4 };

static char head[MAX_HEAD + 1];
static char body[65536];

static _Noreturn void usage(void) {
    fputs("usage: client ADDRESS PORT TARGET\n", stderr);
    exit(USAGE);
}

static bool is_target(const char *s) {
    size_t n = 0;
    while (s[n] > 32 && s[n] < 127)
        n++;
    return s[0] == '/' && s[n] == '\0' && n <= MAX_TARGET;
}

/* The next line of the head, without its end; size counts what the head has so far. */
static char *next_line(FILE *from, size_t *size) {
    char *line = head + *size;
    size_t n = 0;
    while (n < 2 || line[n - 2] != '\r' || line[n - 1] != '\n') {
        int c = *size + n < MAX_HEAD ? getc(from) : EOF;
        if (c == EOF)
            errx(BROKEN, "the head of the answer is not complete");
        line[n++] = (char)c;
    }
    *size += n;
    line[n - 2] = '\0';
    return line;
}

static bool digits(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)s[i]))
            return false;
    return true;
}

static int status_of(const char *line) {
    if (strncmp(line, "HTTP/1.", 7) != 0 || !digits(line + 7, 1) || line[8] != ' ' ||
        !digits(line + 9, 3) || (line[12] != ' ' && line[12] != '\0'))
        errx(BROKEN, "this is no answer: %.60s", line);
    return atoi(line + 9);
}

static void put(const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, n);
        if (done == -1)
            err(1, "standard output");
        bytes += done;
        n -= (size_t)done;
    }
}

int main(int argc, char *argv[]) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    char *end;
    if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
        !isdigit((unsigned char)*argv[2]) || !is_target(argv[3]))
        usage();
    unsigned long port = strtoul(argv[2], &end, 10);
    if (*end != '\0' || port < 1 || port > UINT16_MAX)
        usage();
    to.sin_port = htons((uint16_t)port);
    signal(SIGPIPE, SIG_IGN);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof to) == -1)
        err(1, "%s port %lu", argv[1], port);
    FILE *from = fdopen(fd, "r");
    if (from == NULL)
        err(1, "fdopen");
    /* Who answers without reading, and goes, has answered. */
    if (dprintf(fd, "GET %s HTTP/1.0\r\nHost: %s:%lu\r\n\r\n", argv[3], argv[1], port) < 0)
        warn("the request");

    size_t size = 0;
    int status = status_of(next_line(from, &size));
    long long left = -1;
    for (char *line; *(line = next_line(from, &size)) != '\0';)
        if (strncasecmp(line, "Content-Length:", 15) == 0) {
            errno = 0;
            left = strtoll(line + 15, &end, 10);
            if (end == line + 15 || errno != 0 || left < 0)
                errx(BROKEN, "%s", line);
        }
    if (status != 200)
        errx(REFUSED, "the server says %d", status);

    bool known = left != -1;
    for (size_t n = 1; n > 0 && left != 0;) {
        size_t most = known && left < (long long)sizeof body ? (size_t)left : sizeof body;
        n = fread(body, 1, most, from);
        put(body, n);
        if (known)
            left -= (long long)n;
    }
    if (left != 0 && ferror(from))
        err(BROKEN, "connection");
    if (left > 0)
        errx(BROKEN, "%lld bytes of the body are missing", left);
    return 0;
}
