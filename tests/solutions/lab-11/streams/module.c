/*
 * module PATH upper|sum
 *
 * A child for each connection, which becomes the module if a push comes. Then it has a thread for
 * each direction, which holds one message at a time: what finds no room holds up that one only.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "filter.h"
#include "message.h"

enum { USAGE = 2 };

static const char *path;
static pid_t keeper; /* the process at PATH */
static const struct filter *filter;
static int upper, lower;
static atomic_bool popped;
static sigset_t awake; /* the signal mask with which SIGUSR1 interrupts a wait */

static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void leave(int signal) {
    (void)signal;
    if (getpid() == keeper)
        unlink(path);
    _exit(0);
}

static void wake_up(int signal) {
    (void)signal;
}

/*
 * Whether a link blocks is a flag that travels with it and is its sender's, too. So it is neither
 * relied on nor changed: no call blocks but poll().
 */
static void pass(int link, struct message *message) {
    struct pollfd one = {.fd = link, .events = POLLOUT};
    while (message_send(link, message, MSG_DONTWAIT) == -1 && errno == EAGAIN)
        poll(&one, 1, -1);
    message_close_fds(message); /* if it was not sent, there is nobody any more: it is dropped */
}

static void *go_up(void *unused) {
    struct message message;
    struct pollfd one = {.fd = lower, .events = POLLIN};
    while (!popped) {
        if (ppoll(&one, 1, NULL, &awake) == -1)
            continue;
        int got = message_receive(lower, &message, MSG_DONTWAIT);
        if (got == -1 && errno == EAGAIN)
            continue;
        if (got != 1) {
            shutdown(lower, SHUT_WR); /* the other thread may wait for room there */
            message = (struct message){.type = HANGUP};
            pass(upper, &message);
            break;
        }
        if (message.type != DATA || filter->up(message.contents, &message.size))
            pass(upper, &message);
        else
            message_close_fds(&message);
    }
    return unused;
}

/* The other thread gets rid of what it has, and leaves the rest in the link. */
static _Noreturn void give_way(pthread_t other) {
    popped = true;
    pthread_kill(other, SIGUSR1);
    pthread_join(other, NULL);
    struct message answer = {.type = POP, .fd_count = 1, .fds = {lower}};
    pass(upper, &answer);
    _exit(0);
}

static _Noreturn void be_module(void) {
    pthread_t other;
    errno = pthread_create(&other, NULL, go_up, NULL);
    if (errno != 0)
        die("module: thread");
    struct message message;
    struct pollfd one = {.fd = upper, .events = POLLIN};
    for (;;) {
        poll(&one, 1, -1);
        int got = message_receive(upper, &message, MSG_DONTWAIT);
        if (got == -1 && errno == EAGAIN)
            continue;
        if (got != 1)
            _exit(0);
        if (message.type == POP) {
            message_close_fds(&message);
            give_way(other);
        }
        if (message.type != DATA || filter->down(message.contents, &message.size))
            pass(lower, &message);
        else
            message_close_fds(&message);
    }
}

/* Until it is a module, a child does not outlive the keeper. */
static _Noreturn void attend(int connection) {
    struct message push;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper || message_receive(connection, &push, 0) != 1 || push.type != PUSH ||
        push.size != 0 || push.fd_count != 2)
        _exit(EXIT_FAILURE);
    prctl(PR_SET_PDEATHSIG, 0);
    close(connection);
    upper = push.fds[0];
    lower = push.fds[1];
    be_module();
}

/* A socket file where nobody listens any more goes; everything else stays. */
static void remove_stale(void) {
    struct stat st;
    if (lstat(path, &st) == -1 || !S_ISSOCK(st.st_mode))
        return;
    int somebody = message_connect(path, SOCK_SEQPACKET);
    if (somebody != -1)
        close(somebody);
    else if (errno == ECONNREFUSED)
        unlink(path);
}

static int listen_at(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    remove_stale();
    umask(0117);
    int door = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    if (door == -1 || bind(door, (struct sockaddr *)&address, sizeof address) == -1 ||
        listen(door, SOMAXCONN) == -1)
        die(path);
    return door;
}

int main(int argc, char *argv[]) {
    filter = argc == 3 ? filter_named(argv[2]) : NULL;
    if (filter == NULL || *argv[1] == '\0' ||
        strlen(argv[1]) >= sizeof((struct sockaddr_un *)0)->sun_path) {
        fprintf(stderr, "usage: module PATH upper|sum\n");
        return USAGE;
    }
    path = argv[1];
    keeper = getpid();
    close_range(STDERR_FILENO + 1, ~0U, 0); /* a module has none that we were left */
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, NULL); /* while the file may be there or not */
    int door = listen_at();
    signal(SIGTERM, leave);
    signal(SIGINT, leave);
    signal(SIGUSR1, wake_up);
    signal(SIGCHLD, SIG_IGN); /* no zombies */
    sigprocmask(SIG_UNBLOCK, &blocked, &awake);
    sigdelset(&awake, SIGTERM);
    sigdelset(&awake, SIGINT);
    sigdelset(&awake, SIGUSR1);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    for (;;) {
        int connection = accept(door, NULL, NULL);
        if (connection == -1) {
            if (errno != EINTR && errno != ECONNABORTED)
                poll(NULL, 0, 100);
            continue;
        }
        pid_t child = fork();
        if (child == 0) {
            close(door);
            attend(connection);
        }
        if (child == -1)
            perror("module: fork");
        close(connection);
    }
}
