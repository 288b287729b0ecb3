/*
 * module PATH NAME
 *
 * Offers the module NAME at PATH. Whoever brings the two ends of a gap in a stream there gets a
 * process that fills it.
 *
 * Manual pages: unix(7), bind(2), listen(2), accept(2), fork(2), poll(2), sigaction(2), umask(2)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "filter.h"
#include "message.h"

enum { EXIT_USAGE = 2 };

/* Passes messages on, both ways, until the stream is closed or a message says that we are popped.
 */
static _Noreturn void be_module(const struct filter *filter, int upper, int lower) {
    (void)filter, (void)upper, (void)lower; /* yours */
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[]) {
    const struct filter *filter = argc == 3 ? filter_named(argv[2]) : NULL;
    if (filter == NULL || strlen(argv[1]) >= sizeof((struct sockaddr_un *)0)->sun_path) {
        fprintf(stderr, "usage: module PATH upper|sum\n");
        return EXIT_USAGE;
    }
    /* yours: listen at PATH, a process for each push */
    be_module(filter, -1, -1);
}
