/*
 * client KEY SIZE
 *
 * Prints the message that a server left in a System V shared memory segment, and replaces its first
 * byte by a mark, so that the server knows.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>

enum { MARK = '*', EXIT_USAGE = 2 };

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr, "client: %s\nusage: client KEY SIZE\n", why);
    exit(EXIT_USAGE);
}

/* A number from 1 to max, decimal or after 0x as ipcs prints it. Zero is IPC_PRIVATE: no key. */
static unsigned long number(const char *text, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 || value > max)
        usage("KEY and SIZE are numbers above zero");
    return value;
}

/* The segment that a server made. No IPC_CREAT: a client that makes one would talk to itself. */
static char *attach(key_t key, size_t size) {
    int shmid = shmget(key, size, 0);
    if (shmid == -1)
        die("client: shmget");
    char *segment = shmat(shmid, NULL, 0);
    if (segment == NULL) /* Mistake: shmat() returns (void *)-1 on failure. */
        die("client: shmat");
    return segment;
}

int main(int argc, char *argv[]) {
    if (argc != 3)
        usage("two arguments are needed");
    key_t key = (key_t)number(argv[1], UINT_MAX);
    int size = (int)number(argv[2], INT_MAX);

    char *segment = attach(key, (size_t)size);
    /* Others can write into the segment: never trust them to have left a NUL within it. */
    if (printf("%.*s\n", size, segment) < 0 || fflush(stdout) == EOF)
        die("client: standard output");
    /* Last of all: once the mark is there, the server may do away with the message. */
    atomic_store((atomic_char *)segment, MARK);
    if (shmdt(segment) == -1)
        die("client: shmdt");
    return EXIT_SUCCESS;
}
