/*
 * reaper N COMMAND [ARGUMENT]...
 *
 * Keeps N processes of COMMAND, tells of the end of each, and meanwhile copies lines from its
 * standard input to its standard output. At the end of its input it ends the processes, too.
 *
 * Manual pages: fork(2), execvp(3), waitpid(2), sigaction(2), poll(2), pipe(2), signal-safety(7)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 100, EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. Are there any children by then? */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[]) {
    char *end = "";
    long n = argc > 2 ? strtol(argv[1], &end, 10) : 0;
    if (n < 1 || n > MOST || *end != '\0') {
        fprintf(stderr, "usage: reaper N COMMAND [ARGUMENT]...   (N from 1 to %d)\n", MOST);
        return EXIT_USAGE;
    }
    char **command = argv + 2;
    (void)command;
    errno = ENOSYS; /* in place of your part */
    die("reaper: nothing is done yet");
}
