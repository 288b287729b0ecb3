/*
 * board NAME read TIMES | write TIMES | hold read | hold write
 *
 * Sixteen numbers in a POSIX shared memory object, and beside them the lock that keeps them whole:
 * several readers may be inside at once, a writer is there alone. Whoever comes first makes both.
 *
 * Manual pages: shm_open(3), posix_fallocate(3), mmap(2), flock(2), pthreads(7), sem_overview(7),
 * pthread_rwlockattr_setkind_np(3), pthread_mutexattr_setpshared(3)
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

enum { BYTES = 4096, NUMBERS = 16, EXIT_USAGE = 2 };

/* The first 192 bytes are as the brief wants them, the rest is yours. */
struct board {
    _Atomic uint32_t state;
    alignas(64) uint64_t numbers[NUMBERS];
    /* yours: the lock */
};
static_assert(offsetof(struct board, numbers) == 64 && sizeof(struct board) <= BYTES, "layout");

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static noreturn void usage(const char *why) {
    fprintf(stderr,
            "board: %s\n"
            "usage: board NAME read TIMES | write TIMES | hold read | hold write\n",
            why);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1)
        usage("TIMES is a number above zero");
    return value;
}

static bool is_writer(const char *word) {
    if (strcmp(word, "write") == 0)
        return true;
    if (strcmp(word, "read") == 0)
        return false;
    usage("it can read or write, or hold read or hold write");
}

int main(int argc, char *argv[]) {
    if (argc != 4)
        usage("three arguments are needed");
    const char *name = argv[1], *command = argv[2], *argument = argv[3];
    bool holds = strcmp(command, "hold") == 0;
    bool writing = is_writer(holds ? argument : command);
    unsigned long times = holds ? 1 : number(argument);

    /*
     * Yours:
     *   open the object, or make it, and make the lock if nobody has;
     *   then read, write or hold, each time inside the lock.
     */
    (void)name, (void)writing, (void)times;
    errno = ENOSYS; /* in place of your part */
    die("board: no object is opened yet");
}
