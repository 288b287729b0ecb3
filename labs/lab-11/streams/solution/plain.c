/*
 * plain PATH NAME...
 *
 * The same on a plain stream socket: one process, whose modules are functions that it calls.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "filter.h"
#include "message.h"

enum { MOST_FILTERS = 16, EXIT_USAGE = 2, EXIT_HANGUP = 3 };

static const struct filter *stack[MOST_FILTERS]; /* the lowest first, as they would be pushed */
static int height;
static int link_fd;
static atomic_bool released;

static void die(const char *what) {
    perror(what);
    _exit(EXIT_FAILURE);
}

static FILE *opened(int fd, const char *mode) {
    FILE *file = fd == -1 ? NULL : fdopen(fd, mode);
    if (file == NULL)
        die("plain: fdopen");
    return file;
}

static bool filtered_down(char *line, size_t *size) {
    for (int i = height - 1; i >= 0; i--)
        if (!stack[i]->down(line, size))
            return false;
    return true;
}

static bool filtered_up(char *line, size_t *size) {
    for (int i = 0; i < height; i++)
        if (!stack[i]->up(line, size))
            return false;
    return true;
}

/* A stream has no messages: here a newline ends each. False where the stream ends. */
static bool copy_line(FILE *from, filter_way *change, const char *before, FILE *to) {
    char line[CONTENTS + 1];
    if (fgets(line, sizeof line, from) == NULL)
        return false;
    size_t size = strcspn(line, "\n");
    if (!change(line, &size))
        return true;
    fputs(before, to);
    fwrite(line, 1, size, to);
    putc('\n', to);
    fflush(to);
    return true;
}

/* The way down has a thread of its own: neither way waits for the other. */
static void *send_input(void *unused) {
    FILE *out = opened(link_fd, "w");
    while (copy_line(stdin, filtered_down, "", out))
        ; /* when nobody reads any more, the rest is dropped: the way up sees whether all is over */
    released = true;
    /* We say no more, but go on listening. STREAMS had no call for it, and so a message. */
    if (shutdown(link_fd, SHUT_WR) == -1 && errno != ENOTCONN)
        die("plain: shutdown");
    return unused;
}

static void push(const char *name) {
    const struct filter *filter = filter_named(name);
    if (filter == NULL || height == MOST_FILTERS) {
        fprintf(stderr, "usage: plain PATH [upper|sum]..., with at most %d modules\n",
                MOST_FILTERS);
        exit(EXIT_USAGE);
    }
    stack[height++] = filter;
}

int main(int argc, char *argv[]) {
    pthread_t sender;
    if (argc < 2)
        push(""); /* which says what is wanted */
    for (int i = 2; i < argc; i++)
        push(argv[i]);
    signal(SIGPIPE, SIG_IGN); /* stdio can't be told MSG_NOSIGNAL */
    link_fd = message_connect(argv[1], SOCK_STREAM);
    if (link_fd == -1)
        die(argv[1]);
    FILE *in = opened(dup(link_fd), "r");
    if (pthread_create(&sender, NULL, send_input, NULL) != 0)
        die("plain: pthread_create");
    while (copy_line(in, filtered_up, "data ", stdout))
        if (ferror(stdout))
            die("plain: standard output");
    puts("hangup");
    fflush(stdout);
    _exit(released ? EXIT_SUCCESS : EXIT_HANGUP); /* exit() might wait for who reads stdin */
}
