/*
 * sender NAME MS: each line of standard input, PRIORITY TEXT, becomes a message of a POSIX queue.
 * No stdio on the input: read() into one block that grows, and messages are sent from where their
 * lines lie in it.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HIGHEST = 32767 };

static mqd_t queue;
static long patience;

static void send_line(const char *line, size_t n) {
    size_t digits = 0;
    unsigned urgency = 0;
    for (; digits < n && line[digits] >= '0' && line[digits] <= '9'; digits++) {
        urgency = urgency * 10 + (unsigned)(line[digits] - '0');
        if (urgency > HIGHEST)
            errx(1, "a priority is %d at most", HIGHEST);
    }
    if (digits == 0 || digits == n || line[digits] != ' ')
        errx(1, "a line begins with a priority and a space");
    const char *text = line + digits + 1;

    struct timespec until;
    timespec_get(&until, TIME_UTC);
    until.tv_nsec += patience % 1000 * 1000000;
    until.tv_sec += patience / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (mq_timedsend(queue, text, n - digits - 1, urgency, &until) == -1) {
        if (errno == ETIMEDOUT)
            errx(3, "no room for %ld ms", patience);
        if (errno != EINTR)
            err(1, "mq_timedsend");
    }
}

int main(int argc, char **argv) {
    char *end = NULL;
    errno = 0;
    if (argc == 3 && argv[2][strspn(argv[2], "0123456789")] == '\0')
        patience = strtol(argv[2], &end, 10);
    if (end == NULL || end == argv[2] || errno != 0 || patience > INT_MAX) {
        fprintf(stderr, "usage: sender NAME MS\n");
        return 2;
    }
    queue = mq_open(argv[1], O_WRONLY);
    if (queue == (mqd_t)-1)
        err(1, "mq_open %s", argv[1]);

    char *block = NULL;
    size_t held = 0, room = 0;
    for (;;) {
        if (held == room) {
            room = room == 0 ? 4096 : room * 2;
            block = realloc(block, room);
            if (block == NULL)
                err(1, "realloc");
        }
        ssize_t n = read(STDIN_FILENO, block + held, room - held);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            err(1, "standard input");
        if (n == 0)
            break;
        held += (size_t)n;
        char *from = block, *stop = block + held;
        for (char *nl; (nl = memchr(from, '\n', (size_t)(stop - from))) != NULL; from = nl + 1)
            send_line(from, (size_t)(nl - from));
        held = (size_t)(stop - from);
        memmove(block, from, held);
    }
    if (held > 0)
        send_line(block, held);
    free(block);
    return 0;
}
