/*
 * server PORT FOLDER CERTIFICATE KEY
 *
 * Serves the files of FOLDER over HTTP/1.0 and TLS: what the socket carries is OpenSSL's, what that
 * carries is ours. Each client has a thread from its first byte on, the handshake included.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
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

enum { MAX_HEAD = 8192, PIECE = 16384, LINGER_S = 2, EXIT_USAGE = 2 };

static int folder;   /* what is served */
static SSL_CTX *tls; /* certificate, key and settings of every connection */

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* As die(), for OpenSSL, which has its own notes of what went wrong. */
static void die_tls(const char *what) {
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

/* ---- HTTP, as if the connection were a plain one ---- */

/* Receives up to the empty line; what is in `head` then is a string. */
static bool receive_head(SSL *client, char head[MAX_HEAD + 1]) {
    size_t length = 0, received;
    while (length < MAX_HEAD && SSL_read_ex(client, head + length, MAX_HEAD - length, &received)) {
        length += received;
        head[length] = '\0';
        if (memmem(head, length, "\r\n\r\n", 4) != NULL)
            return strlen(head) == length;
    }
    return false;
}

/* The NAME in the first line, GET /NAME HTTP/1.x; NULL when it is not one that we serve. */
static const char *name_in(char *head) {
    static const char get[] = "GET /";
    char *name = head + strlen(get), *end = name;
    if (strncmp(head, get, strlen(get)) != 0)
        return NULL;
    while (isalnum((unsigned char)*end) || (*end == '.' && end != name) || *end == '-')
        end++;
    if (end == name || strncmp(end, " HTTP/1.", 8) != 0)
        return NULL;
    *end = '\0';
    return name;
}

static bool send_head(SSL *client, const char *status, off_t length) {
    char head[256];
    size_t sent;
    int size = snprintf(head, sizeof head, "HTTP/1.0 %s\r\nContent-Length: %jd\r\n\r\n", status,
                        (intmax_t)length);
    /* On a blocking socket it takes all or nothing. */
    return SSL_write_ex(client, head, (size_t)size, &sent);
}

static bool send_file(SSL *client, int file, off_t size) {
    char piece[PIECE];
    size_t sent;
    while (size > 0) {
        ssize_t got = read(file, piece, size < PIECE ? (size_t)size : PIECE);
        if (got <= 0 || !SSL_write_ex(client, piece, (size_t)got, &sent))
            return false;
        size -= got;
    }
    return true;
}

/* Whether the client has got a whole answer. */
static bool answer(SSL *client) {
    char head[MAX_HEAD + 1];
    struct stat status;
    if (!receive_head(client, head))
        return false;
    const char *name = name_in(head);
    int file = name == NULL ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    bool whole;
    if (file != -1 && fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        whole =
            send_head(client, "200 OK", status.st_size) && send_file(client, file, status.st_size);
    else
        whole = send_head(client, "404 Not Found", 0);
    if (file != -1)
        close(file);
    return whole;
}

/* ---- TLS ---- */

/*
 * Loads what proves to clients who we are: the certificate, which is for everybody, and the key to
 * it, which is for nobody else.
 */
static SSL_CTX *load(const char *certificate, const char *key) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || !SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION))
        die_tls("server: TLS");
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        die_tls("server: CERTIFICATE");
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        die_tls("server: KEY"); /* also when it is not the one to the certificate */
    return context;
}

/* Ends the connection below TLS without a reset, which could take the answer from the client. */
static void hang_up(int client) {
    char unread[4096];
    const struct timeval patience = {.tv_sec = LINGER_S};
    time_t deadline = time(NULL) + LINGER_S;
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (shutdown(client, SHUT_WR) == 0)
        while (time(NULL) < deadline && recv(client, unread, sizeof unread, 0) > 0)
            ;
    close(client);
}

/* A thread's work. Whatever goes wrong in it is this client's misfortune and nobody else's. */
static void *serve(void *argument) {
    int client = *(int *)argument;
    free(argument);
    SSL *ssl = SSL_new(tls);
    if (ssl != NULL && SSL_set_fd(ssl, client) == 1 && SSL_accept(ssl) == 1 && answer(ssl))
        /* close_notify: only so the client knows that this is the end, and not somebody who cut
         * the line. One that got half of its answer must not hear it. */
        SSL_shutdown(ssl);
    SSL_free(ssl);
    hang_up(client);
    return NULL;
}

/* ---- the clients ---- */

/* Gives the client a thread; without the means to do so it is the client that has to go. */
static void take_in(int client, const pthread_attr_t *detached) {
    pthread_t thread;
    int *argument = malloc(sizeof *argument); /* one for each: the next accept() comes soon */
    if (argument != NULL) {
        *argument = client;
        if (pthread_create(&thread, detached, serve, argument) == 0)
            return;
        free(argument);
    }
    fprintf(stderr, "server: no thread for a client\n");
    close(client);
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

static int listen_on(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_ANY); /* every address of this host */
    const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener == -1)
        die("server: socket");
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        die("server: setsockopt");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("server: bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("server: listen");
    return listener;
}

int main(int argc, char *argv[]) {
    if (argc != 5) {
        fprintf(stderr, "usage: server PORT FOLDER CERTIFICATE KEY\n");
        return EXIT_USAGE;
    }
    uint16_t port = port_number(argv[1]);
    folder = open(argv[2], O_PATH | O_DIRECTORY);
    if (folder == -1)
        die("server: FOLDER");
    tls = load(argv[3], argv[4]);
    /* OpenSSL calls write(), which knows no MSG_NOSIGNAL: a client that has gone is EPIPE. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        die("server: signal");
    pthread_attr_t detached; /* nobody waits for the threads */
    if (pthread_attr_init(&detached) != 0 ||
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) != 0)
        die("server: pthread_attr");

    int listener = listen_on(port);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client != -1) {
            take_in(client, &detached);
        } else {
            perror("server: accept"); /* out of descriptors, say: some client will leave */
            sleep(1);
        }
    }
}
