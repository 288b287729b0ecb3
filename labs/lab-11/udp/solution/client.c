/*
 * client ADDRESS PORT WAIT TRIES
 *
 * Sends each line of standard input to a server in a datagram of its own, and prints the number
 * that the server answers. When no answer comes within WAIT milliseconds it sends the same datagram
 * again, TRIES times in all.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TEXT = 1000, MAX_WAIT_MS = 60000, MAX_TRIES = 100, EXIT_USAGE = 2 };

/* As they travel: each number in network byte order. */
struct request {
    uint32_t client, number;
    char text[MAX_TEXT];
};

struct answer {
    uint32_t client, number, line;
};

enum { HEADER = offsetof(struct request, text) };

struct conversation {
    int server;
    int wait_ms, tries;
    struct request request; /* the one that is to be answered */
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr, "client: %s\nusage: client ADDRESS PORT WAIT TRIES\n", why);
    exit(EXIT_USAGE);
}

static int number(const char *text, int max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < 1 || value > max)
        usage("PORT is a number up to 65535, WAIT up to 60000, TRIES up to 100");
    return (int)value;
}

static struct sockaddr_in address_of(const char *host, const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        usage("ADDRESS is four numbers with dots between them");
    address.sin_port = htons((uint16_t)number(port, UINT16_MAX)); /* the network's byte order */
    return address;
}

/*
 * A socket for one partner. connect() sends nothing here: it says where send() goes, and that only
 * what comes from there is let in.
 */
static int socket_to(struct sockaddr_in address) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd == -1)
        die("client: socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == -1)
        die("client: connect");
    return fd;
}

/* A name that no other client has, wherever and whenever it was started. */
static uint32_t random_id(void) {
    uint32_t id;
    if (getrandom(&id, sizeof id, 0) != sizeof id)
        die("client: getrandom");
    return id;
}

/* Milliseconds on a clock that nobody sets. */
static long long now_ms(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
        die("client: clock_gettime");
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/*
 * Where nobody has the port, the other kernel says so: the next call on our socket fails, whichever
 * it is. To us that is one more lost datagram, as the server may be there for the next one.
 */
static void die_unless_refused(const char *what) {
    if (errno != ECONNREFUSED)
        die(what);
}

/* Whether a datagram has come by then. */
static bool arrives(int fd, long long deadline_ms) {
    long long left_ms = deadline_ms - now_ms();
    struct pollfd one = {.fd = fd, .events = POLLIN};
    int ready = poll(&one, 1, left_ms > 0 ? (int)left_ms : 0);
    if (ready == -1)
        die("client: poll");
    return ready == 1;
}

/* Whether the answer has come in time. Any other datagram makes the wait no longer. */
static bool is_answered(const struct conversation *talk, uint32_t *line) {
    const struct request *request = &talk->request;
    long long deadline_ms = now_ms() + talk->wait_ms;
    while (arrives(talk->server, deadline_ms)) {
        struct answer answer;
        /* MSG_TRUNC: the whole length of the datagram, also when it is longer than an answer. */
        ssize_t length = recv(talk->server, &answer, sizeof answer, MSG_TRUNC);
        if (length == -1)
            die_unless_refused("client: recv");
        else if (length == sizeof answer && answer.client == request->client &&
                 answer.number == request->number) {
            *line = ntohl(answer.line);
            return true;
        }
    }
    return false;
}

/* The number of the line that is in the request. */
static uint32_t ask(const struct conversation *talk, size_t text_length) {
    uint32_t line;
    for (int i = 0; i < talk->tries; i++) {
        if (send(talk->server, &talk->request, HEADER + text_length, 0) == -1)
            die_unless_refused("client: send");
        if (is_answered(talk, &line))
            return line;
    }
    fprintf(stderr, "client: no answer, and asked %d times\n", talk->tries);
    exit(EXIT_FAILURE);
}

static void converse(struct conversation *talk) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    for (uint32_t number = 1; (length = getline(&line, &size, stdin)) != -1; number++) {
        if (line[length - 1] == '\n')
            length--;
        if (length > MAX_TEXT) {
            fprintf(stderr, "client: a line is too long\n");
            exit(EXIT_FAILURE);
        }
        talk->request.number = htonl(number);
        memcpy(talk->request.text, line, (size_t)length);
        printf("%u\n", ask(talk, (size_t)length));
        if (fflush(stdout) == EOF)
            die("client: standard output");
    }
    if (ferror(stdin))
        die("client: standard input");
    free(line);
}

int main(int argc, char *argv[]) {
    if (argc != 5)
        usage("four arguments are needed");
    struct sockaddr_in address = address_of(argv[1], argv[2]);
    static struct conversation talk;
    talk.wait_ms = number(argv[3], MAX_WAIT_MS);
    talk.tries = number(argv[4], MAX_TRIES);
    talk.server = socket_to(address);
    talk.request.client = random_id();
    converse(&talk);
    close(talk.server);
    return EXIT_SUCCESS;
}
