/*
 * client ADDRESS PORT NAME AUTHORITY TARGET
 *
 * OpenSSL never sees the socket: it reads from one piece of memory and writes into another, and
 * what is in them we carry to and from the network ourselves.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FAILED = 1, USAGE = 2, REFUSED = 3, CUT = 4, UNTRUSTED = 5 };
enum { LONGEST = 1000, MAX_HEAD = 16384, PIECE = 16384 };

static int server;
static SSL *tls;
static BIO *arrived, *leaving; /* the two pieces of memory; they are those of tls */

static _Noreturn void die_tls(int status, const char *what) {
    fprintf(stderr, "client: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(status);
}

/* If this can't be sent, the server may have said why: reading tells. */
static void carry_out(void) {
    char bytes[PIECE];
    for (int n; (n = BIO_read(leaving, bytes, sizeof bytes)) > 0;)
        for (int done = 0; done < n;) {
            ssize_t sent = send(server, bytes + done, (size_t)(n - done), MSG_NOSIGNAL);
            if (sent == -1)
                return;
            done += (int)sent;
        }
}

/* False at the end of the connection, whatever it was. */
static bool carry_in(void) {
    char bytes[PIECE];
    ssize_t n = recv(server, bytes, sizeof bytes, 0);
    return n > 0 && BIO_write(arrived, bytes, (int)n) == n;
}

/* After a call that gave `result`: true if it is to be repeated, with more in `arrived`. */
static bool more(int result) {
    bool hungry = SSL_get_error(tls, result) == SSL_ERROR_WANT_READ;
    carry_out(); /* that it has failed, too, is something that the server is told */
    return hungry && carry_in();
}

/* The next bytes of the answer, at least one; 0 when the server has said that this is all. */
static size_t receive(char *bytes, size_t size) {
    size_t n;
    int result;
    ERR_clear_error();
    while ((result = SSL_read_ex(tls, bytes, size, &n)) != 1)
        if (!more(result)) {
            if (SSL_get_error(tls, result) == SSL_ERROR_ZERO_RETURN)
                return 0;
            die_tls(CUT, "the answer was cut");
        }
    return n;
}

static void shake_hands(const char *name) {
    ERR_clear_error();
    /* With a dot in front SSL_set1_host() would take any name that ends so. */
    if (*name == '.' || SSL_set_tlsext_host_name(tls, name) != 1 || SSL_set1_host(tls, name) != 1)
        die_tls(UNTRUSTED, "no certificate can be for this NAME");
    for (int result; (result = SSL_connect(tls)) != 1;)
        if (!more(result)) {
            long verdict = SSL_get_verify_result(tls);
            die_tls(UNTRUSTED,
                    verdict == X509_V_OK ? "no handshake" : X509_verify_cert_error_string(verdict));
        }
    carry_out();
}

static void ask(const char *name, const char *target) {
    char request[2 * LONGEST + 64];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", target, name);
    size_t done;
    if (SSL_write_ex(tls, request, (size_t)n, &done) != 1) /* memory has room for all of it */
        die_tls(CUT, "the request");
    carry_out();
}

static void print(const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, n);
        if (done == -1)
            err(FAILED, "standard output");
        bytes += done;
        n -= (size_t)done;
    }
}

static bool is_200(const char *line) {
    return strncmp(line, "HTTP/1.", 7) == 0 && isdigit((unsigned char)line[7]) &&
           strncmp(line + 8, " 200", 4) == 0 && (line[12] == ' ' || line[12] == '\0');
}

static void take_answer(void) {
    static char bytes[MAX_HEAD + 1];
    size_t used = 0;
    char *body = NULL;
    while (body == NULL) {
        size_t n = used < MAX_HEAD ? receive(bytes + used, MAX_HEAD - used) : 0;
        if (n == 0)
            errx(CUT, "the answer has no empty line");
        used += n;
        body = memmem(bytes, used, "\r\n\r\n", 4);
    }
    char *line_end = memmem(bytes, used, "\r\n", 2);
    *line_end = '\0';
    if (!is_200(bytes))
        errx(REFUSED, "the server says: %s", bytes);
    body += 4;
    print(body, used - (size_t)(body - bytes));
    for (size_t n; (n = receive(bytes, MAX_HEAD)) > 0;)
        print(bytes, n);
}

static bool is_visible(const char *text) {
    size_t n = 0;
    while (text[n] > 32 && text[n] < 127)
        n++;
    return n >= 1 && n <= LONGEST && text[n] == '\0';
}

int main(int argc, char *argv[]) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    char *end = NULL;
    long port = argc == 6 && isdigit((unsigned char)*argv[2]) ? strtol(argv[2], &end, 10) : 0;
    if (port < 1 || port > UINT16_MAX || *end != '\0' ||
        inet_pton(AF_INET, argv[1], &at.sin_addr) != 1 || !is_visible(argv[3]) ||
        !is_visible(argv[5]) || *argv[5] != '/') {
        fputs("usage: client ADDRESS PORT NAME AUTHORITY TARGET\n", stderr);
        return USAGE;
    }
    at.sin_port = htons((uint16_t)port);

    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_load_verify_file(context, argv[4]) != 1)
        die_tls(FAILED, argv[4]);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    /* AUTHORITY is believed because we are told so, not because of who has signed it. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);

    tls = SSL_new(context);
    arrived = BIO_new(BIO_s_mem());
    leaving = BIO_new(BIO_s_mem());
    if (tls == NULL || arrived == NULL || leaving == NULL)
        die_tls(FAILED, "TLS");
    SSL_set_bio(tls, arrived, leaving);
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (server == -1 || connect(server, (struct sockaddr *)&at, sizeof at) == -1)
        err(FAILED, "%s port %ld", argv[1], port);

    shake_hands(argv[3]);
    ask(argv[3], argv[5]);
    take_answer();
    SSL_shutdown(tls);
    carry_out();
    SSL_free(tls);
    SSL_CTX_free(context);
    return 0;
}
