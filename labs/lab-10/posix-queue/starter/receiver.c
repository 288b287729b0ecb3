/*
 * receiver NAME MAXMSG MSGSIZE MS
 *
 * Makes a POSIX message queue and prints what comes out of it, the most urgent message first. When
 * none has come for MS milliseconds it removes the queue's name and ends.
 *
 * Manual pages: mq_overview(7), mq_open(3), mq_receive(3), mq_unlink(3), clock_gettime(2)
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. Is there a queue of ours by then? */
static void die(const char *what) {
    perror(what);
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

int main(int argc, char *argv[]) {
    struct mq_attr attributes = {.mq_maxmsg = number(argc == 5 ? argv[2] : "", LONG_MAX),
                                 .mq_msgsize = number(argc == 5 ? argv[3] : "", INT_MAX)};
    long ms = number(argv[4], INT_MAX);
    (void)attributes, (void)ms;
    errno = ENOSYS; /* in place of your part */
    die("receiver: nothing is done yet");
}
