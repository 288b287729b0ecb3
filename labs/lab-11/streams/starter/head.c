/*
 * head PATH
 *
 * The upper end of a stream whose driver is at PATH: puts messages in and takes them out, as it is
 * told on its standard input, and pushes and pops modules meanwhile.
 *
 * Manual pages: unix(7), socketpair(2), poll(2), read(2)
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "message.h"

enum { LONGEST_TEXT = 500, EXIT_USAGE = 2, EXIT_HANGUP = 3 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: head PATH\n");
        return EXIT_USAGE;
    }
    int lower = message_connect(argv[1], SOCK_SEQPACKET);
    if (lower == -1)
        die(argv[1]);
    /* yours: what comes from standard input, what comes from below, and nobody waits for the other
     */
    return EXIT_HANGUP;
}
