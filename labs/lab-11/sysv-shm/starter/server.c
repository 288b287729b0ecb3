/*
 * server KEY SIZE MESSAGE
 *
 * Makes a System V shared memory segment, leaves MESSAGE in it, waits until a client has replaced
 * the first byte by a mark, and removes the segment: also when SIGTERM or SIGINT ends the wait.
 *
 * Manual pages: shmget(2), shmop(2), shmctl(2), sysvipc(7), sigaction(2), nanosleep(2)
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
    fprintf(stderr, "server: %s\nusage: server KEY SIZE MESSAGE\n", why);
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
    if (argc != 4)
        usage("three arguments are needed");
    key_t key = (key_t)number(argv[1], UINT_MAX);
    size_t size = number(argv[2], INT_MAX);
    const char *message = argv[3];

    /*
     * Yours, in the order of the brief:
     *   refuse a MESSAGE that does not fit;
     *   make the segment, attach it, leave the message, say that you are ready;
     *   wait for the mark, and neither burn the CPU nor miss a signal meanwhile;
     *   detach, remove the segment, say that you are done.
     */
    (void)key;
    (void)size;
    (void)message;
    errno = ENOSYS; /* in place of your part */
    die("server: no segment is made yet");
}
