/*
 * module PATH NAME
 *
 * Offers the module NAME at PATH. Whoever brings the two ends of a gap in a stream there gets a
 * process that fills it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "filter.h"
#include "message.h"

enum { BACKLOG = 64, EXIT_USAGE = 2, NOT_0660 = 0117 };

static const char *path;
static pid_t server;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* ---- one module in one stream ---- */

/* One direction. It holds one message, and while nobody takes that it reads no further one. */
struct way {
    int from, to;
    filter_way *change;
    bool full;
    struct message message;
};

static void hand_on(struct way *way) {
    if (message_send(way->to, &way->message, MSG_DONTWAIT) == -1) {
        if (errno == EAGAIN)
            return;
        if (errno != EPIPE && errno != ECONNRESET)
            die("module: send");
    }
    way->full = false; /* sent, or dropped because nobody is there any more */
}

/* Takes this module out of the stream: whoever is above gets our link to whoever is below. */
static _Noreturn void give_back(struct way *up) {
    struct message last = {.type = POP, .fd_count = 1, .fds = {up->from}};
    if (up->full && message_send(up->to, &up->message, 0) == -1)
        die("module: send");
    if (message_send(up->to, &last, 0) == -1)
        die("module: send");
    exit(EXIT_SUCCESS);
}

/* The next message if there is one. 0 at the end. */
static int take(struct way *way) {
    struct message *message = &way->message;
    int got = message_receive(way->from, message, MSG_DONTWAIT);
    if (got == -1 && errno != EAGAIN)
        die("module: receive");
    if (got == 1) {
        message_close_fds(message);
        way->full = message->type != DATA || way->change(message->contents, &message->size);
    }
    return got;
}

static void step_down(struct way *down, struct way *up) {
    if (!down->full && take(down) == 0)
        exit(EXIT_SUCCESS); /* the stream is closed, and all that came before has been passed on */
    if (down->full && down->message.type == POP && up->from != -1)
        give_back(up);
    if (down->full)
        hand_on(down);
}

static void step_up(struct way *up) {
    if (!up->full && take(up) == 0) {
        up->message = (struct message){.type = HANGUP};
        up->full = true;
        up->from = -1;
    }
    if (up->full)
        hand_on(up);
}

/* What a direction waits for: a message, or room for the one that it holds. */
static struct pollfd next_event(const struct way *way) {
    return (struct pollfd){way->full ? way->to : way->from, way->full ? POLLOUT : POLLIN, 0};
}

static _Noreturn void be_module(const struct filter *filter, int upper, int lower) {
    struct way down = {.from = upper, .to = lower, .change = filter->down};
    struct way up = {.from = lower, .to = upper, .change = filter->up};
    for (;;) {
        struct pollfd waits[] = {next_event(&down), next_event(&up)};
        if (poll(waits, 2, -1) == -1)
            die("module: poll");
        if (waits[1].revents != 0)
            step_up(&up);
        if (waits[0].revents != 0)
            step_down(&down, &up);
    }
}

/* ---- the place where modules are had ---- */

/* In a process of its own, so that somebody who connects and says nothing holds up nobody. */
static _Noreturn void serve(int client, const struct filter *filter) {
    struct message message;
    if (message_receive(client, &message, 0) != 1 || message.type != PUSH || message.fd_count != 2)
        exit(EXIT_FAILURE);
    close(client);
    be_module(filter, message.fds[0], message.fds[1]);
}

/* A child has this handler, too, until it has put it off. */
static void end(int number) {
    (void)number;
    if (getpid() == server)
        unlink(path);
    _exit(EXIT_SUCCESS);
}

static void on(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler};
    if (sigaction(number, &action, NULL) == -1)
        die("module: sigaction");
}

static int offered(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (fd == -1)
        die("module: socket");
    strcpy(address.sun_path, path); /* main() has looked whether it fits */
    if (unlink(path) == -1 && errno != ENOENT)
        die(path);
    umask(NOT_0660);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 || listen(fd, BACKLOG) == -1)
        die(path);
    return fd;
}

int main(int argc, char *argv[]) {
    const struct filter *filter = argc == 3 ? filter_named(argv[2]) : NULL;
    if (filter == NULL || strlen(argv[1]) >= sizeof((struct sockaddr_un *)0)->sun_path) {
        fprintf(stderr, "usage: module PATH upper|sum\n");
        return EXIT_USAGE;
    }
    path = argv[1];
    server = getpid();
    int listener = offered();
    on(SIGTERM, end);
    on(SIGINT, end);
    on(SIGCHLD, SIG_IGN); /* nobody asks how a module ended: none becomes a zombie */
    for (;;) {
        int client = accept(listener, NULL, NULL);
        pid_t child = client == -1 ? -1 : fork();
        if (child == 0) {
            on(SIGTERM, SIG_DFL);
            on(SIGINT, SIG_DFL);
            close(listener);
            serve(client, filter);
        }
        if (child == -1 && errno != EINTR && errno != ECONNABORTED)
            perror("module");
        if (client != -1)
            close(client);
    }
}
