/*
 * server PORT FOLDER CERTIFICATE KEY
 *
 * Serves the files of FOLDER over HTTP/1.0 and TLS. The contract is in README.md.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* As perror() and exit(), for OpenSSL, which has its own notes of what went wrong. */
static void die_tls(const char *what) {
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
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

int main(int argc, char *argv[]) {
    if (argc != 5) {
        fprintf(stderr, "usage: server PORT FOLDER CERTIFICATE KEY\n");
        return EXIT_USAGE;
    }
    uint16_t port = port_number(argv[1]);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL)
        die_tls("server: TLS");

    /*
     * Your part:
     * 1. load certificate and key: SSL_CTX_use_certificate_chain_file(3) and its neighbours;
     * 2. listen, and serve many at once, as in http;
     * 3. for each client a TLS connection on its socket: SSL_new(3), SSL_set_fd(3), SSL_accept(3);
     * 4. a request and its answer: SSL_read_ex(3), SSL_write_ex(3);
     * 5. the end, which the client must be told: SSL_shutdown(3). And what if it has gone?
     */
    (void)port;
    SSL_CTX_free(context);
    errno = ENOSYS; /* in place of your part */
    perror("server: nobody listens yet");
    return EXIT_FAILURE;
}
