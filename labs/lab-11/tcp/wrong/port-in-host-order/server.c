/*
 * server PORT
 *
 * Answers every message with the same bytes in reverse order. A message is a length, four bytes in
 * network byte order, and that many bytes. Each client has a thread, which may wait as long as it
 * likes without holding up the others.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_MESSAGE = 1 << 20, EXIT_USAGE = 2 };

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

/* A listening socket that other hosts can reach: one on 127.0.0.1 is for this host alone. */
static int listen_on(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = port;
    address.sin_addr.s_addr = htonl(INADDR_ANY); /* every address of this host */
    const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener == -1)
        die("server: socket");
    /* The last server's connections stay in TIME_WAIT for a minute: they must not keep us out. */
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        die("server: setsockopt");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("server: bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("server: listen");
    return listener;
}

/* Whether `length` bytes came. One recv() gives what has arrived, be it half a number. */
static bool receive_all(int fd, void *buffer, size_t length) {
    char *next = buffer;
    while (length > 0) {
        ssize_t received = recv(fd, next, length, 0);
        if (received <= 0) /* 0: the client has ended the conversation */
            return false;
        next += received;
        length -= (size_t)received;
    }
    return true;
}

/* Whether all bytes could be handed to the kernel; `flags` as for send(). */
static bool send_all(int fd, const void *buffer, size_t length, int flags) {
    const char *next = buffer;
    while (length > 0) {
        ssize_t sent = send(fd, next, length, flags);
        if (sent == -1)
            return false;
        next += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* The length of the message that came, which is now in `message`; -1 when there is none. */
static long receive_message(int fd, char *message) {
    uint32_t header;
    if (!receive_all(fd, &header, sizeof header))
        return -1;
    uint32_t length = ntohl(header);
    if (length > MAX_MESSAGE) /* never believe a length that somebody else says */
        return -1;
    return receive_all(fd, message, length) ? (long)length : -1;
}

static bool send_message(int fd, const char *message, size_t length) {
    uint32_t header = htonl((uint32_t)length);
    /* MSG_MORE: wait for the rest, instead of a packet of four bytes of its own. */
    return send_all(fd, &header, sizeof header, MSG_MORE) && send_all(fd, message, length, 0);
}

static void reverse(char *text, size_t length) {
    for (size_t i = 0; i < length / 2; i++) {
        char other = text[length - 1 - i];
        text[length - 1 - i] = text[i];
        text[i] = other;
    }
}

/* A thread's work: one client, until it has gone or talks nonsense. */
static void *serve(void *argument) {
    int fd = *(int *)argument;
    free(argument);
    char *message = malloc(MAX_MESSAGE);
    long length;
    while (message != NULL && (length = receive_message(fd, message)) != -1) {
        reverse(message, (size_t)length);
        if (!send_message(fd, message, (size_t)length))
            break;
    }
    free(message);
    close(fd);
    return NULL;
}

/* Gives the client a thread; without the means to do so it is the client that has to go. */
static void take_in(int fd, const pthread_attr_t *detached) {
    pthread_t thread;
    int *argument = malloc(sizeof *argument); /* one for each: the next accept() comes soon */
    if (argument != NULL) {
        *argument = fd;
        if (pthread_create(&thread, detached, serve, argument) == 0)
            return;
        free(argument);
    }
    fprintf(stderr, "server: no thread for a client\n");
    close(fd);
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: server PORT\n");
        return EXIT_USAGE;
    }
    /* One client that has gone must not end us: send() shall fail with EPIPE instead. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        die("server: signal");
    pthread_attr_t detached; /* nobody waits for the threads */
    if (pthread_attr_init(&detached) != 0 ||
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) != 0)
        die("server: pthread_attr");

    int listener = listen_on(port_number(argv[1]));
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd != -1) {
            take_in(fd, &detached);
        } else {
            perror("server: accept"); /* out of descriptors, say: some client will leave */
            sleep(1);
        }
    }
}
