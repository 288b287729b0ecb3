/*
 * client ADDRESS PORT NAME AUTHORITY TARGET
 *
 * Asks an HTTP server for TARGET over TLS, and prints the body of its answer. The server has to
 * show a certificate for NAME that is signed by AUTHORITY.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_HEAD = 16384, MAX_WORD = 1000, OK = 200 };
enum { EXIT_USAGE = 2, EXIT_STATUS = 3, EXIT_BROKEN = 4, EXIT_UNTRUSTED = 5 };

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static _Noreturn void usage(const char *why) {
    fprintf(stderr, "client: %s\nusage: client ADDRESS PORT NAME AUTHORITY TARGET\n", why);
    exit(EXIT_USAGE);
}

static _Noreturn void broken(const char *how) {
    fprintf(stderr, "client: %s\n", how);
    exit(EXIT_BROKEN);
}

/* As die(), for OpenSSL, which has its own notes of what went wrong. */
static _Noreturn void die_tls(const char *what, int status) {
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(status);
}

static struct sockaddr_in address_of(const char *host, const char *port_text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *end;
    errno = 0;
    long port = strtol(port_text, &end, 10);
    if (end == port_text || *end != '\0' || errno != 0 || port < 1 || port > UINT16_MAX)
        usage("PORT is a number from 1 to 65535");
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        usage("ADDRESS is four numbers with dots between them");
    address.sin_port = htons((uint16_t)port); /* the network's byte order, not ours */
    return address;
}

static bool is_word(const char *text) {
    size_t length = strlen(text);
    for (const char *c = text; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return length > 0 && length <= MAX_WORD;
}

static int connect_to(struct sockaddr_in address) {
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server == -1)
        die("client: socket");
    if (connect(server, (struct sockaddr *)&address, sizeof address) == -1)
        die("client: connect");
    return server;
}

/* What we ask of every server: a certificate that `authority`, a file, vouches for. */
static SSL_CTX *trusting(const char *authority) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || !SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION))
        die_tls("client: TLS", EXIT_FAILURE);
    if (SSL_CTX_load_verify_file(context, authority) != 1)
        die_tls("client: AUTHORITY", EXIT_FAILURE);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL); /* without it any certificate will do */
    return context;
}

/* The same connection, behind TLS, with somebody who has proved to be `name`. */
static SSL *shake_hands(SSL_CTX *context, int server, const char *name) {
    SSL *ssl = SSL_new(context);
    if (ssl == NULL || SSL_set_fd(ssl, server) != 1)
        die_tls("client: TLS", EXIT_FAILURE);
    /* The first says whom we want, the second checks who it is: somebody else's certificate, which
     * the authority has signed as well, is none for `name`. */
    if (SSL_set_tlsext_host_name(ssl, name) != 1 || SSL_set1_host(ssl, name) != 1)
        die_tls("client: NAME", EXIT_FAILURE);
    if (SSL_connect(ssl) != 1)
        die_tls("client: the server is not to be trusted", EXIT_UNTRUSTED);
    return ssl;
}

static void send_request(SSL *server, const char *target, const char *name) {
    char request[2 * MAX_WORD + 64];
    size_t sent;
    int size =
        snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", target, name);
    if (!SSL_write_ex(server, request, (size_t)size, &sent)) /* all of it, or nothing */
        broken("the server has gone before it was asked");
}

/* What has come; 0 at the end, when the server has said that it is the end. */
static size_t receive(SSL *server, char *buffer, size_t room) {
    size_t received;
    if (SSL_read_ex(server, buffer, room, &received))
        return received;
    if (SSL_get_error(server, 0) != SSL_ERROR_ZERO_RETURN) /* no close_notify: cut off, by whom? */
        broken("the connection was cut off");
    return 0;
}

/* Receives the head and what came with it of the body, the beginning of which this gives. */
static const char *receive_head(SSL *server, char head[MAX_HEAD + 1], size_t *length) {
    *length = 0;
    for (;;) {
        size_t room = MAX_HEAD - *length, received = 0;
        if (room > 0)
            received = receive(server, head + *length, room);
        if (received == 0)
            broken("the answer has no end of its head");
        *length += received;
        const char *end = memmem(head, *length, "\r\n\r\n", 4);
        if (end != NULL)
            return end + 4;
    }
}

static int status_in(const char *head) {
    int status;
    if (sscanf(head, "HTTP/1.%*1[0-9] %3d", &status) != 1)
        broken("the answer is not HTTP");
    return status;
}

static void print(const char *bytes, size_t size) {
    if (fwrite(bytes, 1, size, stdout) != size)
        die("client: standard output");
}

/* Prints the body, which goes on to the end of the connection. */
static void print_answer(SSL *server) {
    static char buffer[MAX_HEAD + 1]; /* one more than is received: there is always a NUL */
    size_t length;
    const char *body = receive_head(server, buffer, &length);
    int status = status_in(buffer);
    if (status != OK) {
        fprintf(stderr, "client: the server's answer is %d\n", status);
        exit(EXIT_STATUS);
    }
    print(body, length - (size_t)(body - buffer));
    while ((length = receive(server, buffer, MAX_HEAD)) > 0)
        print(buffer, length);
}

int main(int argc, char *argv[]) {
    if (argc != 6)
        usage("five arguments are needed");
    struct sockaddr_in address = address_of(argv[1], argv[2]);
    const char *name = argv[3], *authority = argv[4], *target = argv[5];
    if (!is_word(name) || !is_word(target) || target[0] != '/')
        usage("NAME and TARGET are of visible characters, and TARGET begins with /");
    /* OpenSSL calls write(), which knows no MSG_NOSIGNAL: a server that has gone is EPIPE. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        die("client: signal");

    SSL_CTX *context = trusting(authority);
    int server = connect_to(address);
    SSL *ssl = shake_hands(context, server, name);
    send_request(ssl, target, name);
    print_answer(ssl);
    SSL_shutdown(ssl); /* we, too, say that it is the end */
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(server);
    if (fflush(stdout) == EOF)
        die("client: standard output");
    return EXIT_SUCCESS;
}
