/*
 * sender NAME MS
 *
 * Puts each line of its standard input, `PRIORITY TEXT`, as a message into the POSIX queue NAME. It
 * waits MS milliseconds for room, each time, and no longer.
 *
 * Manual pages: mq_overview(7), mq_open(3), mq_send(3), clock_gettime(2)
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
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

int main(int argc, char *argv[]) {
    (void)ms_in(argc == 3 ? argv[2] : "");
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) != -1) {
        /* yours */
    }
    free(line);
    errno = ENOSYS;
    die("sender: nothing is done yet");
}
