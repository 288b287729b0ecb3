/*
 * server PORT
 *
 * Numbers the lines that clients send, one in a datagram, prints each of them once, and answers
 * with the number. A client that has no answer sends its request again: then it gets the same
 * answer, and nothing is done twice.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { MAX_TEXT = 1000, MAX_CLIENTS = 1024, EXIT_USAGE = 2 };

/* As they travel: each number in network byte order. */
struct request {
    uint32_t client, number;
    char text[MAX_TEXT + 1]; /* one more, so that we see when a datagram is too long */
};

struct answer {
    uint32_t client, number, line;
};

enum { HEADER = offsetof(struct request, text) };

/* What a client was answered last. More need not be known: it asks nothing before it has that. */
struct client {
    uint32_t id;
    uint32_t number; /* of its request; 0 before the first one */
    uint32_t line;
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static uint16_t port_number(const char *text) {
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || port < 1 || port > UINT16_MAX) {
        fprintf(stderr, "server: PORT is a number from 1 to 65535\n");
        exit(EXIT_USAGE);
    }
    return (uint16_t)port;
}

/* There is no listen() and no accept(): one socket is enough for all clients. */
static int socket_on(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons(port);              /* the network's byte order, not ours */
    address.sin_addr.s_addr = htonl(INADDR_ANY); /* every address of this host */
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd == -1)
        die("server: socket");
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1)
        die("server: bind");
    return fd;
}

/*
 * What we know of a client; NULL when that is nothing. Who comes with request 1 is new: it gets a
 * place, if need be that of the client who has been here longest.
 */
static struct client *client_of(uint32_t id, uint32_t number) {
    static struct client clients[MAX_CLIENTS];
    static size_t count;
    size_t known = count < MAX_CLIENTS ? count : MAX_CLIENTS;
    for (size_t i = 0; i < known; i++)
        if (clients[i].id == id)
            return &clients[i];
    if (number != 1)
        return NULL;
    struct client *client = &clients[count++ % MAX_CLIENTS];
    *client = (struct client){.id = id};
    return client;
}

/* Prints a line now, not when a buffer is full. */
static void print_line(uint32_t number, const char *text, size_t length) {
    printf("%u ", number);
    fwrite(text, 1, length, stdout);
    if (putchar('\n') == EOF || fflush(stdout) == EOF)
        die("server: standard output");
}

/* The client whose request this is, with its answer in it; NULL when there is nothing to answer. */
static const struct client *handle(const struct request *request, size_t length) {
    static uint32_t lines;
    uint32_t number = ntohl(request->number);
    struct client *client = client_of(request->client, number);
    if (client == NULL)
        return NULL;
    if (number == client->number) /* it has been done: our answer was lost, or is late */
        return client;
    if (number != client->number + 1) /* an old one that was long on its way */
        return NULL;
    client->number = number;
    client->line = ++lines;
    print_line(client->line, request->text, length - HEADER);
    return client;
}

static void serve(int fd) {
    struct request request;
    struct sockaddr_in from;
    socklen_t from_length = sizeof from;
    /* One call, one datagram: what does not fit is lost, what is missing never comes. */
    ssize_t length =
        recvfrom(fd, &request, sizeof request, 0, (struct sockaddr *)&from, &from_length);
    if (length == -1)
        die("server: recvfrom");
    if (length < HEADER || length > HEADER + MAX_TEXT) /* 0, too, is a length like any other */
        return;
    const struct client *client = handle(&request, (size_t)length);
    if (client == NULL)
        return;
    struct answer answer = {client->id, htonl(client->number), htonl(client->line)};
    if (sendto(fd, &answer, sizeof answer, 0, (struct sockaddr *)&from, from_length) == -1)
        perror("server: sendto"); /* no worse than an answer that is lost on its way */
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: server PORT\n");
        return EXIT_USAGE;
    }
    int fd = socket_on(port_number(argv[1]));
    for (;;)
        serve(fd);
}
