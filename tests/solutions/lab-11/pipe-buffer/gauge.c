/*
 * gauge CHUNK [CAPACITY]: how much a pipe takes, and how much must come out before it takes more.
 * The chunk is a mapping that is never written to: what goes into the pipe are zeros.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static bool number(const char *text, uintmax_t max, uintmax_t *n) {
    char *end;
    *n = strtoumax(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && *n >= 1 && *n <= max;
}

static size_t put(int fd, const void *chunk, size_t size) {
    ssize_t n = write(fd, chunk, size);
    if (n == -1 && errno != EAGAIN)
        err(1, "writing into the pipe");
    return n == -1 ? 0 : (size_t)n;
}

int main(int argc, char **argv) {
    uintmax_t size, capacity = 0;
    if (argc < 2 || argc > 3 || !number(argv[1], 1 << 20, &size) ||
        (argc == 3 && !number(argv[2], UINTMAX_MAX, &capacity))) {
        fprintf(stderr, "usage: gauge CHUNK [CAPACITY]\n");
        return 2;
    }
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) == -1)
        err(1, "pipe2");
    if (capacity > INT_MAX)
        errx(1, "no pipe has %ju bytes", capacity);
    if (capacity > 0 && fcntl(ends[0], F_SETPIPE_SZ, (int)capacity) == -1)
        err(1, "asking for %ju bytes", capacity);
    int has = fcntl(ends[0], F_GETPIPE_SZ);
    if (has == -1)
        err(1, "F_GETPIPE_SZ");
    void *chunk = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
        err(1, "mmap");

    size_t writes = 0, bytes = 0, freed = 0;
    for (size_t n; (n = put(ends[1], chunk, size)) > 0; writes++)
        bytes += n;
    do {
        char byte;
        if (read(ends[0], &byte, 1) != 1)
            err(1, "reading from the pipe");
        freed++;
    } while (put(ends[1], chunk, size) == 0);
    if (printf("capacity %d\nwrites %zu\nbytes %zu\nfreed %zu\n", has, writes, bytes, freed) < 0 ||
        fflush(stdout) == EOF)
        err(1, "standard output");

    char buf[4096];
    ssize_t n;
    while ((n = read(STDIN_FILENO, buf, sizeof buf)) > 0)
        ;
    if (n == -1)
        err(1, "standard input");
    return 0;
}
