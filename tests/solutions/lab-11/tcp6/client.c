/*
 * client HOST PORT: connects to the first address of HOST that lets it, and prints what comes. An
 * address that getaddrinfo(3) gives twice is tried once all the same. What comes goes from socket
 * to standard output by read() and write(), as it is.
 */
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(const char *what, const char *why) {
    fprintf(stderr, "client: %s: %s\n", what, why);
    return 1;
}

static bool was_tried(const struct addrinfo *all, const struct addrinfo *one) {
    for (; all != one; all = all->ai_next)
        if (all->ai_addrlen == one->ai_addrlen &&
            memcmp(all->ai_addr, one->ai_addr, one->ai_addrlen) == 0)
            return true;
    return false;
}

static int call(const struct addrinfo *all, char *address, socklen_t size) {
    for (const struct addrinfo *one = all; one != NULL; one = one->ai_next) {
        if (was_tried(all, one))
            continue;
        int why =
            getnameinfo(one->ai_addr, one->ai_addrlen, address, size, NULL, 0, NI_NUMERICHOST);
        if (why != 0)
            exit(failed("getnameinfo", gai_strerror(why)));
        int fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd != -1 && connect(fd, one->ai_addr, one->ai_addrlen) == 0)
            return fd;
        failed(address, strerror(errno));
        if (fd != -1)
            close(fd);
    }
    exit(1);
}

int main(int argc, char **argv) {
    char *end = "?", port[8], address[NI_MAXHOST];
    long number = argc == 3 ? strtol(argv[2], &end, 10) : 0;
    if (*end != '\0' || number < 1 || number > UINT16_MAX) {
        fprintf(stderr, "usage: client HOST PORT   (1 to 65535)\n");
        return 2;
    }
    snprintf(port, sizeof port, "%d", (uint16_t)number);

    const struct addrinfo wanted = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *all;
    int why = getaddrinfo(argv[1], port, &wanted, &all);
    if (why != 0)
        return failed(argv[1], gai_strerror(why));
    int server = call(all, address, sizeof address);
    freeaddrinfo(all);

    if (dprintf(STDOUT_FILENO, "connected to %s\n", address) < 0)
        return failed("standard output", strerror(errno));
    char block[16384];
    for (;;) {
        ssize_t n = read(server, block, sizeof block);
        if (n == 0)
            return 0;
        if (n == -1)
            return failed(address, strerror(errno));
        for (ssize_t at = 0, done; at < n; at += done)
            if ((done = write(STDOUT_FILENO, block + at, (size_t)(n - at))) == -1)
                return failed("standard output", strerror(errno));
    }
}
