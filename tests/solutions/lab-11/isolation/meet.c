/* meet offer KEY NAME DIR TOKEN | look KEY NAME DIR | predict MISSING: six kinds of names. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ROOM 64 /* a token and a NUL */

enum kind { SYSV, POSIX, QUEUE, ABSTRACT, SOCKFILE, FIFO, KINDS };

static const char *const kind_name[KINDS] = {"sysv-shm",        "posix-shm",   "posix-mq",
                                             "abstract-socket", "socket-file", "fifo"};

static key_t key;
static char slash_name[40], sock_path[80], fifo_path[80];
static struct sockaddr_un abstract_addr, file_addr;
static socklen_t abstract_len;

static int usage(void) {
    fputs("usage: meet offer KEY NAME DIR TOKEN | look KEY NAME DIR | predict "
          "ipc|net|files|nothing\n",
          stderr);
    return 2;
}

static bool is_token(const char *s, size_t n) {
    if (n < 1 || n >= ROOM)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s[i] == '\0' || isspace((unsigned char)s[i]))
            return false;
    return true;
}

/* All six names out of KEY, NAME and DIR. */
static bool set_names(char **arg) {
    uint64_t k = 0;
    for (const char *p = arg[0]; *p != '\0'; p++) {
        if (!isdigit((unsigned char)*p) || (k = k * 10 + (uint64_t)(*p - '0')) > UINT32_MAX)
            return false;
    }
    size_t n = strlen(arg[1]), d = strlen(arg[2]);
    if (k == 0 || n < 1 || n > 32 || d < 1 || d > 32)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalpha((unsigned char)arg[1][i]))
            return false;
    key = (key_t)k;
    snprintf(slash_name, sizeof slash_name, "/%s", arg[1]);
    snprintf(sock_path, sizeof sock_path, "%s/%s.sock", arg[2], arg[1]);
    snprintf(fifo_path, sizeof fifo_path, "%s/%s.fifo", arg[2], arg[1]);
    abstract_addr.sun_family = file_addr.sun_family = AF_UNIX;
    memcpy(abstract_addr.sun_path + 1, arg[1], n);
    abstract_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
    memcpy(file_addr.sun_path, sock_path, sizeof sock_path);
    return true;
}

/* ---- offer ---- */

static int shm_id = -1, fds[KINDS] = {-1, -1, -1, -1, -1, -1};
static bool made[KINDS];

static bool make_one(enum kind kind, const char *token) {
    size_t n = strlen(token);
    switch (kind) {
    case SYSV: {
        shm_id = shmget(key, ROOM, IPC_CREAT | IPC_EXCL | 0660);
        if (shm_id == -1)
            return false;
        made[kind] = true;
        char *at = shmat(shm_id, NULL, 0);
        if (at == (void *)-1)
            return false;
        memcpy(at, token, n + 1);
        return shmdt(at) == 0;
    }
    case POSIX:
        fds[kind] = shm_open(slash_name, O_RDWR | O_CREAT | O_EXCL, 0660);
        if (fds[kind] == -1)
            return false;
        made[kind] = true;
        return write(fds[kind], token, n) == (ssize_t)n;
    case QUEUE: {
        struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = ROOM};
        fds[kind] = mq_open(slash_name, O_RDWR | O_CREAT | O_EXCL, 0660, &attr);
        if (fds[kind] == -1)
            return false;
        made[kind] = true;
        return mq_send(fds[kind], token, n, 0) == 0;
    }
    case ABSTRACT:
    case SOCKFILE: {
        bool file = kind == SOCKFILE;
        fds[kind] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fds[kind] == -1 ||
            bind(fds[kind], (struct sockaddr *)(file ? &file_addr : &abstract_addr),
                 file ? (socklen_t)sizeof file_addr : abstract_len) == -1)
            return false;
        made[kind] = true;
        return listen(fds[kind], SOMAXCONN) == 0;
    }
    case FIFO:
        if (mkfifo(fifo_path, 0660) == -1)
            return false;
        made[kind] = true;
        fds[kind] = open(fifo_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        return fds[kind] != -1 && write(fds[kind], token, n) == (ssize_t)n;
    default:
        return false;
    }
}

static bool unmake_all(void) {
    bool good = true;
    good &= !made[SYSV] || shmctl(shm_id, IPC_RMID, NULL) == 0;
    good &= !made[POSIX] || shm_unlink(slash_name) == 0;
    good &= !made[QUEUE] || mq_unlink(slash_name) == 0;
    good &= !made[SOCKFILE] || unlink(sock_path) == 0;
    good &= !made[FIFO] || unlink(fifo_path) == 0;
    return good;
}

static void hand_out(int listener, const char *token) {
    int peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer == -1)
        return;
    (void)!send(peer, token, strlen(token), MSG_NOSIGNAL);
    close(peer);
}

