/*
 * receiver NAME MAXMSG MSGSIZE MS: prints what comes out of a POSIX queue of its own until nothing
 * has come for MS milliseconds. No stdio buffers: dprintf() writes each line; and whatever ends the
 * program by itself, exit() removes the queue's name.
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

static const char *ours;

static void remove_name(void) {
    if (ours != NULL && mq_unlink(ours) == -1 && errno != ENOENT) {
        warn("mq_unlink %s", ours);
        _exit(1);
    }
    ours = NULL;
}

static long positive(const char *text, long max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (text[strspn(text, "0123456789")] != '\0' || end == text || errno != 0 || value < 1 ||
        value > max) {
        fprintf(stderr, "usage: receiver NAME MAXMSG MSGSIZE MS\n");
        exit(2);
    }
    return value;
}

static struct timespec in_ms(long ms) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

int main(int argc, char **argv) {
    if (argc != 5)
        positive("", 0);
    struct mq_attr shape = {.mq_maxmsg = positive(argv[2], LONG_MAX),
                            .mq_msgsize = positive(argv[3], INT_MAX)};
    const size_t size = (size_t)shape.mq_msgsize;
    const long ms = positive(argv[4], INT_MAX);

    struct timespec until = in_ms(ms);
    mqd_t queue = mq_open(argv[1], O_CREAT | O_EXCL | O_RDONLY, 0660, &shape);
    if (queue == (mqd_t)-1)
        err(1, "mq_open %s", argv[1]);
    ours = argv[1];
    atexit(remove_name);

    char *text = malloc(size);
    if (text == NULL)
        err(1, "malloc");
    for (;;) {
        unsigned urgency;
        ssize_t n = mq_timedreceive(queue, text, size, &urgency, &until);
        if (n >= 0) {
            if (dprintf(STDOUT_FILENO, "%u %.*s\n", urgency, (int)n, text) < 0)
                err(1, "standard output");
            until = in_ms(ms);
        } else if (errno == ETIMEDOUT) {
            break;
        } else if (errno != EINTR) {
            err(1, "mq_timedreceive");
        }
    }
    free(text);
    remove_name();
    if (dprintf(STDOUT_FILENO, "timeout\n") < 0)
        err(1, "standard output");
    return 0;
}
