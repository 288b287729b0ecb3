/*
 * client PATH
 *
 * Copies standard input to the server at PATH, and what the server sends to standard output, both
 * at the same time.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER_BYTES = 65536, EXIT_USAGE = 2, EXIT_NO_SERVER = 3 };

struct conversation {
    int server;
    bool input_ended;                  /* and the server was told so */
    unsigned long long sent, received; /* bytes */
    size_t begin, end;                 /* buffer[begin] to buffer[end - 1] are still to be sent */
    char buffer[BUFFER_BYTES];
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void server_has_gone(void) {
    fprintf(stderr, "client: the server has gone before its answer was complete\n");
    exit(EXIT_NO_SERVER);
}

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "client: PATH is longer than a socket address\n");
        exit(EXIT_USAGE);
    }
    strcpy(address.sun_path, path);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    if (server == -1)
        die("client: socket");
    if (connect(server, (struct sockaddr *)&address, sizeof address) == -1)
        die("client: connect");
    return server;
}

/* Whether a call that must not wait failed for no worse reason than that. */
static bool only_later(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Fills the empty buffer. The last byte that is sent is a zero. */
static void read_input(struct conversation *talk) {
    ssize_t length = read(STDIN_FILENO, talk->buffer, BUFFER_BYTES);
    if (length == -1)
        die("client: standard input");
    talk->begin = 0;
    talk->end = (size_t)length;
    talk->input_ended = length == 0;
    if (talk->input_ended) {
        talk->buffer[0] = '\0'; /* tells the server that this was all */
        talk->end = 1;
    }
}

/* Sends as much as fits. To wait for the rest would be to wait for a server that waits for us. */
static void send_some(struct conversation *talk) {
    const char *rest = talk->buffer + talk->begin;
    size_t length = talk->end - talk->begin;
    ssize_t sent = send(talk->server, rest, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == -1) {
        if (only_later())
            return;
        server_has_gone();
    }
    talk->begin += (size_t)sent;
    talk->sent += (size_t)sent;
}

static void print(const char *text, size_t length) {
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, text, length);
        if (written == -1)
            die("client: standard output");
        text += written;
        length -= (size_t)written;
    }
}

/* Prints what has come. False when the server has closed the connection. */
static bool receive(struct conversation *talk) {
    char text[BUFFER_BYTES];
    ssize_t length = recv(talk->server, text, sizeof text, MSG_DONTWAIT);
    if (length == -1 && only_later())
        return true;
    if (length <= 0) /* ECONNRESET: it closed with our bytes unread */
        return false;
    print(text, (size_t)length);
    talk->received += (size_t)length;
    return true;
}

/* Until the server closes the connection, serve whichever direction can go on. */
static void converse(struct conversation *talk) {
    for (;;) {
        bool has_output = talk->begin < talk->end;
        bool wants_input = !has_output && !talk->input_ended;
        struct pollfd set[] = {
            {.fd = wants_input ? STDIN_FILENO : -1,
             .events = POLLIN}, /* -1: poll() passes over it */
            {.fd = talk->server, .events = (short)(has_output ? POLLIN | POLLOUT : POLLIN)},
        };
        if (poll(set, 2, -1) == -1)
            die("client: poll");
        if ((set[1].revents & (POLLIN | POLLHUP | POLLERR)) && !receive(talk))
            return;
        if (set[1].revents & POLLOUT)
            send_some(talk);
        if (set[0].revents != 0)
            read_input(talk);
    }
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: client PATH\n");
        return EXIT_USAGE;
    }
    static struct conversation talk;
    talk.server = connect_to(argv[1]);
    converse(&talk);
    if (!talk.input_ended || talk.received + 1 != talk.sent)
        server_has_gone();
    close(talk.server);
    return EXIT_SUCCESS;
}
