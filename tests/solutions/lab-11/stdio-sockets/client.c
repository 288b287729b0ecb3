/*
 * client ADDRESS PORT: sends lines and prints the answers.
 *
 * No stream and no buffer on the connection: the short line in front comes byte by byte, and the
 * kernel waits for all of the rest, MSG_WAITALL. So nothing is ever read too early.
 */
#include <arpa/inet.h>
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

enum { FAILED = 1, USAGE = 2, ENDED = 3, BROKEN = 4, LINE = 64, SIZE = 1 << 20 };

static int server;

static void send_all(const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = send(server, bytes, n, MSG_NOSIGNAL);
        if (done == -1)
            err(BROKEN, "the connection is broken");
        bytes += done;
        n -= (size_t)done;
    }
}

static void receive_all(char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = recv(server, bytes, n, MSG_WAITALL);
        if (done == -1)
            err(BROKEN, "the connection is broken");
        if (done == 0)
            errx(ENDED, "the connection has ended too early");
        bytes += done;
        n -= (size_t)done;
    }
}

static void receive_line(char line[LINE + 1]) {
    size_t n = 0;
    do {
        if (n == LINE)
            errx(FAILED, "that is no answer");
        receive_all(line + n, 1);
    } while (line[n++] != '\n');
    line[n] = '\0';
}

/* Digits and a newline, and nothing else. */
static bool is_number(const char *s) {
    size_t digits = strspn(s, "0123456789");
    return digits > 0 && strcmp(s + digits, "\n") == 0;
}

static void print(const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, n);
        if (done == -1)
            err(FAILED, "standard output");
        bytes += done;
        n -= (size_t)done;
    }
}

static void print_answer(void) {
    static char body[SIZE];
    char line[LINE + 1];
    receive_line(line);
    if (strcmp(line, "bad\n") == 0) {
        print(line, 4);
        return;
    }
    unsigned long long size = is_number(line) ? strtoull(line, NULL, 10) : SIZE + 1ULL;
    if (size > SIZE)
        errx(FAILED, "that is no answer");
    receive_all(body, size);
    print(body, size);
}

int main(int argc, char *argv[]) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    char *end = "";
    unsigned long port =
        argc == 3 && isdigit((unsigned char)*argv[2]) ? strtoul(argv[2], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end != '\0' ||
        inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) {
        fprintf(stderr, "usage: client ADDRESS PORT\n");
        return USAGE;
    }
    at.sin_port = htons((in_port_t)port);
    signal(SIGPIPE, SIG_IGN);
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (server == -1 || connect(server, (struct sockaddr *)&at, sizeof at) == -1)
        err(FAILED, "%s port %lu", argv[1], port);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));

    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        send_all(line, (size_t)n);
        if (line[n - 1] != '\n')
            send_all("\n", 1);
        print_answer();
    }
    if (ferror(stdin))
        err(FAILED, "standard input");
    if (shutdown(server, SHUT_WR) == -1)
        err(BROKEN, "the connection is broken");
    char total[LINE + 1];
    receive_line(total);
    if (strncmp(total, "total ", 6) != 0 || !is_number(total + 6))
        errx(FAILED, "that is no total");
    print(total, strlen(total));
    return 0;
}
