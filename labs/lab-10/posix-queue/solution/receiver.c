/*
 * receiver NAME MAXMSG MSGSIZE MS
 *
 * Makes a POSIX message queue and prints what comes out of it, the most urgent message first. When
 * none has come for MS milliseconds it removes the queue's name and ends.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MODE = 0660, MS_PER_S = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000, EXIT_USAGE = 2 };

static const char *name; /* of the queue that we have made; NULL when there is none */

static void die(const char *what) {
    perror(what);
    if (name != NULL)
        mq_unlink(name);
    exit(EXIT_FAILURE);
}

static long number(const char *text, long max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 || value > max) {
        fprintf(stderr, "usage: receiver NAME MAXMSG MSGSIZE MS\n");
        exit(EXIT_USAGE);
    }
    return value;
}

/* The calls of POSIX want a point in time, not how long to wait. */
static struct timespec in_ms(long ms) {
    struct timespec when;
    if (clock_gettime(CLOCK_REALTIME, &when) == -1)
        die("receiver: clock_gettime");
    when.tv_sec += ms / MS_PER_S;
    when.tv_nsec += ms % MS_PER_S * NS_PER_MS;
    if (when.tv_nsec >= NS_PER_S) {
        when.tv_sec++;
        when.tv_nsec -= NS_PER_S;
    }
    return when;
}

static void print(unsigned priority, const char *text, size_t length) {
    printf("%u ", priority);
    fwrite(text, 1, length, stdout); /* no NUL at its end */
    putchar('\n');
    if (fflush(stdout) == EOF)
        die("receiver: standard output");
}

/* Until nothing has come for so long. */
static void receive(mqd_t queue, char *text, size_t size, long ms) {
    for (;;) {
        struct timespec deadline = in_ms(ms);
        unsigned priority;
        ssize_t length = mq_timedreceive(queue, text, size, &priority, &deadline);
        if (length == -1 && errno == ETIMEDOUT)
            return;
        if (length == -1)
            die("receiver: mq_timedreceive");
        print(priority, text, (size_t)length);
    }
}

int main(int argc, char *argv[]) {
    struct mq_attr attributes = {.mq_maxmsg = number(argc == 5 ? argv[2] : "", LONG_MAX),
                                 .mq_msgsize = number(argc == 5 ? argv[3] : "", INT_MAX)};
    long ms = number(argv[4], INT_MAX);
    char *text = malloc((size_t)attributes.mq_msgsize); /* less would be EMSGSIZE */
    if (text == NULL)
        die("receiver: malloc");
    mqd_t queue = mq_open(argv[1], O_RDONLY | O_CREAT | O_EXCL, MODE, &attributes);
    if (queue == (mqd_t)-1)
        die("receiver: mq_open");
    name = argv[1];
    receive(queue, text, (size_t)attributes.mq_msgsize, ms);
    free(text);
    if (mq_unlink(name) == -1)
        die("receiver: mq_unlink");
    return puts("timeout") == EOF || fflush(stdout) == EOF;
}
