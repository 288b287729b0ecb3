/*
 * client ADDRESS PORT TARGET
 *
 * Asks an HTTP server for TARGET, as HTTP/1.0, and prints the body of its answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_TARGET = 2000, MAX_HEAD = 65536, OK = 200 };
enum { EXIT_USAGE = 2, EXIT_STATUS = 3, EXIT_BROKEN = 4 };

/* An answer as far as it has come: its head, and the beginning of its body. */
struct answer {
    char bytes[MAX_HEAD + 1]; /* one more than is received: there is always a NUL */
    size_t length;
    size_t head; /* so many of the bytes are the head */
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static _Noreturn void usage(const char *why) {
    fprintf(stderr, "client: %s\nusage: client ADDRESS PORT TARGET\n", why);
    exit(EXIT_USAGE);
}

static _Noreturn void broken(const char *how) {
    fprintf(stderr, "client: %s\n", how);
    exit(EXIT_BROKEN);
}

/* ---- the request ---- */

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

/* A space or the end of a line in it would make another request of ours than we meant to send. */
static void check_target(const char *target) {
    size_t length = strlen(target);
    if (target[0] != '/' || length > MAX_TARGET)
        usage("TARGET begins with / and has at most 2000 characters");
    for (const char *c = target; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~')
            usage("TARGET is of visible characters of ASCII");
}

static int connect_to(struct sockaddr_in address) {
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server == -1)
        die("client: socket");
    if (connect(server, (struct sockaddr *)&address, sizeof address) == -1)
        die("client: connect");
    return server;
}

static void send_request(int server, const char *target, const char *host, const char *port) {
    char request[MAX_TARGET + 128];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n", target,
                        host, port);
    const char *next = request;
    for (size_t left = (size_t)size; left > 0;) {
        /* Without MSG_NOSIGNAL a server that has gone would kill us with SIGPIPE. */
        ssize_t sent = send(server, next, left, MSG_NOSIGNAL);
        if (sent == -1)
            broken("the server has gone before it was asked");
        next += sent;
        left -= (size_t)sent;
    }
}

/* ---- the answer ---- */

/* What has come, be it half a line; 0 at the end of the connection, which may also break. */
static size_t receive(int server, char *buffer, size_t room) {
    ssize_t received = recv(server, buffer, room, 0);
    if (received == -1)
        broken("the connection broke");
    return (size_t)received;
}

static void receive_head(int server, struct answer *answer) {
    const char *empty_line = NULL;
    answer->length = 0;
    while (empty_line == NULL) {
        size_t room = MAX_HEAD - answer->length;
        size_t received = receive(server, answer->bytes + answer->length, room);
        if (received == 0) /* no room, or nothing more will come */
            broken("the answer has no end of its head");
        answer->length += received;
        /* The empty line may have come in two pieces: look from the beginning. */
        empty_line = memmem(answer->bytes, answer->length, "\r\n\r\n", 4);
    }
    answer->head = (size_t)(empty_line - answer->bytes) + 4;
}

/* The number in the first line, `HTTP/1.0 200 OK`. */
static int status_of(const struct answer *answer) {
    int status;
    char after;
    if (sscanf(answer->bytes, "HTTP/1.%*1[0-9] %3d%c", &status, &after) != 2 ||
        (after != ' ' && after != '\r'))
        broken("the answer is not HTTP");
    return status;
}

static intmax_t number(const char *text) {
    char *end;
    errno = 0;
    intmax_t value = strtoimax(text, &end, 10);
    if (end == text || errno != 0 || value < 0)
        broken("the answer has no length that we understand");
    return value;
}

/* The value of Content-Length; -1 without one: the body goes on to the end of the connection. */
static intmax_t announced(const struct answer *answer) {
    static const char name[] = "content-length:";
    const char *end = answer->bytes + answer->head - 2;
    for (const char *line = answer->bytes; line < end;) {
        if (strncasecmp(line, name, strlen(name)) == 0)
            return number(line + strlen(name));
        line = (const char *)memmem(line, (size_t)(end - line) + 2, "\r\n", 2) + 2;
    }
    return -1;
}

static void print(const char *bytes, size_t size) {
    if (fwrite(bytes, 1, size, stdout) != size)
        die("client: standard output");
}

/* Prints `length` bytes, those first that came with the head; -1 means up to the end. */
static void print_body(int server, struct answer *answer, intmax_t length) {
    const char *piece = answer->bytes + answer->head;
    size_t size = answer->length - answer->head;
    for (;;) {
        if (length != -1 && (intmax_t)size > length)
            size = (size_t)length;
        print(piece, size);
        if (length != -1 && (length -= (intmax_t)size) == 0)
            return; /* whether the server closes now or not */
        piece = answer->bytes;
        size = receive(server, answer->bytes, MAX_HEAD);
        if (size == 0)
            break;
    }
    if (length != -1)
        broken("the answer ended too early");
}

int main(int argc, char *argv[]) {
    static struct answer answer;
    if (argc != 4)
        usage("three arguments are needed");
    struct sockaddr_in address = address_of(argv[1], argv[2]);
    check_target(argv[3]);

    int server = connect_to(address);
    send_request(server, argv[3], argv[1], argv[2]);
    receive_head(server, &answer);
    int status = status_of(&answer);
    if (status != OK) {
        fprintf(stderr, "client: the server's answer is %d\n", status);
        return EXIT_STATUS;
    }
    print_body(server, &answer, announced(&answer));
    close(server);
    if (fflush(stdout) == EOF)
        die("client: standard output");
    return EXIT_SUCCESS;
}
