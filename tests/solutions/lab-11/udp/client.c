/*
 * client ADDRESS PORT WAIT TRIES: sends lines in datagrams and prints what numbers they are given.
 * It never looks at a clock: a timerfd is armed with each datagram, and poll() waits for it and for
 * the answer. That nobody has the port counts as a lost datagram.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { HEAD = 8, MAX_TEXT = 1000, ANSWER = 12 };

static int number(const char *text, int most) {
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || text[strspn(text, "0123456789")] != '\0' || errno != 0 || n < 1 ||
        n > most) {
        fprintf(stderr, "usage: client ADDRESS PORT WAIT TRIES\n");
        exit(2);
    }
    return (int)n;
}

/* Sends, whatever the socket has heard about an earlier datagram: that error is taken by the call
 * that it ends, and what was to be sent is not. */
static void post(int fd, const void *bytes, size_t n) {
    while (send(fd, bytes, n, 0) == -1)
        if (errno != ECONNREFUSED && errno != EINTR)
            err(1, "send");
}

/* False when the time was up before. */
static bool wait_for_answer(int fd, int timer, const char *head, uint32_t *line) {
    struct pollfd events[] = {{.fd = fd, .events = POLLIN}, {.fd = timer, .events = POLLIN}};
    for (;;) {
        if (poll(events, 2, -1) == -1 && errno != EINTR)
            err(1, "poll");
        if (events[0].revents != 0) {
            char got[ANSWER + 1];
            ssize_t n = recv(fd, got, sizeof got, MSG_DONTWAIT);
            if (n == -1 && errno != ECONNREFUSED && errno != EAGAIN && errno != EINTR)
                err(1, "recv");
            if (n == ANSWER && memcmp(got, head, HEAD) == 0) {
                memcpy(line, got + HEAD, sizeof *line);
                *line = ntohl(*line);
                return true;
            }
        }
        if (events[1].revents != 0)
            return false;
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in server = {.sin_family = AF_INET};
    if (argc != 5 || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1)
        number("", 0);
    server.sin_port = htons((uint16_t)number(argv[2], UINT16_MAX));
    const int wait_ms = number(argv[3], 60000);
    const int tries = number(argv[4], 100);

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || connect(fd, (struct sockaddr *)&server, sizeof server) == -1)
        err(1, "%s", argv[1]);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (timer == -1)
        err(1, "timerfd_create");
    const struct itimerspec once = {
        .it_value = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L}};

    char datagram[HEAD + MAX_TEXT];
    if (getrandom(datagram, sizeof(uint32_t), 0) != sizeof(uint32_t))
        err(1, "getrandom");
    char *text = NULL;
    size_t room = 0;
    uint32_t count = 0;
    for (ssize_t n; (n = getline(&text, &room, stdin)) > 0;) {
        if (text[n - 1] == '\n')
            n--;
        if (n > MAX_TEXT)
            errx(1, "a line of %zd bytes is too long", n);
        uint32_t request = htonl(++count), line;
        memcpy(datagram + sizeof request, &request, sizeof request);
        memcpy(datagram + HEAD, text, (size_t)n);
        int sent = 0;
        do {
            if (sent++ == tries)
                errx(1, "no answer, and asked %d times", tries);
            post(fd, datagram, HEAD + (size_t)n);
            if (timerfd_settime(timer, 0, &once, NULL) == -1)
                err(1, "timerfd_settime");
        } while (!wait_for_answer(fd, timer, datagram, &line));
        if (printf("%u\n", line) < 0 || fflush(stdout) == EOF)
            err(1, "standard output");
    }
    if (ferror(stdin))
        err(1, "standard input");
    free(text);
    return 0;
}
