/*
 * server PORT
 *
 * Tells each client the address and the port that it comes from, over IPv4 and over IPv6, with one
 * socket for both.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE_BYTES = NI_MAXHOST + sizeof " 65535\n", EXIT_USAGE = 2 };

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

static void set(int fd, int level, int option, int value) {
    if (setsockopt(fd, level, option, &value, sizeof value) == -1)
        die("server: setsockopt");
}

/* One socket for every address that this host has, of either family. */
static int listen_on(uint16_t port) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    address.sin6_port = htons(port);
    int listener = socket(AF_INET6, SOCK_STREAM, 0);
    if (listener == -1)
        die("server: socket");
    /* Let IPv4 in, too. What a socket does that nobody has told differs from host to host. */
    set(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    /* We close first, so it is our port that connections in TIME_WAIT would keep. */
    set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("server: bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("server: listen");
    return listener;
}

/* An IPv4 client, as an IPv6 socket sees it, is ::ffff:a.b.c.d: here is what it calls itself. */
static struct sockaddr_in plain(const struct sockaddr_in6 *mapped) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = mapped->sin6_port};
    memcpy(&address.sin_addr, &mapped->sin6_addr.s6_addr[12], sizeof address.sin_addr);
    return address;
}

/* An address in numbers. getnameinfo(), unlike inet_ntop(), writes the zone of a link-local one. */
static void write_address(const struct sockaddr *address, socklen_t length, char *text) {
    int error = getnameinfo(address, length, text, NI_MAXHOST, NULL, 0, NI_NUMERICHOST);
    if (error != 0) {
        fprintf(stderr, "server: getnameinfo: %s\n", gai_strerror(error));
        exit(EXIT_FAILURE);
    }
}

static void write_line(const struct sockaddr_in6 *client, char *line) {
    if (IN6_IS_ADDR_V4MAPPED(&client->sin6_addr)) {
        struct sockaddr_in address = plain(client);
        write_address((struct sockaddr *)&address, sizeof address, line);
    } else {
        write_address((const struct sockaddr *)client, sizeof *client, line);
    }
    sprintf(line + strlen(line), " %u\n", ntohs(client->sin6_port));
}

static void serve(int fd, const struct sockaddr_in6 *client) {
    char line[LINE_BYTES];
    write_line(client, line);
    if (fputs(line, stdout) == EOF || fflush(stdout) == EOF)
        die("server: standard output");
    /* A line fits into the buffer of a new connection: this never waits. */
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) == -1)
        perror("server: send"); /* it has gone: that is its own affair */
    close(fd);
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: server PORT\n");
        return EXIT_USAGE;
    }
    int listener = listen_on(port_number(argv[1]));
    for (;;) {
        struct sockaddr_in6 client;
        socklen_t length = sizeof client;
        int fd = accept(listener, (struct sockaddr *)&client, &length);
        if (fd != -1)
            serve(fd, &client);
        else
            perror("server: accept"); /* a client that has gone while it waited, say */
    }
}
