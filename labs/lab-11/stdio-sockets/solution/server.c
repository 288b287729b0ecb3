/*
 * server PORT
 *
 * Answers each line `COUNT TEXT` of a client with COUNT lines TEXT, and their size in front. Every
 * client has a process of its own, which talks with it through two streams of stdio.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIGITS "0123456789"

enum {
    LONGEST_LINE = 1000, /* with its newline */
    LONGEST_ANSWER = 1 << 20,
    BUFFER_BYTES = 1 << 14,
    EXIT_USAGE = 2
};

struct request {
    long count;
    const char *text;
};

static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static in_port_t port_number(const char *text) {
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || port < 1 || port > UINT16_MAX) {
        fprintf(stderr, "server: %s is no port number\n", text);
        exit(EXIT_USAGE);
    }
    return (in_port_t)port;
}

static int listen_on(in_port_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (listener == -1)
        die("server: socket");
    /* Children of a server before us may still have connections at this port. */
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        die("server: setsockopt");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("server: bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("server: listen");
    return listener;
}

/* Prints a line of the log at once, so that no process that we fork has it in its buffer, too. */
static void note(const char *what, long number, const char *rest) {
    if (printf("%s %ld%s\n", what, number, rest) < 0 || fflush(stdout) == EOF)
        die("server: standard output");
}

/* The client's next line, without its newline; empty when it is too long. False: there is none. */
static bool next_line(FILE *in, char line[LONGEST_LINE + 1]) {
    if (fgets(line, LONGEST_LINE + 1, in) == NULL)
        return false;
    size_t length = strcspn(line, "\n");
    bool whole = line[length] == '\n' || length < LONGEST_LINE; /* the last one may have none */
    line[whole ? length : 0] = '\0';
    while (!whole) {
        int next = getc(in);
        whole = next == '\n' || next == EOF;
    }
    return true;
}

static bool understand(const char *line, struct request *request) {
    size_t digits = strspn(line, DIGITS);
    if (digits == 0 || digits > 7 || line[digits] != ' ' || line[digits + 1] == '\0')
        return false;
    request->count = strtol(line, NULL, 10);
    request->text = line + digits + 1;
    return request->count > 0 &&
           request->count * ((long)strlen(request->text) + 1) <= LONGEST_ANSWER;
}

/* Whether the answer is on its way: what has only been printed lies in our own buffer. */
static bool answer(FILE *out, const char *line) {
    struct request request;
    if (!understand(line, &request)) {
        fputs("bad\n", out);
    } else {
        fprintf(out, "%ld\n", request.count * ((long)strlen(request.text) + 1));
        for (long i = 0; i < request.count && !ferror(out); i++)
            fprintf(out, "%s\n", request.text);
    }
    return fflush(out) == 0 && !ferror(out);
}

/* Whether all went well until the client had said all, and was told how many lines these were. */
static bool converse(FILE *in, FILE *out, long *answered) {
    char line[LONGEST_LINE + 1];
    while (next_line(in, line)) {
        if (!answer(out, line))
            return false;
        ++*answered;
    }
    if (ferror(in)) /* fgets() tells an error and the end in the same way */
        return false;
    fprintf(out, "total %ld\n", *answered);
    return fflush(out) == 0;
}

/*
 * A child's work. A stream for each direction, each with a descriptor of its own: one stream for
 * both would have to be told at every turn which way it goes.
 */
static void serve(int connection, long number) {
    static char buffer[BUFFER_BYTES]; /* without one the C library would choose the size */
    int copy = dup(connection);
    FILE *in = fdopen(connection, "r"), *out = copy == -1 ? NULL : fdopen(copy, "w");
    if (in == NULL || out == NULL || setvbuf(out, buffer, _IOFBF, sizeof buffer) != 0)
        die("server: fdopen");
    long answered = 0;
    char rest[24];
    if (converse(in, out, &answered)) {
        snprintf(rest, sizeof rest, " %ld", answered);
        note("closed", number, rest);
    } else {
        note("broken", number, "");
    }
    fclose(out); /* has been flushed, or could not be */
    fclose(in);
}

/* Gives the client a process; without the means to do so it is the client that has to go. */
static void take_in(int listener, int connection, long number) {
    note("open", number, "");
    switch (fork()) {
    case -1:
        perror("server: fork");
        break;
    case 0:
        close(listener); /* or the port would be ours for as long as the client likes */
        serve(connection, number);
        exit(EXIT_SUCCESS);
    }
    close(connection); /* or it would not end when the child closes it */
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: server PORT\n");
        return EXIT_USAGE;
    }
    in_port_t port = port_number(argv[1]);
    /* A stream that can't be written shall say so: the signal would end us without a word. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        die("server: signal");
    /* Nobody asks how the children ended: the kernel need not keep that for us. */
    if (signal(SIGCHLD, SIG_IGN) == SIG_ERR)
        die("server: signal");
    int listener = listen_on(port);
    for (long number = 1;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection != -1) {
            take_in(listener, connection, number++);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            perror("server: accept"); /* out of descriptors, say: some client will leave */
            sleep(1);
        }
    }
}
