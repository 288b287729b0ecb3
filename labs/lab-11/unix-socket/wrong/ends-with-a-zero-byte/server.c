/*
 * server PATH
 *
 * Listens on a Unix socket, sends each client its own bytes back in upper case as they come, and
 * removes the socket file when SIGTERM or SIGINT ends it.
 *
 * One process serves them all: it sleeps in ppoll() until one of its sockets can go on, and no call
 * but that one ever waits.
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

enum { MAX_CLIENTS = 32, BUFFER_BYTES = 65536, EXIT_USAGE = 2 };

struct client {
    int fd;
    bool done;         /* a zero byte has come: that was all */
    size_t begin, end; /* buffer[begin] to buffer[end - 1] have still to be sent back */
    char buffer[BUFFER_BYTES];
};

static volatile sig_atomic_t stopped;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void note_signal(int signo) {
    (void)signo;
    stopped = 1;
}

/*
 * Blocks SIGTERM and SIGINT and gives the mask to wait with, in which they are not blocked: so they
 * come while we wait and at no other time, and none is missed between a test and the wait.
 */
static sigset_t catch_signals(void) {
    struct sigaction action = {.sa_handler = note_signal};
    sigset_t ours, before;
    sigemptyset(&action.sa_mask);
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    if (sigaction(SIGTERM, &action, NULL) == -1 || sigaction(SIGINT, &action, NULL) == -1)
        die("server: sigaction");
    if (sigprocmask(SIG_BLOCK, &ours, &before) == -1)
        die("server: sigprocmask");
    return before;
}

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "server: PATH is longer than a socket address\n");
        exit(EXIT_USAGE);
    }
    strcpy(address.sun_path, path);
    return address;
}

/* A listening socket with the name PATH, in the place of one that an earlier server left. */
static int listen_at(const char *path) {
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener == -1)
        die("server: socket");
    if (unlink(path) == -1 && errno != ENOENT) /* bind() never takes a name that exists */
        die("server: unlink");
    mode_t before = umask(0117); /* bind() makes the file with mode 0777 less the umask: 0660 */
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("server: bind");
    umask(before);
    if (listen(listener, SOMAXCONN) == -1)
        die("server: listen");
    return listener;
}

/* Whether a call that must not wait failed for no worse reason than that. */
static bool only_later(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void to_upper(char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 'a' + 'A');
}

/* Fills the empty buffer. False when nothing more will come, and everything has been sent back. */
static bool receive(struct client *client) {
    ssize_t length = recv(client->fd, client->buffer, BUFFER_BYTES, MSG_DONTWAIT);
    if (length <= 0)
        return length == -1 && only_later();
    const char *zero = memchr(client->buffer, '\0', (size_t)length);
    client->done = zero != NULL;
    client->begin = 0;
    client->end = client->done ? (size_t)(zero - client->buffer) : (size_t)length;
    to_upper(client->buffer, client->end);
    return client->end > 0;
}

/* Sends as much as fits; the rest waits for its turn. False when the client has gone. */
static bool send_back(struct client *client) {
    const char *rest = client->buffer + client->begin;
    size_t length = client->end - client->begin;
    /* Without MSG_NOSIGNAL a client that has gone would kill us with SIGPIPE. */
    ssize_t sent = send(client->fd, rest, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == -1)
        return only_later();
    client->begin += (size_t)sent;
    return client->begin < client->end || !client->done;
}

/* A client with something to be sent back is not read from: that is how a fast one is held up. */
static bool has_output(const struct client *client) {
    return client->begin < client->end;
}

/* Takes a waiting client in. Whatever accept() has to complain about, the others are served on. */
static void take_in(int listener, struct client *clients, int *count) {
    int fd = accept(listener, NULL, NULL);
    if (fd == -1)
        return;
    clients[*count].fd = fd;
    clients[*count].begin = clients[*count].end = 0;
    ++*count;
}

static void let_go(struct client *clients, int index, int *count) {
    close(clients[index].fd);
    --*count;
    if (index < *count)
        clients[index] = clients[*count]; /* the last one fills the gap */
}

/* What to wait for. With all places taken nobody is let in: poll() passes over a negative fd. */
static void choose_events(struct pollfd *set, int listener, const struct client *clients, int n) {
    set[0] = (struct pollfd){.fd = n < MAX_CLIENTS ? listener : -1, .events = POLLIN};
    for (int i = 0; i < n; i++) {
        short events = has_output(&clients[i]) ? POLLOUT : POLLIN;
        set[i + 1] = (struct pollfd){.fd = clients[i].fd, .events = events};
    }
}

static void serve(int listener, const sigset_t *mask_while_waiting) {
    static struct client clients[MAX_CLIENTS];
    struct pollfd set[1 + MAX_CLIENTS];
    int count = 0;
    while (!stopped) {
        choose_events(set, listener, clients, count);
        if (ppoll(set, (nfds_t)count + 1, NULL, mask_while_waiting) == -1) {
            if (errno == EINTR)
                continue;
            perror("server: ppoll");
            return;
        }
        for (int i = count - 1; i >= 0; i--) { /* backwards: let_go() moves the last one */
            if (set[i + 1].revents == 0)
                continue;
            bool goes_on = has_output(&clients[i]) ? send_back(&clients[i]) : receive(&clients[i]);
            if (!goes_on)
                let_go(clients, i, &count);
        }
        if (set[0].revents != 0)
            take_in(listener, clients, &count);
    }
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: server PATH\n");
        return EXIT_USAGE;
    }
    sigset_t mask_while_waiting = catch_signals();
    int listener = listen_at(argv[1]);
    serve(listener, &mask_while_waiting);
    if (unlink(argv[1]) == -1)
        die("server: unlink");
    return stopped ? EXIT_SUCCESS : EXIT_FAILURE;
}
