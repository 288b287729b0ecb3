/*
 * plain PATH NAME...
 *
 * The same on a plain stream socket: one process, whose modules are functions that it calls.
 *
 * Manual pages: unix(7), shutdown(2); poll(2) or pthread_create(3)
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "filter.h"
#include "message.h"

enum { MOST_FILTERS = 16, EXIT_USAGE = 2, EXIT_HANGUP = 3 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[]) {
    if (argc < 2) {
        fprintf(stderr, "usage: plain PATH [upper|sum]...\n");
        return EXIT_USAGE;
    }
    for (int i = 2; i < argc; i++)
        if (filter_named(argv[i]) == NULL) {
            fprintf(stderr, "plain: there is no module %s\n", argv[i]);
            return EXIT_USAGE;
        }
    int server = message_connect(argv[1], SOCK_STREAM);
    if (server == -1)
        die(argv[1]);
    /* yours: lines down, lines up, both at once */
    return EXIT_HANGUP;
}
