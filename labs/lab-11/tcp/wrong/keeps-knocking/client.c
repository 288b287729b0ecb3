/*
 * client ADDRESS PORT
 *
 * Sends each line of standard input to a server as a message and prints the answer. A message is a
 * length, four bytes in network byte order, and that many bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_MESSAGE = 1 << 20, EXIT_USAGE = 2, EXIT_NO_SERVER = 3 };

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr, "client: %s\nusage: client ADDRESS PORT\n", why);
    exit(EXIT_USAGE);
}

static void server_has_gone(void) {
    fprintf(stderr, "client: the server has gone before it answered\n");
    exit(EXIT_NO_SERVER);
}

static struct sockaddr_in address_of(const char *host, const char *port_text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *end;
    errno = 0;
    long port = strtol(port_text, &end, 10);
    if (end == port_text || *end != '\0' || errno != 0 || port < 1 || port > UINT16_MAX)
        usage("PORT is a number from 1 to 65535");
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        usage("ADDRESS is four numbers with dots between them");
    address.sin_port = htons((uint16_t)port); /* the network's byte order, not ours */
    return address;
}

static int connect_to(struct sockaddr_in address) {
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server == -1)
        die("client: socket");
    while (connect(server, (struct sockaddr *)&address, sizeof address) == -1)
        usleep(100000); /* the server is not up yet */
    return server;
}

/* Sends all bytes; `flags` as for send(). A send() may take fewer than it was given. */
static void send_all(int server, const void *buffer, size_t length, int flags) {
    const char *next = buffer;
    while (length > 0) {
        /* Without MSG_NOSIGNAL a server that has gone would kill us with SIGPIPE. */
        ssize_t sent = send(server, next, length, flags | MSG_NOSIGNAL);
        if (sent == -1)
            server_has_gone();
        next += sent;
        length -= (size_t)sent;
    }
}

/* Receives exactly `length` bytes. One recv() gives what has arrived, be it half a number. */
static void receive_all(int server, void *buffer, size_t length) {
    char *next = buffer;
    while (length > 0) {
        ssize_t received = recv(server, next, length, 0);
        if (received <= 0) /* 0: it closed the connection; -1: the connection broke */
            server_has_gone();
        next += received;
        length -= (size_t)received;
    }
}

static void send_message(int server, const char *message, size_t length) {
    uint32_t header = htonl((uint32_t)length);
    /* MSG_MORE: wait for the rest, instead of a packet of four bytes of its own. */
    send_all(server, &header, sizeof header, MSG_MORE);
    send_all(server, message, length, 0);
}

/* The length of the message that came, which is now in `message`. */
static size_t receive_message(int server, char *message) {
    uint32_t header;
    receive_all(server, &header, sizeof header);
    uint32_t length = ntohl(header);
    if (length > MAX_MESSAGE) { /* never believe a length that somebody else says */
        fprintf(stderr, "client: the server announced a message that is too long\n");
        exit(EXIT_FAILURE);
    }
    receive_all(server, message, length);
    return length;
}

/* Prints an answer now, not when a buffer is full. */
static void print_line(const char *text, size_t length) {
    fwrite(text, 1, length, stdout);
    if (putchar('\n') == EOF || fflush(stdout) == EOF)
        die("client: standard output");
}

static void converse(int server) {
    static char answer[MAX_MESSAGE];
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, stdin)) != -1) {
        if (line[length - 1] == '\n')
            length--;
        if (length > MAX_MESSAGE) {
            fprintf(stderr, "client: a line is too long\n");
            exit(EXIT_FAILURE);
        }
        send_message(server, line, (size_t)length);
        print_line(answer, receive_message(server, answer));
    }
    if (ferror(stdin))
        die("client: standard input");
    free(line);
}

int main(int argc, char *argv[]) {
    if (argc != 3)
        usage("two arguments are needed");
    int server = connect_to(address_of(argv[1], argv[2]));
    converse(server);
    close(server);
    return EXIT_SUCCESS;
}
