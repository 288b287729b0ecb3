/*
 * flow WRITERS RECORDS SIZE [ignore]
 *
 * Several writers, one pipe, one reader. Each writer is a child process that writes RECORDS records
 * of SIZE bytes; the parent takes out as many bytes as its standard input says.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READING, WRITING, MAX_WRITERS = 26, MAX_SIZE = 1 << 20, EXIT_USAGE = 2, EXIT_NO_READER = 3 };

struct task {
    long records;
    size_t size;
    bool ignore; /* SIGPIPE */
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: flow WRITERS RECORDS SIZE [ignore], WRITERS up to %d, SIZE 2 to %d\n",
            MAX_WRITERS, MAX_SIZE);
    exit(EXIT_USAGE);
}

/* The decimal number at the beginning of a text; -1 unless it ends there and is in the range. */
static long number(const char *text, long min, long max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool whole = isdigit((unsigned char)*text) && *end == '\0' && errno == 0;
    return whole && value >= min && value <= max ? value : -1;
}

/* ---- a writer: _exit(), because exit() would print once more what the parent has buffered ---- */

static void give_up(void) {
    bool no_reader = errno == EPIPE;
    perror("flow: writer");
    _exit(no_reader ? EXIT_NO_READER : EXIT_FAILURE);
}

/*
 * Up to PIPE_BUF bytes go into a pipe as a whole or not at all (pipe(7)), so that records don't
 * mix. Of a longer one write() may take a part: it returns when a signal comes in between.
 */
static void put(int end, const char *record, size_t size) {
    while (size > 0) {
        ssize_t taken = write(end, record, size); /* sleeps while there is no room */
        if (taken == -1)
            give_up();
        record += taken;
        size -= (size_t)taken;
    }
}

static void write_records(int end, char letter, const struct task *task) {
    char *record = malloc(task->size);
    if (record == NULL || signal(SIGPIPE, task->ignore ? SIG_IGN : SIG_DFL) == SIG_ERR)
        give_up();
    memset(record, letter, task->size - 1);
    record[task->size - 1] = '\n';
    for (long written = 0; written < task->records; written++)
        put(end, record, task->size);
    free(record);
    _exit(EXIT_SUCCESS);
}

static pid_t start_writer(const int ends[2], char letter, const struct task *task) {
    pid_t child = fork();
    if (child == 0) {
        /* As long as any writer had this end open, the pipe would have a reader. */
        if (close(ends[READING]) == -1)
            give_up();
        write_records(ends[WRITING], letter, task);
    }
    return child;
}

/* ---- the reader ---- */

static void close_end(int end) {
    if (close(end) == -1)
        die("flow: close");
}

/* Takes out `count` bytes, or what there is until the last writer has gone, and prints them. */
static void pour(int end, size_t count) {
    char piece[4096];
    while (count > 0) {
        ssize_t got = read(end, piece, count < sizeof piece ? count : sizeof piece);
        if (got == -1)
            die("flow: read");
        if (got == 0)
            return;
        if (fwrite(piece, 1, (size_t)got, stdout) < (size_t)got || fflush(stdout) == EOF)
            die("flow: standard output");
        count -= (size_t)got;
    }
}

static void follow_input(int end) {
    char line[32];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        long count = number(line, 1, LONG_MAX);
        if (count == -1) {
            fprintf(stderr, "flow: %s is no number of bytes\n", line);
            exit(EXIT_FAILURE);
        }
        pour(end, (size_t)count);
    }
    if (ferror(stdin))
        die("flow: standard input");
}

static void report(char letter, pid_t child) {
    int status;
    if (waitpid(child, &status, 0) == -1)
        die("flow: waitpid");
    if (WIFSIGNALED(status))
        printf("%c: signal %d\n", letter, WTERMSIG(status));
    else
        printf("%c: exit %d\n", letter, WEXITSTATUS(status));
}

static void run(int writers, const struct task *task) {
    int ends[2];
    pid_t children[MAX_WRITERS];
    if (pipe(ends) == -1)
        die("flow: pipe");
    for (int i = 0; i < writers; i++)
        if ((children[i] = start_writer(ends, (char)('a' + i), task)) == -1)
            die("flow: fork"); /* with us goes the only reader, and so the writers go, too */
    close_end(ends[WRITING]);  /* or we would wait for our own end of file */
    printf("ready\n");
    if (fflush(stdout) == EOF)
        die("flow: standard output");

    follow_input(ends[READING]);
    close_end(ends[READING]); /* whoever still writes learns it now */
    for (int i = 0; i < writers; i++)
        report((char)('a' + i), children[i]);
}

int main(int argc, char *argv[]) {
    if (argc != 4 && !(argc == 5 && strcmp(argv[4], "ignore") == 0))
        usage();
    long writers = number(argv[1], 1, MAX_WRITERS);
    struct task task = {.records = number(argv[2], 1, LONG_MAX), .ignore = argc == 5};
    long size = number(argv[3], 2, MAX_SIZE);
    if (writers == -1 || task.records == -1 || size == -1)
        usage();
    task.size = (size_t)size;
    run((int)writers, &task);
    if (fflush(stdout) == EOF)
        die("flow: standard output");
    return EXIT_SUCCESS;
}
