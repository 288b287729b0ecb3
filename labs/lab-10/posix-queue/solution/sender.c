/*
 * sender NAME MS
 *
 * Puts each line of its standard input, `PRIORITY TEXT`, as a message into the POSIX queue NAME. It
 * waits MS milliseconds for room, each time, and no longer.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    MOST_URGENT = 32767, /* MQ_PRIO_MAX - 1 */
    MS_PER_S = 1000,
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000,
    EXIT_USAGE = 2,
    EXIT_TIMEOUT = 3
};

static void die(const char *what) {
    int status = errno == ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILURE;
    perror(what);
    exit(status);
}

static long ms_in(const char *text) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value > INT_MAX) {
        fprintf(stderr, "usage: sender NAME MS\n");
        exit(EXIT_USAGE);
    }
    return value;
}

/* The calls of POSIX want a point in time, not how long to wait. */
static struct timespec in_ms(long ms) {
    struct timespec when;
    if (clock_gettime(CLOCK_REALTIME, &when) == -1)
        die("sender: clock_gettime");
    when.tv_sec += ms / MS_PER_S;
    when.tv_nsec += ms % MS_PER_S * NS_PER_MS;
    if (when.tv_nsec >= NS_PER_S) {
        when.tv_sec++;
        when.tv_nsec -= NS_PER_S;
    }
    return when;
}

static void post_line(mqd_t queue, const char *line, size_t length, long ms) {
    char *end;
    errno = 0;
    unsigned long priority = strtoul(line, &end, 10);
    if (!isdigit((unsigned char)*line) || *end != ' ' || errno != 0 || priority > MOST_URGENT) {
        fprintf(stderr, "sender: a line does not begin with a priority and a space\n");
        exit(EXIT_FAILURE);
    }
    const char *text = end + 1;
    struct timespec deadline = in_ms(ms);
    if (mq_timedsend(queue, text, length - (size_t)(text - line), (unsigned)priority, &deadline) ==
        -1)
        die("sender: mq_timedsend");
}

int main(int argc, char *argv[]) {
    long ms = ms_in(argc == 3 ? argv[2] : "");
    mqd_t queue = mq_open(argv[1], O_WRONLY);
    if (queue == (mqd_t)-1)
        die("sender: mq_open");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, stdin)) != -1) {
        if (line[length - 1] == '\n')
            length--;
        post_line(queue, line, (size_t)length, ms);
    }
    if (ferror(stdin))
        die("sender: standard input");
    free(line);
    return EXIT_SUCCESS;
}
