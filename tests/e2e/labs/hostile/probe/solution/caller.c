/*
 * caller - calls a port of each address, over TCP and UDP, with and without a device of its own
 * choice, all at once, and prints a line for each call that was answered.
 *
 *     caller PORT ADDRESS...
 */
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 700 };

/* Whether there is somebody: a connection is made, or an answer comes. */
static int is_answered(const struct addrinfo *address, const char *device) {
    const int on = 1;
    const int number = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK, 0);
    struct pollfd wait = {.fd = number};
    char answer[16];

    setsockopt(number, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    if (*device && setsockopt(number, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device)) == -1)
        return 0;
    if (address->ai_socktype == SOCK_DGRAM) {
        if (sendto(number, "hello", 5, 0, address->ai_addr, address->ai_addrlen) == -1)
            return 0;
        wait.events = POLLIN;
        return poll(&wait, 1, PATIENCE_MS) == 1 && recv(number, answer, sizeof answer, 0) > 0;
    }
    if (connect(number, address->ai_addr, address->ai_addrlen) == 0)
        return 1;
    wait.events = POLLOUT;
    return poll(&wait, 1, PATIENCE_MS) == 1 && wait.revents == POLLOUT;
}

static void call(const char *host, const char *port, int type, const char *device) {
    const struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;

    if (fork() > 0)
        return;
    if (getaddrinfo(host, port, &hints, &found) == 0 && is_answered(found, device))
        printf("%s %s %s\n", type == SOCK_STREAM ? "TCP" : "UDP", host, device);
    exit(EXIT_SUCCESS);
}

int main(int argc, char **argv) {
    for (int i = 2; i < argc; i++) {
        call(argv[i], argv[1], SOCK_STREAM, "");
        call(argv[i], argv[1], SOCK_STREAM, "eth0");
        call(argv[i], argv[1], SOCK_DGRAM, "");
        call(argv[i], argv[1], SOCK_DGRAM, "eth0");
    }
    while (wait(NULL) > 0)
        ;
    return 0;
}
