/*
 * client ADDRESS PORT NAME AUTHORITY TARGET
 *
 * Asks an HTTP server for TARGET over TLS, and prints the body of its answer. The contract is in
 * README.md.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

static void usage(const char *why) {
    fprintf(stderr, "client: %s\nusage: client ADDRESS PORT NAME AUTHORITY TARGET\n", why);
    exit(EXIT_USAGE);
}

/* As perror() and exit(), for OpenSSL, which has its own notes of what went wrong. */
static void die_tls(const char *what) {
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

/* PORT as a number, in the byte order of this machine. */
static uint16_t port_number(const char *text) {
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || port < 1 || port > UINT16_MAX)
        usage("PORT is a number from 1 to 65535");
    return (uint16_t)port;
}

int main(int argc, char *argv[]) {
    if (argc != 6)
        usage("five arguments are needed");
    struct in_addr address;
    if (inet_pton(AF_INET, argv[1], &address) != 1)
        usage("ADDRESS is four numbers with dots between them");
    uint16_t port = port_number(argv[2]);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        die_tls("client: TLS");

    /*
     * Your part:
     * 1. whom to believe: SSL_CTX_load_verify_file(3), SSL_CTX_set_verify(3);
     * 2. a connected socket, and TLS on it: SSL_new(3), SSL_set_fd(3), SSL_connect(3);
     * 3. for which name? SSL_set_tlsext_host_name(3) says it, SSL_set1_host(3) checks it;
     * 4. the request, and the answer up to its end: SSL_write_ex(3), SSL_read_ex(3);
     * 5. was that the end, or has somebody cut the line? SSL_get_error(3).
     */
    (void)address;
    (void)port;
    SSL_CTX_free(context);
    errno = ENOSYS; /* in place of your part */
    perror("client: nothing is asked yet");
    return EXIT_FAILURE;
}
