/*
 * reader PATH
 *
 * Makes a FIFO, prints the lines of all its writers as they come and at the end how many there
 * were, and removes the FIFO: also when SIGTERM or SIGINT ends it earlier.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0660, EXIT_USAGE = 2 };

static const char *fifo_path; /* for the signal handler and the end of the program */

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void remove_fifo(void) {
    if (unlink(fifo_path) == -1)
        perror("reader: unlink");
}

/* Makes the FIFO, or takes over the one that a killed reader left. Anything else stays as it is. */
static void make_fifo(const char *path) {
    struct stat status;
    if (mkfifo(path, MODE) == 0)
        return;
    if (errno != EEXIST || lstat(path, &status) == -1)
        die("reader: mkfifo");
    if (!S_ISFIFO(status.st_mode)) {
        fprintf(stderr, "reader: %s is there and is not a FIFO\n", path);
        exit(EXIT_FAILURE);
    }
}

/* A handler may call only what signal-safety(7) lists: unlink() and _exit() are, exit() is not. */
static void leave(int signo) {
    (void)signo;
    unlink(fifo_path);
    _exit(EXIT_FAILURE); /* there was no end of file */
}

static void remove_at_end(const char *path) {
    struct sigaction action = {.sa_handler = leave};
    fifo_path = path; /* before the handler can run */
    sigemptyset(&action.sa_mask);
    if (atexit(remove_fifo) != 0)
        die("reader: atexit");
    if (sigaction(SIGTERM, &action, NULL) == -1 || sigaction(SIGINT, &action, NULL) == -1)
        die("reader: sigaction");
}

/* Holds SIGTERM and SIGINT back, or lets them come: one that comes between mkfifo() and sigaction()
 * would leave the FIFO. */
static void hold(int how) {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    if (sigprocmask(how, &ending, NULL) == -1)
        die("reader: sigprocmask");
}

/* Prints one line now: standard output may be a pipe, which stdio would fill before it writes. */
static void print_line(const char *line, size_t length) {
    if (line[length - 1] == '\n')
        length--;
    fwrite(line, 1, length, stdout);
    if (putchar('\n') == EOF || fflush(stdout) == EOF)
        die("reader: standard output");
}

/*
 * The number of lines until the last writer has closed the FIFO.
 *
 * A read() gives what is there: half a line, or three of them. getline() reads on until it has one.
 */
static unsigned long print_lines(FILE *fifo) {
    char *line = NULL;
    size_t size = 0;
    unsigned long count = 0;
    ssize_t length;
    while ((length = getline(&line, &size, fifo)) != -1) {
        print_line(line, (size_t)length);
        count++;
    }
    if (ferror(fifo))
        die("reader: read");
    free(line);
    return count;
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: reader PATH\n");
        return EXIT_USAGE;
    }
    hold(SIG_BLOCK);
    make_fifo(argv[1]);
    /* Killed by SIGKILL, we leave a FIFO: the next reader takes it over. */
    remove_at_end(argv[1]);
    hold(SIG_UNBLOCK);

    /* For reading only: whoever has the writing end open, too, waits for its own end of file. */
    FILE *fifo = fopen(argv[1], "r"); /* waits in open() for a writer */
    if (fifo == NULL)
        die("reader: open");
    unsigned long count = print_lines(fifo);
    if (fclose(fifo) == EOF)
        die("reader: close");
    if (printf("lines: %lu\n", count) < 0 || fflush(stdout) == EOF)
        die("reader: standard output");
    return EXIT_SUCCESS; /* remove_fifo() runs now */
}
