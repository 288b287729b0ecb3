/* server PORT: answers messages with their bytes in reverse, a thread for each client. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT = 1 << 20 };

static bool answer(int fd, uint8_t *buf) {
    uint32_t head;
    if (recv(fd, &head, sizeof head, MSG_WAITALL) != sizeof head)
        return false;
    size_t n = ntohl(head);
    if (n > LIMIT)
        return false;
    memcpy(buf, &head, sizeof head);
    uint8_t *body = buf + sizeof head;
    for (size_t have = 0; have < n;) {
        ssize_t k = recv(fd, body + have, n - have, MSG_WAITALL);
        if (k <= 0)
            return false;
        have += (size_t)k;
    }
    for (size_t i = 0; i < n / 2; i++) {
        uint8_t keep = body[i];
        body[i] = body[n - 1 - i];
        body[n - 1 - i] = keep;
    }
    for (size_t done = 0, all = sizeof head + n; done < all;) {
        ssize_t k = send(fd, buf + done, all - done, MSG_NOSIGNAL);
        if (k == -1)
            return false;
        done += (size_t)k;
    }
    return true;
}

static void *serve(void *arg) {
    int fd = (int)(intptr_t)arg;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    uint8_t *buf = malloc(sizeof(uint32_t) + LIMIT);
    while (buf != NULL && answer(fd, buf))
        ;
    free(buf);
    close(fd);
    return NULL;
}

int main(int argc, char **argv) {
    char *end = "";
    long port = argc == 2 && argv[1][0] >= '0' && argv[1][0] <= '9' ? strtol(argv[1], &end, 10) : 0;
    if (port < 1 || port > 65535 || *end != '\0') {
        fprintf(stderr, "usage: server PORT\n");
        return 2;
    }
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_ANY)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        err(1, "socket");
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == -1)
        err(1, "setsockopt");
    if (bind(listener, (struct sockaddr *)&addr, sizeof addr) == -1)
        err(1, "bind to port %ld", port);
    if (listen(listener, SOMAXCONN) == -1)
        err(1, "listen");
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd == -1) {
            if (errno != EINTR && errno != ECONNABORTED)
                usleep(20000);
            continue;
        }
        pthread_t id;
        if (pthread_create(&id, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(id);
        else
            close(fd);
    }
}
