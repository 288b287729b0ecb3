/*
 * pipeline [-f] [-i FILE] [-o FILE | -a FILE] COMMAND [ARGUMENT]... ['|' COMMAND [ARGUMENT]...]...
 *
 * Runs commands side by side, each one's standard output joined to the next one's standard input,
 * in a process group of their own, as a shell does. Tells with which statuses they have ended.
 *
 * Manual pages: getopt(3), pipe(2), fork(2), dup2(2), setpgid(2), exec(3), wait(2), kill(2),
 * sigprocmask(2), sigwait(3)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

static void usage(void) {
    fprintf(stderr, "usage: pipeline [-f] [-i FILE] [-o FILE | -a FILE] COMMAND [ARGUMENT]... "
                    "['|' COMMAND [ARGUMENT]...]...\n");
    exit(EXIT_USAGE);
}

int main(int argc, char *argv[]) {
    int option;
    while ((option = getopt(argc, argv, "+fi:o:a:")) != -1) { /* +: up to the first command */
        if (option == '?')
            usage();
        /* yours: optarg is the FILE */
    }
    if (optind == argc)
        usage();
    /* yours: argv + optind are the words of all commands, with `|` in between */
    errno = ENOSYS;
    perror("pipeline: nothing is done yet");
    return EXIT_FAILURE;
}
