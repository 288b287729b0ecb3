/*
 * conduit pipe COMMAND COMMAND | r COMMAND | w COMMAND... | r+ COMMAND
 *
 * Joins commands to each other, or to our own standard input and output, by pipes of our own make.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sockpipe.h"

enum { READING, WRITING, PIECE = 4096, MOST_COMMANDS = 16, EXIT_USAGE = 2, SIGNALLED = 128 };

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static _Noreturn void usage(void) {
    fprintf(stderr, "usage: conduit pipe COMMAND COMMAND | r COMMAND | w COMMAND... | r+ COMMAND\n"
                    "with at most 16 commands\n");
    exit(EXIT_USAGE);
}

/* The exit status that stands for a wait status: as a shell, 128 and the number of the signal. */
static int told(int status) {
    if (status == -1)
        die("conduit: wait");
    return WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

static int started(const char *command, const char *mode) {
    int fd = sock_popen(command, mode);
    if (fd == -1)
        die("conduit: sock_popen");
    return fd;
}

/* What can be read now, or sleeps until there is something; 0 at the end. */
static size_t take(int fd, char piece[PIECE]) {
    ssize_t got = read(fd, piece, PIECE);
    if (got == -1 && fd != STDIN_FILENO && errno == ECONNRESET)
        return 0; /* the command has gone with bytes of ours unread: sockets tell, a pipe would not
                   */
    if (got == -1)
        die("conduit: read");
    return (size_t)got;
}

static void print(const char *piece, size_t size) {
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, piece, size);
        if (written == -1)
            die("conduit: standard output");
        piece += written;
        size -= (size_t)written;
    }
}

/*
 * How much the command's socket took, with MSG_DONTWAIT perhaps nothing; -1 when nobody reads any
 * more. MSG_NOSIGNAL, because SIGPIPE, once ignored, would be ignored in the commands, too.
 */
static ssize_t offer(int fd, const char *piece, size_t size, int flags) {
    ssize_t sent = send(fd, piece, size, flags | MSG_NOSIGNAL);
    if (sent == -1 && errno == EAGAIN)
        return 0;
    if (sent == -1 && errno != EPIPE && errno != ECONNRESET)
        die("conduit: send");
    return sent;
}

/* ---- conduit pipe ---- */

static int join(const char *first, const char *second) {
    int ends[2], status;
    if (sock_pipe(ends) == -1)
        die("conduit: sock_pipe");
    pid_t writer = sock_spawn(first, STDIN_FILENO, ends[WRITING]);
    pid_t reader = sock_spawn(second, ends[READING], STDOUT_FILENO);
    if (writer == -1 || reader == -1)
        die("conduit: fork");
    if (close(ends[READING]) == -1 || close(ends[WRITING]) == -1)
        die("conduit: close");
    if (waitpid(writer, &status, 0) == -1 || waitpid(reader, &status, 0) == -1)
        die("conduit: wait");
    return told(status);
}

/* ---- conduit r ---- */

static int listen_to(const char *command) {
    char piece[PIECE];
    size_t size;
    int fd = started(command, "r");
    while ((size = take(fd, piece)) > 0)
        print(piece, size);
    return told(sock_pclose(fd));
}

/* ---- conduit w ---- */

static bool sent_all(int fd, const char *piece, size_t size) {
    while (size > 0) {
        ssize_t sent = offer(fd, piece, size, 0);
        if (sent == -1)
            return false;
        piece += sent;
        size -= (size_t)sent;
    }
    return true;
}

static int tell_all(int count, char *commands[]) {
    int fds[MOST_COMMANDS], status = 0, listening = count;
    bool listens[MOST_COMMANDS];
    char piece[PIECE];
    size_t size;
    for (int i = 0; i < count; i++) {
        fds[i] = started(commands[i], "w");
        listens[i] = true;
    }
    while (listening > 0 && (size = take(STDIN_FILENO, piece)) > 0)
        for (int i = 0; i < count; i++)
            if (listens[i] && !sent_all(fds[i], piece, size)) {
                listens[i] = false;
                listening--;
            }
    for (int i = 0; i < count; i++)
        status = told(sock_pclose(fds[i]));
    return status;
}

/* ---- conduit r+ ---- */

struct talk {
    int fd;
    bool has_input;  /* ours has not ended, and the command still listens */
    size_t from, to; /* what of the piece has still to be sent */
    char piece[PIECE];
};

static void no_more_input(struct talk *talk) {
    talk->has_input = false;
    talk->from = talk->to;
    /* The command sees the end of file, and can still answer: close() would end both directions. */
    if (shutdown(talk->fd, SHUT_WR) == -1)
        die("conduit: shutdown");
}

static void read_input(struct talk *talk) {
    talk->from = 0;
    talk->to = take(STDIN_FILENO, talk->piece);
    if (talk->to == 0)
        no_more_input(talk);
}

static void send_input(struct talk *talk) {
    size_t left = talk->to - talk->from;
    ssize_t sent = offer(talk->fd, talk->piece + talk->from, left, MSG_DONTWAIT);
    if (sent == -1)
        no_more_input(talk);
    else
        talk->from += (size_t)sent;
}

/* Whether there was something: nothing is the end of what the command says. */
static bool print_answer(int fd) {
    char piece[PIECE];
    size_t size = take(fd, piece);
    print(piece, size);
    return size > 0;
}

/*
 * Both directions at once. Whoever first sends everything and then reads waits for a command that
 * waits for him, as soon as the buffers of both directions are full.
 */
static int talk_to(const char *command) {
    struct talk talk = {.fd = started(command, "r+"), .has_input = true};
    for (;;) {
        bool pending = talk.from < talk.to;
        struct pollfd command_side = {talk.fd, (short)(POLLIN | (pending ? POLLOUT : 0)), 0};
        struct pollfd input = {talk.has_input && !pending ? STDIN_FILENO : -1, POLLIN, 0};
        struct pollfd waits[] = {command_side, input};
        if (poll(waits, 2, -1) == -1)
            die("conduit: poll");
        if (waits[0].revents & ~POLLOUT && !print_answer(talk.fd))
            return told(sock_pclose(talk.fd));
        if (waits[0].revents & POLLOUT)
            send_input(&talk);
        if (waits[1].revents != 0)
            read_input(&talk);
    }
}

int main(int argc, char *argv[]) {
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "pipe") == 0 && argc == 4)
        return join(argv[2], argv[3]);
    if (strcmp(how, "r") == 0 && argc == 3)
        return listen_to(argv[2]);
    if (strcmp(how, "w") == 0 && argc > 2 && argc <= 2 + MOST_COMMANDS)
        return tell_all(argc - 2, argv + 2);
    if (strcmp(how, "r+") == 0 && argc == 3)
        return talk_to(argv[2]);
    usage();
}
