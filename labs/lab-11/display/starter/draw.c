/*
 * draw socket|memory [HOST]:N X Y
 *
 * Draws the pictures that come on standard input on display N, one after another at the same place.
 * README.md says how; x11.h says what goes over the connection.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x11.h"

enum { MAX_PLACE = 9999, EXIT_USAGE = 2 };

static void usage(void) {
    fprintf(stderr, "usage: draw socket|memory [HOST]:N X Y < PICTURES\n");
    exit(EXIT_USAGE);
}

static unsigned number(const char *text, unsigned max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value > max)
        usage();
    return (unsigned)value;
}

int main(int argc, char *argv[]) {
    if (argc != 5 || (strcmp(argv[1], "socket") != 0 && strcmp(argv[1], "memory") != 0))
        usage();
    unsigned x = number(argv[3], MAX_PLACE), y = number(argv[4], MAX_PLACE);
    (void)x;
    (void)y;
    fprintf(stderr, "draw: not written yet\n");
    return EXIT_FAILURE;
}
