/*
 * server PORT
 *
 * Answers each line `COUNT TEXT` of a client with COUNT lines TEXT, and their size in front.
 *
 * Manual pages: fdopen(3), dup(2), fgets(3), ferror(3), fflush(3), setvbuf(3), fork(2), tcp(7)
 */
#include <stdio.h>

enum { EXIT_USAGE = 2 };

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: server PORT\n");
        return EXIT_USAGE;
    }
    (void)argv; /* yours: listen, fork for each client, and talk with it through two streams */
    return 1;
}
