/*
 * writer PATH NAME
 *
 * Writes each line of its standard input into a FIFO, with NAME in front.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_NO_READER = 3 };

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/*
 * One line, one write(): up to PIPE_BUF bytes go into a pipe as a whole or not at all (pipe(7)),
 * so that the lines of several writers never mix. printf() gives no such promise.
 */
static void write_line(int fifo, const char *name, const char *line) {
    char record[PIPE_BUF];
    int length = snprintf(record, sizeof record, "%s: %s\n", name, line);
    if (length < 0 || (size_t)length >= sizeof record) {
        fprintf(stderr, "writer: a line is longer than PIPE_BUF\n");
        exit(EXIT_FAILURE);
    }
    if (write(fifo, record, (size_t)length) != -1)
        return;
    if (errno != EPIPE)
        die("writer: write");
    fprintf(stderr, "writer: the reader has gone\n");
    exit(EXIT_NO_READER);
}

static void write_lines(int fifo, const char *name) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) != -1) {
        line[strcspn(line, "\n")] = '\0';
        write_line(fifo, name, line);
    }
    if (ferror(stdin))
        die("writer: standard input");
    free(line);
}

int main(int argc, char *argv[]) {
    if (argc != 3) {
        fprintf(stderr, "usage: writer PATH NAME\n");
        return EXIT_USAGE;
    }
    /* Without this, write() to a FIFO without a reader kills us before it can return EPIPE. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        die("writer: signal");

    int fifo = open(argv[1], O_WRONLY | O_CREAT, 0660); /* waits for a reader */
    if (fifo == -1)
        die("writer: open");
    write_lines(fifo, argv[2]);
    if (close(fifo) == -1)
        die("writer: close");
    return EXIT_SUCCESS;
}
