/*
 * client ADDRESS PORT
 *
 * Sends each line of standard input to the server and prints the answer, through two streams of
 * stdio on one connection; at the end of the input it says so, and prints the server's last line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIGITS "0123456789"

enum {
    LONGEST_ANSWER = 1 << 20,
    LONGEST_HEAD = 30, /* of an answer's first line */
    EXIT_USAGE = 2,
    EXIT_ENDED = 3,
    EXIT_BROKEN = 4
};

static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static _Noreturn void broken(void) {
    perror("client: the connection");
    exit(EXIT_BROKEN);
}

/* A stream from which less came than had to: that is an error or the end, and looks the same. */
static _Noreturn void incomplete(FILE *in) {
    if (ferror(in))
        broken();
    fprintf(stderr, "client: the server has ended the connection\n");
    exit(EXIT_ENDED);
}

static _Noreturn void nonsense(void) {
    fprintf(stderr, "client: the server's answer makes no sense\n");
    exit(EXIT_FAILURE);
}

static struct sockaddr_in make_address(const char *host, const char *port) {
    char *end;
    errno = 0;
    long number = strtol(port, &end, 10);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || errno != 0 || end == port ||
        *end != '\0' || number < 1 || number > UINT16_MAX) {
        fprintf(stderr, "client: %s %s is no address and port\n", host, port);
        exit(EXIT_USAGE);
    }
    return address;
}

static int connect_to(const struct sockaddr_in *address) {
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connection == -1)
        die("client: socket");
    if (connect(connection, (const struct sockaddr *)address, sizeof *address) == -1)
        die("client: connect");
    return connection;
}

static void print(const char *bytes, size_t size) {
    if (fwrite(bytes, 1, size, stdout) != size || fflush(stdout) == EOF)
        die("client: standard output");
}

/* Sends a line, which may lack its newline: what is not flushed stays in our own buffer. */
static void ask(FILE *out, const char *line, size_t length) {
    if (fwrite(line, 1, length, out) != length ||
        (line[length - 1] != '\n' && putc('\n', out) == EOF) || fflush(out) == EOF)
        broken();
}

/* Reads an answer's first line, newline and all. */
static void hear_line(FILE *in, char line[LONGEST_HEAD + 1]) {
    if (fgets(line, LONGEST_HEAD + 1, in) == NULL)
        incomplete(in);
    if (strchr(line, '\n') != NULL)
        return;
    if (strlen(line) < LONGEST_HEAD)
        incomplete(in);
    nonsense();
}

/* Prints an answer when all of it has come. */
static void hear_answer(FILE *in) {
    static char answer[LONGEST_ANSWER];
    char line[LONGEST_HEAD + 1];
    hear_line(in, line);
    if (strcmp(line, "bad\n") == 0) {
        print(line, strlen(line));
        return;
    }
    size_t digits = strspn(line, DIGITS), size = strtoul(line, NULL, 10);
    if (digits == 0 || line[digits] != '\n' || size > LONGEST_ANSWER)
        nonsense();
    /* Of the stream, not read() of the descriptor: some of it came together with the line. */
    if (fread(answer, 1, size, in) != size)
        incomplete(in);
    print(answer, size);
}

/* The server's last line, `total N`. */
static void hear_total(FILE *in) {
    char line[LONGEST_HEAD + 1];
    hear_line(in, line);
    if (strncmp(line, "total ", strlen("total ")) != 0)
        nonsense();
    const char *number = line + strlen("total ");
    size_t digits = strspn(number, DIGITS);
    if (digits == 0 || number[digits] != '\n')
        nonsense();
    print(line, strlen(line));
}

static void converse(FILE *in, FILE *out) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, stdin)) != -1) {
        ask(out, line, (size_t)length);
        hear_answer(in);
    }
    if (ferror(stdin))
        die("client: standard input");
    free(line);
    /* fclose(out) would only close a copy: `in` keeps the connection as it is. */
    if (shutdown(fileno(out), SHUT_WR) == -1)
        broken();
    hear_total(in);
}

int main(int argc, char *argv[]) {
    if (argc != 3) {
        fprintf(stderr, "usage: client ADDRESS PORT\n");
        return EXIT_USAGE;
    }
    struct sockaddr_in address = make_address(argv[1], argv[2]);
    /* A stream that can't be written shall say so: the signal would end us without a word. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        die("client: signal");
    int connection = connect_to(&address), copy = dup(connection);
    FILE *in = fdopen(connection, "r"), *out = copy == -1 ? NULL : fdopen(copy, "w");
    if (in == NULL || out == NULL)
        die("client: fdopen");
    converse(in, out);
    return EXIT_SUCCESS;
}
