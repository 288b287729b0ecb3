/*
 * meet offer KEY NAME DIR TOKEN | look KEY NAME DIR | predict MISSING
 *
 * Offers a token through six kinds of objects, looks for it in them from another place, and
 * predicts which of them two places share that have one thing less in common.
 *
 * Manual pages: shmget(2), shm_open(3), mq_open(3), mkfifo(3), unix(7), namespaces(7)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static _Noreturn void usage(const char *why) {
    fprintf(stderr,
            "meet: %s\n"
            "usage: meet offer KEY NAME DIR TOKEN | look KEY NAME DIR | predict "
            "ipc|net|files|nothing\n",
            why);
    exit(EXIT_USAGE);
}

int main(int argc, char *argv[]) {
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "offer") == 0 && argc == 6) {
        errno = ENOSYS; /* yours: six objects, `ready`, and waiting */
    } else if (strcmp(command, "look") == 0 && argc == 5) {
        errno = ENOSYS; /* yours: six lines */
    } else if (strcmp(command, "predict") == 0 && argc == 3) {
        errno = ENOSYS; /* yours: six lines, without looking */
    } else {
        usage("there is no such command with so many arguments");
    }
    die("meet: nothing is done yet");
}
