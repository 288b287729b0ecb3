/*
 * listener LOG
 *
 * Writes a line into LOG for every SIGUSR1 and every real-time signal that it gets, and for every
 * line of its standard input. After the line `hold` signals wait in the kernel until `release`.
 *
 * Manual pages: signal(7), sigaction(2), sigprocmask(2), signalfd(2), poll(2), signal-safety(7)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: listener LOG\n");
        return EXIT_USAGE;
    }
    int logfile = open(argv[1], O_WRONLY | O_CLOEXEC);
    if (logfile == -1)
        die(argv[1]);
    /* Yours: signals first, then `ready`, then whatever comes. */
    errno = ENOSYS;
    die("listener: nothing is done yet");
}
