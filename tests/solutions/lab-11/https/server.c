/*
 * server PORT FOLDER CERTIFICATE KEY
 *
 * One thread and one poll() for all clients: no socket ever blocks, and each client is a small
 * machine with a stage. A file is opened for each piece of it that is read, so that a client costs
 * one descriptor, its socket, however slow it is.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REQUEST = 8192, PIECE = 16384, MOST = 512, PATIENCE = 2000, RETRY = 100 };

enum stage { HANDSHAKE, REQUEST, ANSWER, FAREWELL, LINGER };

/* Whether there is more to do for a client at once, later, or never. */
enum verdict { GO_ON, WAIT, GONE };

struct client {
    SSL *tls;
    int socket;
    enum stage stage;
    short wanted;            /* what poll() shall wait for */
    long long until;         /* in LINGER: the end of our patience */
    char bytes[PIECE];       /* of the request, then a piece of the answer */
    size_t used;             /* of them */
    char name[NAME_MAX + 1]; /* the file, empty if there is none */
    struct stat file;
    off_t at; /* what has been read of it */
};

static SSL_CTX *context;
static int folder, spare = -1;
static struct client *clients[MOST];
static size_t count;

static _Noreturn void die_tls(const char *what) {
    fprintf(stderr, "server: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* One descriptor is kept for the file, even when clients have taken all others. */
static int open_file(const char *name) {
    close(spare);
    return openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void close_file(int fd) {
    if (fd != -1)
        close(fd);
    spare = fcntl(folder, F_DUPFD_CLOEXEC, 0);
}

static bool find_file(struct client *c) {
    int fd = open_file(c->name);
    bool found = fd != -1 && fstat(fd, &c->file) == 0 && S_ISREG(c->file.st_mode);
    close_file(fd);
    return found;
}

/* The next piece of the file. False if it is not what was announced any more. */
static bool read_piece(struct client *c) {
    off_t left = c->file.st_size - c->at;
    struct stat st;
    int fd = open_file(c->name);
    bool same = fd != -1 && fstat(fd, &st) == 0 && st.st_dev == c->file.st_dev &&
                st.st_ino == c->file.st_ino;
    ssize_t n = same ? pread(fd, c->bytes, left < PIECE ? (size_t)left : PIECE, c->at) : -1;
    close_file(fd);
    if (n <= 0)
        return false;
    c->at += n;
    c->used = (size_t)n;
    return true;
}

/* The status for a request with this first line; c->name is the file if it is 200. */
static int consider(struct client *c, const char *line) {
    static const char NAME[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    if (strncmp(line, "GET /", 5) != 0)
        return 400;
    const char *name = line + 5;
    size_t n = strspn(name, NAME);
    if (strcmp(name + n, " HTTP/1.0") != 0 && strcmp(name + n, " HTTP/1.1") != 0)
        return 400;
    if (n == 0 || n > NAME_MAX || *name == '.')
        return 404;
    memcpy(c->name, name, n);
    c->name[n] = '\0';
    return find_file(c) ? 200 : 404;
}

static void begin_answer(struct client *c, bool whole) {
    int status = 400;
    if (whole) {
        char *end = memmem(c->bytes, c->used, "\r\n", 2);
        *end = '\0';
        status = consider(c, c->bytes);
    }
    if (status != 200)
        c->file.st_size = 0;
    const char *words = status == 200 ? "OK" : status == 404 ? "Not Found" : "Bad Request";
    c->used = (size_t)sprintf(c->bytes, "HTTP/1.0 %d %s\r\nContent-Length: %lld\r\n\r\n", status,
                              words, (long long)c->file.st_size);
    c->stage = ANSWER;
}

/* Nothing more from us. A close() with something unread would be a reset: that is read first. */
static enum verdict linger(struct client *c) {
    shutdown(c->socket, SHUT_WR);
    c->stage = LINGER;
    c->wanted = POLLIN;
    c->until = now() + PATIENCE;
    return GO_ON;
}

/* What a call of OpenSSL that did not succeed means. */
static enum verdict not_yet(struct client *c, int result) {
    switch (SSL_get_error(c->tls, result)) {
    case SSL_ERROR_WANT_READ:
        c->wanted = POLLIN;
        return WAIT;
    case SSL_ERROR_WANT_WRITE:
        c->wanted = POLLOUT;
        return WAIT;
    case SSL_ERROR_ZERO_RETURN:
        c->stage = FAREWELL;
        return GO_ON;
    default:
        return linger(c); /* there may be an alert on its way, which says why */
    }
}

static enum verdict read_request(struct client *c) {
    size_t n;
    int result = SSL_read_ex(c->tls, c->bytes + c->used, MAX_REQUEST - c->used, &n);
    if (result != 1)
        return not_yet(c, result);
    c->used += n;
    bool whole = memmem(c->bytes, c->used, "\r\n\r\n", 4) != NULL;
    if (whole || c->used == MAX_REQUEST)
        begin_answer(c, whole);
    return GO_ON;
}

static enum verdict write_piece(struct client *c) {
    size_t n;
    int result = SSL_write_ex(c->tls, c->bytes, c->used, &n);
    if (result != 1)
        return not_yet(c, result);
    if (c->at == c->file.st_size)
        c->stage = FAREWELL;
    else if (!read_piece(c))
        return linger(c); /* no close_notify: the client shall know that this is not all */
    else {
        c->wanted = POLLOUT; /* the others first */
        return WAIT;
    }
    return GO_ON;
}

static enum verdict step(struct client *c) {
    int result;
    ERR_clear_error();
    switch (c->stage) {
    case HANDSHAKE:
        result = SSL_accept(c->tls);
        if (result != 1)
            return not_yet(c, result);
        c->stage = REQUEST;
        return GO_ON;
    case REQUEST:
        return read_request(c);
    case ANSWER:
        return write_piece(c);
    case FAREWELL:
        result = SSL_shutdown(c->tls);
        return result < 0 ? not_yet(c, result) : linger(c);
    default:
        if (recv(c->socket, c->bytes, sizeof c->bytes, 0) > 0)
            return WAIT;
        return errno == EAGAIN ? WAIT : GONE;
    }
}

static void welcome(int socket) {
    struct client *c = calloc(1, sizeof *c);
    SSL *tls = SSL_new(context);
    if (c == NULL || tls == NULL || SSL_set_fd(tls, socket) != 1) {
        free(c);
        SSL_free(tls);
        close(socket);
        return;
    }
    c->tls = tls;
    c->socket = socket;
    c->wanted = POLLIN;
    clients[count++] = c;
}

static void remove_client(size_t i) {
    SSL_free(clients[i]->tls);
    close(clients[i]->socket);
    free(clients[i]);
    clients[i] = clients[--count];
}

/* Who lingers for too long is sent away. Gives the time until there is another one, for poll(). */
static int send_away(void) {
    long long next = -1, time = now();
    for (size_t i = count; i-- > 0;) {
        if (clients[i]->stage != LINGER)
            continue;
        long long left = clients[i]->until - time;
        if (left <= 0)
            remove_client(i);
        else if (next == -1 || left < next)
            next = left;
    }
    return (int)next;
}

static _Noreturn void serve(int door) {
    static struct pollfd watched[MOST + 1];
    bool full = false;
    for (;;) {
        int timeout = send_away();
        if (full && (timeout == -1 || timeout > RETRY))
            timeout = RETRY;
        size_t n = count;
        for (size_t i = 0; i < n; i++)
            watched[i] = (struct pollfd){.fd = clients[i]->socket, .events = clients[i]->wanted};
        watched[n] = (struct pollfd){.fd = full ? -1 : door, .events = POLLIN};
        if (poll(watched, n + 1, timeout) == -1 && errno != EINTR)
            err(1, "poll");
        full = false;
        for (size_t i = n; i-- > 0;) { /* from the end, which fills the gaps */
            if (watched[i].revents == 0)
                continue;
            enum verdict verdict;
            do
                errno = 0, verdict = step(clients[i]);
            while (verdict == GO_ON);
            if (verdict == GONE)
                remove_client(i);
        }
        if (!(watched[n].revents & POLLIN))
            continue;
        int socket = count < MOST ? accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
        if (socket != -1)
            welcome(socket);
        else if (errno == EBADF || errno == EINVAL)
            err(1, "accept");
        else
            full = true;
    }
}

/* A key with a passphrase can't be loaded: there is nobody to ask. */
static int no_passphrase(char *room, int size, int writes, void *data) {
    (void)room, (void)size, (void)writes, (void)data;
    return -1;
}

static void load(const char *certificate, const char *key) {
    context = SSL_CTX_new(TLS_server_method());
    if (context == NULL)
        die_tls("TLS");
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        die_tls(certificate);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        die_tls(key);
    /* One answer for each connection: there are no sessions to resume. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(context, 0);
}

int main(int argc, char *argv[]) {
    char *end = NULL;
    long port = argc == 5 && *argv[1] >= '0' && *argv[1] <= '9' ? strtol(argv[1], &end, 10) : 0;
    if (port < 1 || port > UINT16_MAX || *end != '\0') {
        fputs("usage: server PORT FOLDER CERTIFICATE KEY\n", stderr);
        return 2;
    }
    folder = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder == -1)
        err(1, "%s", argv[2]);
    load(argv[3], argv[4]);
    signal(SIGPIPE, SIG_IGN);
    close_file(-1);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (door == -1 || setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == -1 ||
        bind(door, (struct sockaddr *)&here, sizeof here) == -1 || listen(door, SOMAXCONN) == -1)
        err(1, "port %ld", port);
    serve(door);
}
