/*
 * guest PATH leave NAME
 * guest PATH take NAME COMMAND [ARGUMENT...]
 *
 * Leaves its standard input with the keeper at PATH, or takes what somebody has left, and executes
 * COMMAND with that as its standard input.
 *
 * Manual pages: unix(7), cmsg(3), sendmsg(2), recvmsg(2), dup2(2), execvp(3)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

static _Noreturn void usage(void) {
    fprintf(stderr, "usage: guest PATH leave NAME\n"
                    "       guest PATH take NAME COMMAND [ARGUMENT...]\n");
    exit(EXIT_USAGE);
}

int main(int argc, char *argv[]) {
    if (argc == 4 && strcmp(argv[2], "leave") == 0)
        return EXIT_FAILURE; /* yours: send a packet, and standard input along with it */
    if (argc > 4 && strcmp(argv[2], "take") == 0)
        return EXIT_FAILURE; /* yours: what came along with the answer is COMMAND's input */
    usage();
}
