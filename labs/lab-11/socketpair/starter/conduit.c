/*
 * conduit pipe COMMAND COMMAND | r COMMAND | w COMMAND... | r+ COMMAND
 *
 * Joins commands to each other, or to our own standard input and output, by pipes of our own make.
 *
 * Manual pages: send(2) with MSG_NOSIGNAL and MSG_DONTWAIT, shutdown(2), poll(2), wait(2)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sockpipe.h"

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static _Noreturn void usage(void) {
    fprintf(stderr, "usage: conduit pipe COMMAND COMMAND | r COMMAND | w COMMAND... | r+ COMMAND\n"
                    "with at most 16 commands\n");
    exit(EXIT_USAGE);
}

static int listen_to(const char *command) {
    int fd = sock_popen(command, "r");
    if (fd == -1)
        die("conduit: sock_popen");
    return sock_pclose(fd); /* yours: print what comes, tell how the command ended */
}

int main(int argc, char *argv[]) {
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "r") == 0 && argc == 3)
        return listen_to(argv[2]);
    /* pipe COMMAND COMMAND, w COMMAND..., r+ COMMAND are missing */
    usage();
}
