/*
 * sender KEY wait|now
 *
 * Puts each line of its standard input, `TYPE TEXT`, as a message into the System V queue under
 * KEY. When that is full, `wait` sleeps until there is room, and `now` gives up.
 *
 * Manual pages: msgget(2), msgsnd(2)
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: sender KEY wait|now\n");
    exit(EXIT_USAGE);
}

static key_t key_in(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 ||
        value > UINT_MAX)
        usage();
    return (key_t)value;
}

int main(int argc, char *argv[]) {
    if (argc != 3 || (strcmp(argv[2], "wait") != 0 && strcmp(argv[2], "now") != 0))
        usage();
    (void)key_in(argv[1]);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) != -1) {
        /* yours */
    }
    free(line);
    errno = ENOSYS;
    die("sender: nothing is done yet");
}
