/*
 * keeper PATH
 *
 * Keeps open descriptors: one client leaves a descriptor under a name, another one takes it. What
 * it refers to goes on living here, though the process that opened it has ended.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_CHARACTERS "0123456789-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum {
    MOST_KEPT = 16,
    MOST_CLIENTS = 32,
    LONGEST_NAME = 32,
    LONGEST_REQUEST = sizeof "leave " - 1 + LONGEST_NAME,
    LONGEST_ANSWER = 32,
    EXIT_USAGE = 2
};

struct kept {
    int fd;
    char name[LONGEST_NAME + 1];
    struct ucred owner; /* who left it */
};

/* What one packet of a client was. */
struct request {
    char text[LONGEST_REQUEST + 1];
    size_t length;
    bool whole;      /* neither bytes nor descriptors were lost */
    size_t fd_count; /* of those that came with it: all are ours now, and ours to close */
    int fds[(CMSG_SPACE(sizeof(int)) - CMSG_LEN(0)) / sizeof(int)];
};

static volatile sig_atomic_t stopped;
static struct kept kept[MOST_KEPT];
static int kept_count;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void note_signal(int signo) {
    (void)signo;
    stopped = 1;
}

/*
 * Blocks SIGTERM and SIGINT and gives the mask to wait with, in which they are not blocked: so they
 * come while we wait and at no other time, and none is missed between a test and the wait.
 */
static sigset_t catch_signals(void) {
    struct sigaction action = {.sa_handler = note_signal};
    sigset_t ours, before;
    sigemptyset(&action.sa_mask);
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    if (sigaction(SIGTERM, &action, NULL) == -1 || sigaction(SIGINT, &action, NULL) == -1)
        die("keeper: sigaction");
    if (sigprocmask(SIG_BLOCK, &ours, &before) == -1)
        die("keeper: sigprocmask");
    return before;
}

/* The length of the address, which an abstract name needs: it has no NUL at its end, but one in
 * front, and every byte counts. */
static socklen_t make_address(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) {
        fprintf(stderr, "keeper: PATH is empty, or longer than a socket address\n");
        exit(EXIT_USAGE);
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, length);
    if (path[0] != '@')
        return sizeof *address;
    address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static int listen_at(const char *path) {
    struct sockaddr_un address;
    socklen_t length = make_address(path, &address);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (listener == -1)
        die("keeper: socket");
    /*
     * Accepted sockets inherit this. With it something comes along with every packet, even with one
     * that has no bytes; with the end of a connection comes nothing.
     */
    if (setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1)
        die("keeper: setsockopt");
    mode_t before = umask(0117); /* bind() makes the file with mode 0777 less the umask: 0660 */
    if (bind(listener, (struct sockaddr *)&address, length) == -1)
        die("keeper: bind");
    umask(before);
    if (listen(listener, SOMAXCONN) == -1)
        die("keeper: listen");
    return listener;
}

/* Notes the descriptors among what came along with a packet. */
static void find_descriptors(struct msghdr *header, struct request *request) {
    request->fd_count = 0;
    for (struct cmsghdr *one = CMSG_FIRSTHDR(header); one != NULL; one = CMSG_NXTHDR(header, one)) {
        if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_RIGHTS)
            continue;
        size_t size = one->cmsg_len - CMSG_LEN(0);
        memcpy(request->fds, CMSG_DATA(one), size);
        request->fd_count = size / sizeof(int);
    }
}

