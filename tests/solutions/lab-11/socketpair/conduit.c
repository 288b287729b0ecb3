/*
 * conduit pipe COMMAND COMMAND | r COMMAND | w COMMAND... | r+ COMMAND
 * Of the two directions of r+ each has a thread of its own, and sleeps in its own read() or
 * send(): neither can keep the other one waiting. Only w, with its many, asks poll().
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sockpipe.h"

enum { MAX_COMMANDS = 16, CHUNK = 65536 };

static int exit_status(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int wait_for(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) == -1)
        if (errno != EINTR)
            err(1, "waitpid");
    return exit_status(status);
}

static void print(const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, n);
        if (done == -1)
            err(1, "standard output");
        bytes += done;
        n -= (size_t)done;
    }
}

static int print_answer(int fd) {
    static char bytes[CHUNK];
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        print(bytes, (size_t)n);
    if (n == -1 && errno != ECONNRESET) /* which says that something of ours was not read */
        err(1, "reading from the command");
    shutdown(fd, SHUT_RDWR); /* wakes the thread, if it sleeps in send() */
    int status = sock_pclose(fd);
    if (status == -1)
        err(1, "sock_pclose");
    return exit_status(status);
}

static void *feed(void *command) {
    static char bytes[CHUNK];
    int fd = *(int *)command;
    ssize_t n;
    bool reads = true;
    while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
        for (ssize_t sent = 0, some; reads && sent < n; sent += some) {
            some = send(fd, bytes + sent, (size_t)(n - sent), MSG_NOSIGNAL);
            if (some == -1) {
                reads = false; /* but the rest of the input is taken, and dropped */
                break;
            }
        }
    if (n == -1)
        warn("standard input");
    shutdown(fd, SHUT_WR);
    return NULL;
}

static int converse(const char *command, const char *mode) {
    static int fd;
    pthread_t feeder;
    fd = sock_popen(command, mode);
    if (fd == -1)
        err(1, "starting %s", command);
    if (strcmp(mode, "r+") == 0) {
        errno = pthread_create(&feeder, NULL, feed, &fd);
        if (errno != 0)
            err(1, "pthread_create");
    }
    return print_answer(fd);
}

/* As much of what is left as goes in now; false if nobody reads any more. */
static bool hand_on(int fd, const char **bytes, size_t *left) {
    while (*left > 0) {
        ssize_t n = send(fd, *bytes, *left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n == -1)
            return errno == EAGAIN;
        *bytes += n;
        *left -= (size_t)n;
    }
    return true;
}

static int distribute(int count, char *commands[]) {
    static char bytes[CHUNK];
    pid_t pids[MAX_COMMANDS];
    struct pollfd fds[MAX_COMMANDS + 1];
    const char *next[MAX_COMMANDS];
    size_t left[MAX_COMMANDS] = {0};
    for (int i = 0; i < count; i++) {
        int ends[2];
        if (sock_pipe(ends) == -1)
            err(1, "sock_pipe");
        pids[i] = sock_spawn(commands[i], ends[0], STDOUT_FILENO);
        if (pids[i] == -1)
            err(1, "starting %s", commands[i]);
        close(ends[0]);
        fds[i].fd = ends[1];
    }

    for (bool more = true; more;) {
        bool reader = false, all_sent = true;
        for (int i = 0; i < count; i++) {
            reader |= fds[i].fd != -1;
            all_sent &= left[i] == 0;
            fds[i].events = left[i] > 0 ? POLLOUT : 0;
        }
        if (!reader)
            break;
        fds[count] = (struct pollfd){.fd = all_sent ? STDIN_FILENO : -1, .events = POLLIN};
        if (poll(fds, (nfds_t)count + 1, -1) == -1) {
            if (errno == EINTR)
                continue;
            err(1, "poll");
        }
        size_t got = 0;
        if (fds[count].revents != 0) {
            ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
            if (n == -1)
                err(1, "standard input");
            got = (size_t)n;
            more = n > 0;
        }
        for (int i = 0; i < count; i++) {
            if (fds[i].fd == -1)
                continue;
            if (got > 0) {
                next[i] = bytes;
                left[i] = got;
            }
            if ((fds[i].revents & (POLLERR | POLLHUP)) || !hand_on(fds[i].fd, &next[i], &left[i])) {
                close(fds[i].fd);
                fds[i].fd = -1;
                left[i] = 0;
            }
        }
    }
    for (int i = 0; i < count; i++)
        if (fds[i].fd != -1)
            close(fds[i].fd);
    int status = 0;
    for (int i = 0; i < count; i++)
        status = wait_for(pids[i]);
    return status;
}

static int join(char *commands[]) {
    int ends[2];
    if (sock_pipe(ends) == -1)
        err(1, "sock_pipe");
    pid_t first = sock_spawn(commands[0], STDIN_FILENO, ends[1]);
    if (first == -1)
        err(1, "starting %s", commands[0]);
    pid_t second = sock_spawn(commands[1], ends[0], STDOUT_FILENO);
    if (second == -1)
        err(1, "starting %s", commands[1]);
    close(ends[0]);
    close(ends[1]);
    wait_for(first);
    return wait_for(second);
}

int main(int argc, char **argv) {
    /* Nothing of ours gets the number of a standard descriptor; using it goes on to fail. */
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) == -1)
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);

    const char *how = argc > 1 ? argv[1] : "";
    if (argc == 3 && (strcmp(how, "r") == 0 || strcmp(how, "r+") == 0))
        return converse(argv[2], how);
    if (argc >= 3 && argc <= 2 + MAX_COMMANDS && strcmp(how, "w") == 0)
        return distribute(argc - 2, argv + 2);
    if (argc == 4 && strcmp(how, "pipe") == 0)
        return join(argv + 2);
    fprintf(stderr,
            "usage: conduit pipe COMMAND COMMAND | r COMMAND | w COMMAND... | r+ COMMAND\n");
    return 2;
}
