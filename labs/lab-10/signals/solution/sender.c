/*
 * sender PID K TIMES
 *
 * Sends the real-time signal SIGRTMIN+K to the process PID, TIMES times, with the values 1, 2 and
 * so on.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { REALTIME = 4, MOST = 1000000, EXIT_USAGE = 2 };

static int number(const char *text, int min, int max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < min ||
        value > max) {
        fprintf(stderr, "sender: `%s` is no number from %d to %d\n", text, min, max);
        exit(EXIT_USAGE);
    }
    return (int)value;
}

int main(int argc, char *argv[]) {
    if (argc != 4) {
        fprintf(stderr, "usage: sender PID K TIMES\n");
        return EXIT_USAGE;
    }
    pid_t pid = number(argv[1], 1, INT_MAX); /* 0 would mean all processes of our group */
    int signo = SIGRTMIN + number(argv[2], 0, REALTIME - 1);
    int times = number(argv[3], 1, MOST);
    for (int value = 1; value <= times; value++)
        if (sigqueue(pid, signo, (union sigval){.sival_int = value}) == -1) {
            perror("sender: sigqueue");
            return EXIT_FAILURE;
        }
    return EXIT_SUCCESS;
}
