/*
 * pipe(), popen() and pclose() made of socketpair(): sockpipe.h says what each of them does.
 *
 * Manual pages: socketpair(2), socket(2), shutdown(2), fork(2), dup2(2), execl(3), waitpid(2)
 */
#include "sockpipe.h"

#include <errno.h>
#include <unistd.h>

int sock_pipe(int ends[2]) {
    (void)ends; /* yours: socketpair(), shutdown() */
    errno = ENOSYS;
    return -1;
}

pid_t sock_spawn(const char *command, int input, int output) {
    (void)command, (void)input, (void)output; /* yours: fork(), dup2(), execl() */
    errno = ENOSYS;
    return -1;
}

int sock_popen(const char *command, const char *mode) {
    (void)command, (void)mode; /* yours: which end is whose? */
    errno = ENOSYS;
    return -1;
}

int sock_pclose(int fd) {
    (void)fd; /* yours: which command belongs to it? */
    errno = ENOSYS;
    return -1;
}