static int offer(const char *token) {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    umask(0117);
    int sfd = signalfd(-1, &stop, SFD_CLOEXEC);
    if (sfd == -1) {
        perror("signalfd");
        return 1;
    }
    for (enum kind k = SYSV; k < KINDS; k++) {
        if (!make_one(k, token)) {
            fprintf(stderr, "meet: %s: %s\n", kind_name[k], strerror(errno));
            unmake_all();
            return 1;
        }
    }
    bool good = puts("ready") != EOF && fflush(stdout) != EOF;
    struct pollfd p[] = {{sfd, POLLIN, 0}, {fds[ABSTRACT], POLLIN, 0}, {fds[SOCKFILE], POLLIN, 0}};
    while (good) {
        if (poll(p, 3, -1) == -1) {
            good = errno == EINTR;
            continue;
        }
        if (p[0].revents != 0)
            break;
        for (int i = 1; i < 3; i++)
            if (p[i].revents != 0)
                hand_out(p[i].fd, token);
    }
    if (!good)
        perror("meet: offer");
    if (!unmake_all()) {
        perror("meet: cleaning up");
        good = false;
    }
    return good ? 0 : 1;
}

/* ---- look: each fills buf and gives the number of bytes, or -1 ---- */

static ssize_t from_sysv(char *buf) {
    struct shmid_ds ds;
    int id = shmget(key, 0, 0);
    if (id == -1 || shmctl(id, IPC_STAT, &ds) == -1)
        return -1;
    const char *at = shmat(id, NULL, SHM_RDONLY);
    if (at == (void *)-1)
        return -1;
    size_t most = ds.shm_segsz < ROOM ? ds.shm_segsz : ROOM;
    memcpy(buf, at, most);
    shmdt(at);
    const char *nul = memchr(buf, '\0', most);
    return nul != NULL ? nul - buf : -1;
}

static ssize_t from_fd(int fd, mode_t type, char *buf) {
    struct stat st;
    ssize_t n = -1;
    if (fd == -1)
        return -1;
    if (fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type)
        n = read(fd, buf, ROOM);
    close(fd);
    return n;
}

static ssize_t from_queue(char *buf) {
    struct mq_attr attr;
    ssize_t n = -1;
    mqd_t q = mq_open(slash_name, O_RDONLY | O_NONBLOCK);
    if (q == (mqd_t)-1)
        return -1;
    if (mq_getattr(q, &attr) == 0) {
        char *big = malloc((size_t)attr.mq_msgsize);
        if (big != NULL && (n = mq_receive(q, big, (size_t)attr.mq_msgsize, NULL)) >= 0)
            memcpy(buf, big, n < ROOM ? (size_t)n : ROOM);
        free(big);
    }
    mq_close(q);
    return n;
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Until the other side closes; one that doesn't answer within a second has no token. */
static ssize_t from_socket(const struct sockaddr_un *addr, socklen_t len, char *buf) {
    ssize_t got = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    if (connect(fd, (const struct sockaddr *)addr, len) == -1)
        got = -1;
    for (int64_t end = now_ms() + 1000; got >= 0 && got < ROOM;) {
        struct pollfd p = {fd, POLLIN, 0};
        int64_t left = end - now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0) {
            got = -1;
            break;
        }
        ssize_t n = recv(fd, buf + got, (size_t)(ROOM - got), 0);
        if (n <= 0) {
            got = n == 0 ? got : -1;
            break;
        }
        got += n;
    }
    close(fd);
    return got;
}

static int look(void) {
    for (enum kind k = SYSV; k < KINDS; k++) {
        char buf[ROOM];
        ssize_t n = -1;
        switch (k) {
        case SYSV:
            n = from_sysv(buf);
            break;
        case POSIX:
            n = from_fd(shm_open(slash_name, O_RDONLY, 0), S_IFREG, buf);
            break;
        case QUEUE:
            n = from_queue(buf);
            break;
        case ABSTRACT:
            n = from_socket(&abstract_addr, abstract_len, buf);
            break;
        case SOCKFILE:
            n = from_socket(&file_addr, sizeof file_addr, buf);
            break;
        default:
            n = from_fd(open(fifo_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), S_IFIFO, buf);
        }
        if (n > 0 && is_token(buf, (size_t)n))
            printf("%s %.*s\n", kind_name[k], (int)n, buf);
        else
            printf("%s -\n", kind_name[k]);
    }
    return 0;
}

static int predict(const char *missing) {
    static const char *const needs[KINDS] = {"ipc", "ipc", "ipc", "net", "files", "files"};
    if (strcmp(missing, "ipc") != 0 && strcmp(missing, "net") != 0 &&
        strcmp(missing, "files") != 0 && strcmp(missing, "nothing") != 0)
        return usage();
    for (enum kind k = SYSV; k < KINDS; k++)
        printf("%s %s\n", kind_name[k], strcmp(needs[k], missing) == 0 ? "no" : "yes");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 6 && strcmp(argv[1], "offer") == 0 && set_names(argv + 2) &&
        is_token(argv[5], strlen(argv[5])))
        return offer(argv[5]);
    if (argc == 5 && strcmp(argv[1], "look") == 0 && set_names(argv + 2))
        return look();
    if (argc == 3 && strcmp(argv[1], "predict") == 0)
        return predict(argv[2]);
    return usage();
}
