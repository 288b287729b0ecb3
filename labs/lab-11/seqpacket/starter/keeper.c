/*
 * keeper PATH
 *
 * Keeps open descriptors that clients leave under a name, and hands them to those who take them.
 *
 * Manual pages: unix(7), cmsg(3), recvmsg(2), sendmsg(2), listen(2), poll(2), umask(2)
 */
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: keeper PATH\n");
        return EXIT_USAGE;
    }
    (void)argv; /* yours: listen at PATH, answer packets until SIGTERM or SIGINT comes */
    return EXIT_FAILURE;
}
