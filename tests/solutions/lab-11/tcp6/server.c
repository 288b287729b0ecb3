/*
 * server PORT: tells each client where it comes from. No address is turned into one of another
 * family: what is behind ::ffff: is written by inet_ntop(), as the four bytes that it is. What a
 * client has sent by then is thrown away before close(), which would take the line back otherwise.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_at(uint16_t port) {
    const int no = 0, yes = 1;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1 ||
        bind(fd, (struct sockaddr *)&any, sizeof any) == -1 || listen(fd, SOMAXCONN) == -1)
        err(1, "port %d", port);
    return fd;
}

static int describe(const struct sockaddr_in6 *from, char *line, size_t size) {
    char address[NI_MAXHOST];
    if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr)) {
        inet_ntop(AF_INET, from->sin6_addr.s6_addr + 12, address, sizeof address);
    } else {
        int error = getnameinfo((const struct sockaddr *)from, sizeof *from, address,
                                sizeof address, NULL, 0, NI_NUMERICHOST);
        if (error != 0)
            errx(1, "getnameinfo: %s", gai_strerror(error));
    }
    return snprintf(line, size, "%s %d\n", address, ntohs(from->sin6_port));
}

static void tell(int client, const char *line, size_t n) {
    char nothing[4096];
    send(client, line, n, MSG_NOSIGNAL); /* or it has gone: nobody to tell */
    shutdown(client, SHUT_WR);
    while (recv(client, nothing, sizeof nothing, MSG_DONTWAIT) == sizeof nothing)
        ;
    close(client);
}

int main(int argc, char **argv) {
    char *end = "?";
    long port = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (*end != '\0' || port < 1 || port > UINT16_MAX) {
        fprintf(stderr, "usage: server PORT   (1 to 65535)\n");
        return 2;
    }
    int door = listen_at((uint16_t)port);
    for (;;) {
        struct sockaddr_in6 from;
        socklen_t size = sizeof from;
        int client = accept4(door, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
        if (client == -1) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK)
                err(1, "accept4");
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                sleep(1); /* it waits at the door until somebody has closed something */
            continue;
        }
        char line[NI_MAXHOST + 16];
        size_t length = (size_t)describe(&from, line, sizeof line);
        tell(client, line, length);
        if (dprintf(STDOUT_FILENO, "%s", line) < 0)
            err(1, "standard output");
    }
}
