/*
 * sender PID K TIMES
 *
 * Sends the real-time signal SIGRTMIN+K to the process PID, TIMES times, with the values 1, 2 and
 * so on.
 *
 * Manual pages: sigqueue(3), kill(2), signal(7)
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

int main(int argc, char *argv[]) {
    if (argc != 4) {
        fprintf(stderr, "usage: sender PID K TIMES\n");
        return EXIT_USAGE;
    }
    /* Yours, too: a usage message for numbers that are out of their range, or none at all. */
    pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
    int signo = SIGRTMIN + (int)strtol(argv[2], NULL, 10);
    int times = (int)strtol(argv[3], NULL, 10);
    (void)pid, (void)signo, (void)times;
    errno = ENOSYS;
    perror("sender: nothing is done yet");
    return EXIT_FAILURE;
}
