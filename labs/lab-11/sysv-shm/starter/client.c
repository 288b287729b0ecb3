/*
 * client KEY SIZE
 *
 * Prints the message that a server left in a System V shared memory segment, and replaces its first
 * byte by a mark, so that the server knows.
 *
 * Manual pages: shmget(2), shmop(2), sysvipc(7)
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
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

int main(int argc, char *argv[]) {
    if (argc != 3)
        usage("two arguments are needed");
    key_t key = (key_t)number(argv[1], UINT_MAX);
    int size = (int)number(argv[2], INT_MAX);

    /*
     * Yours, in the order of the brief:
     *   find the segment, attach it;
     *   print the message, and nothing that lies beyond it;
     *   leave the mark, detach.
     */
    (void)key;
    (void)size;
    errno = ENOSYS; /* in place of your part */
    die("client: no segment is attached yet");
}
