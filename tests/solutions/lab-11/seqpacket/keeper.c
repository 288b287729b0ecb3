/*
 * keeper PATH: a cloakroom for descriptors.
 *
 * A thread for each client, which sleeps in recvmsg(), and one that accepts; the first one waits
 * for the signals. Nothing is written down about a client, the kernel is asked who it is. The
 * listening socket hands SO_PASSCRED down, so that a packet has credentials and the end has none.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HOOKS = 16, NAME_LIMIT = 32, FDS_MAX = 253, ANSWER = 32 };

static struct hook {
    char name[NAME_LIMIT + 1]; /* empty: nothing hangs there */
    int fd;
    struct ucred from;
} hooks[HOOKS];

static pthread_mutex_t cloakroom = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t closed = PTHREAD_COND_INITIALIZER; /* a descriptor is free again */
static unsigned long closures;

enum fate { SENT, GONE, STUCK };

/* The mutex is held, here and in all that follows up to take(). */
static void drop(int fd) {
    close(fd);
    closures++;
    pthread_cond_signal(&closed);
}

static struct hook *find(const char *name) {
    for (int i = 0; i < HOOKS; i++)
        if (strcmp(hooks[i].name, name) == 0)
            return &hooks[i];
    return NULL;
}

/* The NAME behind the verb, or NULL. */
static const char *object(const char *packet, size_t n, const char *verb) {
    size_t v = strlen(verb);
    if (n <= v || n > v + NAME_LIMIT || memcmp(packet, verb, v) != 0)
        return NULL;
    for (size_t i = v; i < n; i++)
        if (!isalnum((unsigned char)packet[i]) && packet[i] != '-' && packet[i] != '_')
            return NULL;
    return packet + v;
}

static enum fate answer(int client, const char *text, int fd) {
    union {
        char bytes[CMSG_SPACE(sizeof fd)];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {(void *)text, strlen(text)};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd != -1) {
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    if (sendmsg(client, &m, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
        return SENT;
    return errno == EPIPE || errno == ECONNRESET || errno == ECONNREFUSED || errno == ENOTCONN
               ? GONE
               : STUCK;
}

static enum fate leave(int client, const char *name, int fd) {
    struct hook *h = find(name) ? NULL : find("");
    if (h == NULL) {
        drop(fd);
        return answer(client, find(name) ? "used" : "full", -1);
    }
    socklen_t size = sizeof h->from;
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &h->from, &size) == -1)
        err(1, "SO_PEERCRED");
    strcpy(h->name, name);
    h->fd = fd;
    return answer(client, "ok", -1);
}

static enum fate take(int client, const char *name) {
    struct hook *h = find(name);
    if (h == NULL)
        return answer(client, "none", -1);
    char text[ANSWER + 1];
    snprintf(text, sizeof text, "ok %u %d", (unsigned)h->from.uid, (int)h->from.pid);
    enum fate fate = answer(client, text, h->fd);
    if (fate == SENT) {
        drop(h->fd);
        h->name[0] = '\0';
    }
    return fate;
}

/* False when the connection is to be closed. Who has gone may have left requests behind. */
static bool serve(int client) {
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    char packet[64];
    struct iovec part = {packet, sizeof packet - 1};
    struct msghdr m = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n = recvmsg(client, &m, MSG_CMSG_CLOEXEC);
    if (n == -1)
        return errno == EINTR || errno == ECONNRESET;
    packet[n] = '\0';

    bool is_packet = false;
    size_t count = 0;
    int fds[FDS_MAX];
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
        is_packet = true;
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(c), count * sizeof(int));
        }
    }
    if (!is_packet)
        return false;

    pthread_mutex_lock(&cloakroom);
    bool whole = (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    enum fate fate;
    const char *name;
    if (whole && count == 1 && (name = object(packet, (size_t)n, "leave ")))
        fate = leave(client, name, fds[0]);
    else if (whole && count == 0 && (name = object(packet, (size_t)n, "take ")))
        fate = take(client, name);
    else {
        for (size_t i = 0; i < count; i++)
            drop(fds[i]);
        fate = answer(client, "bad", -1);
    }
    pthread_mutex_unlock(&cloakroom);
    return fate != STUCK;
}

static void *attend(void *arg) {
    int client = (int)(intptr_t)arg;
    while (serve(client))
        ;
    pthread_mutex_lock(&cloakroom);
    drop(client);
    pthread_mutex_unlock(&cloakroom);
    return NULL;
}

static void *welcome(void *arg) {
    const int listener = *(int *)arg;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 16);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (;;) {
        pthread_mutex_lock(&cloakroom);
        unsigned long seen = closures;
        pthread_mutex_unlock(&cloakroom);
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client != -1) {
            pthread_t thread;
            if (pthread_create(&thread, &small, attend, (void *)(intptr_t)client) == 0)
                continue;
            close(client);
        } else if (errno == EMFILE || errno == ENFILE) {
            pthread_mutex_lock(&cloakroom);
            while (closures == seen)
                pthread_cond_wait(&closed, &cloakroom);
            pthread_mutex_unlock(&cloakroom);
        } else if (errno != EINTR && errno != ECONNABORTED)
            err(1, "accept");
    }
    return NULL;
}

int main(int argc, char *argv[]) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t length = argc == 2 ? strlen(argv[1]) : 0;
    if (length < 1 || length >= sizeof at.sun_path) {
        fprintf(stderr, "usage: keeper PATH\n");
        return 2;
    }
    const char *path = argv[1];
    memcpy(at.sun_path, path, length);
    bool abstract = path[0] == '@';
    if (abstract)
        at.sun_path[0] = '\0';

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (listener == -1 || setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1)
        err(1, "keeper");
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }

    umask(0117);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !abstract);
    if (bind(listener, (struct sockaddr *)&at, size) == -1)
        err(1, "%s", path);
    pthread_t door;
    int failed = listen(listener, SOMAXCONN) == -1 ? errno : 0;
    if (failed == 0)
        failed = pthread_create(&door, NULL, welcome, &listener);
    int sig;
    if (failed == 0)
        sigwait(&ends, &sig);
    if (!abstract && unlink(path) == -1)
        warn("%s", path);
    if (failed != 0)
        fprintf(stderr, "keeper: %s\n", strerror(failed));
    return failed != 0;
}
