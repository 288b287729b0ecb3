/*
 * receiver KEY TYPE BYTES wait|drain
 *
 * Takes the messages that TYPE selects out of a System V queue and prints them: `wait` makes the
 * queue if need be and goes on until somebody removes it, `drain` until nothing is left to take.
 *
 * Manual pages: msgget(2), msgrcv(2), sysvipc(7)
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

enum { MOST_BYTES = 1000000, EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: receiver KEY TYPE BYTES wait|drain   (BYTES from 1 to 1000000)\n");
    exit(EXIT_USAGE);
}

static long number(const char *text, int base, long min, long max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, base);
    if (isspace((unsigned char)*text) || end == text || *end != '\0' || errno != 0 || value < min ||
        value > max)
        usage();
    return value;
}

int main(int argc, char *argv[]) {
    if (argc != 5 || (strcmp(argv[4], "wait") != 0 && strcmp(argv[4], "drain") != 0))
        usage();
    key_t key = (key_t)number(argv[1], 0, 1, UINT_MAX);
    long type = number(argv[2], 10, LONG_MIN + 1, LONG_MAX);
    size_t room = (size_t)number(argv[3], 10, 1, MOST_BYTES);
    bool waits = strcmp(argv[4], "wait") == 0;
    (void)key, (void)type, (void)room, (void)waits;
    errno = ENOSYS; /* in place of your part */
    die("receiver: nothing is done yet");
}