/* 1 for a packet, 0 for the end of the connection, -1 and errno when there is neither. */
static int receive(int client, struct request *request) {
    /* CMSG_SPACE() rounds up: there is room for one descriptor, and for another one after it. */
    union {
        char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec text = {request->text, LONGEST_REQUEST};
    struct msghdr header = {.msg_iov = &text,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    ssize_t length = recvmsg(client, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length == -1)
        return -1;
    find_descriptors(&header, request);
    request->length = (size_t)length;
    request->text[length] = '\0';
    request->whole = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    bool ended = length == 0 && header.msg_controllen == 0;
    return ended ? 0 : 1;
}

/* Whether the answer, one packet, is on its way; with it goes the descriptor `fd`, if not -1. */
static bool answer(int client, const char *text, int fd) {
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    struct iovec bytes = {(char *)text, strlen(text)};
    struct msghdr header = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (fd != -1) {
        header.msg_control = &control;
        header.msg_controllen = sizeof control;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    return sendmsg(client, &header, MSG_DONTWAIT | MSG_NOSIGNAL) != -1; /* nor end us by SIGPIPE */
}

/* The NAME of a request that begins with `verb`, and is otherwise as it should be; else NULL. */
static const char *name_after(const char *verb, const struct request *request) {
    size_t before = strlen(verb);
    if (strncmp(request->text, verb, before) != 0)
        return NULL;
    const char *name = request->text + before;
    size_t length = strspn(name, NAME_CHARACTERS);
    bool good = length > 0 && length <= LONGEST_NAME && before + length == request->length;
    return good ? name : NULL;
}

/* Which of those kept has this name; `kept_count` for none. */
static int place_of(const char *name) {
    int place = 0;
    while (place < kept_count && strcmp(kept[place].name, name) != 0)
        place++;
    return place;
}

/* Keeps the request's only descriptor, if it can be; what the client is to be told. */
static const char *keep(int client, struct request *request, const char *name) {
    if (place_of(name) < kept_count)
        return "used";
    if (kept_count == MOST_KEPT)
        return "full";
    struct kept *place = &kept[kept_count];
    socklen_t size = sizeof place->owner;
    /* Noted by the kernel at connect(): a client can't say that it is somebody else. */
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &place->owner, &size) == -1)
        die("keeper: getsockopt");
    strcpy(place->name, name);
    place->fd = request->fds[0];
    request->fd_count = 0; /* it is not the request's any more */
    kept_count++;
    return "ok";
}

/* Hands a descriptor over. Until that has been done it stays where it is. */
static bool take(int client, const char *name) {
    char text[LONGEST_ANSWER + 1];
    int place = place_of(name);
    if (place == kept_count)
        return answer(client, "none", -1);
    const struct ucred *owner = &kept[place].owner;
    snprintf(text, sizeof text, "ok %u %d", owner->uid, owner->pid);
    if (!answer(client, text, kept[place].fd))
        return false;
    close(kept[place].fd); /* the packet has one of its own */
    kept[place] = kept[--kept_count];
    return true;
}

/* Whether the request, whatever it was, could be answered. */
static bool carry_out(int client, struct request *request) {
    const char *name, *told = "bad";
    if (request->whole && request->fd_count == 0 && (name = name_after("take ", request)) != NULL)
        return take(client, name);
    if (request->whole && request->fd_count == 1 && (name = name_after("leave ", request)) != NULL)
        told = keep(client, request, name);
    for (size_t i = 0; i < request->fd_count; i++)
        close(request->fds[i]);
    return answer(client, told, -1);
}

/* Serves a client one request. False when there will be no more, or it does not take answers. */
static bool serve_one(int client) {
    struct request request;
    switch (receive(client, &request)) {
    case -1: /* ECONNRESET: it went without reading an answer, but its requests are still there */
        return errno == EAGAIN || errno == EINTR || errno == ECONNRESET;
    case 0:
        return false;
    }
    /* EPIPE: it has gone, but its requests are still there. EAGAIN: no room for answers. */
    return carry_out(client, &request) || errno != EAGAIN;
}

static void serve(int listener, const sigset_t *mask_while_waiting) {
    struct pollfd set[1 + MOST_CLIENTS] = {{.events = POLLIN}};
    int count = 1;
    while (!stopped) {
        set[0].fd = count <= MOST_CLIENTS ? listener : -1; /* poll() passes over -1 */
        if (ppoll(set, (nfds_t)count, NULL, mask_while_waiting) == -1) {
            if (errno == EINTR)
                continue;
            die("keeper: ppoll");
        }
        for (int i = count - 1; i > 0; i--) /* backwards: the last one fills a gap */
            if (set[i].revents != 0 && !serve_one(set[i].fd)) {
                close(set[i].fd);
                set[i] = set[--count];
            }
        int client = set[0].revents == 0 ? -1 : accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client != -1) /* whatever accept() has to complain about, the others are served on */
            set[count++] = (struct pollfd){.fd = client, .events = POLLIN};
    }
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: keeper PATH\n");
        return EXIT_USAGE;
    }
    sigset_t mask_while_waiting = catch_signals();
    int listener = listen_at(argv[1]);
    serve(listener, &mask_while_waiting);
    if (argv[1][0] != '@' && unlink(argv[1]) == -1)
        die("keeper: unlink");
    return EXIT_SUCCESS;
}
