/*
 * client ADDRESS PORT
 *
 * Sends each line of standard input to the server and prints the answer; at the end of the input it
 * says so, and prints the server's last line.
 *
 * Manual pages: fdopen(3), dup(2), fgets(3), fread(3), ferror(3), fflush(3), shutdown(2), tcp(7)
 */
#include <stdio.h>

enum { EXIT_USAGE = 2 };

int main(int argc, char *argv[]) {
    if (argc != 3) {
        fprintf(stderr, "usage: client ADDRESS PORT\n");
        return EXIT_USAGE;
    }
    (void)argv; /* yours: connect, a stream for each direction, and who waits for whom? */
    return 1;
}
