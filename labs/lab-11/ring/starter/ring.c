/*
 * ring NAME make CAPACITY SIZE | send | receive COUNT | remove
 *
 * Messages go from process to process through a ring of buffers in a POSIX shared memory object.
 * Who sends waits when all buffers are filled, who receives waits when all are free.
 *
 * Manual pages: sem_overview(7), sem_init(3), sem_wait(3), sem_post(3), shm_open(3),
 * posix_fallocate(3), mmap(2), getline(3)
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

enum { MAX_CAPACITY = 1000, MAX_SIZE = 32768, EXIT_USAGE = 2 };

/* The head of the object, as the brief fixes it. */
struct head {
    _Atomic uint32_t state;
    uint32_t capacity; /* how many buffers */
    uint32_t size;     /* of how many bytes each */
    uint32_t in;       /* which one is filled next */
    uint32_t out;      /* which one is emptied next */
    alignas(32) sem_t free;
    alignas(32) sem_t filled;
    alignas(32) sem_t lock;
};
static_assert(sizeof(struct head) == 128 && offsetof(struct head, out) == 16 &&
                  offsetof(struct head, free) == 32 && offsetof(struct head, lock) == 96,
              "layout");

/* Says which call failed and why, and ends the program. */
static noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static noreturn void usage(const char *why) {
    fprintf(stderr,
            "ring: %s\n"
            "usage: ring NAME make CAPACITY SIZE | send | receive COUNT | remove\n",
            why);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 || value > max)
        usage(
            "CAPACITY is a number from 1 to 1000, SIZE one from 1 to 32768, COUNT one above zero");
    return value;
}

int main(int argc, char *argv[]) {
    const char *name = argc > 1 ? argv[1] : "", *command = argc > 2 ? argv[2] : "";
    if (strcmp(command, "make") == 0 && argc == 5) {
        uint32_t capacity = (uint32_t)number(argv[3], MAX_CAPACITY);
        uint32_t size = (uint32_t)number(argv[4], MAX_SIZE);
        (void)name, (void)capacity,
            (void)size; /* yours: a new object, its head, three semaphores */
    } else if (strcmp(command, "send") == 0 && argc == 3) {
        /* yours: open the ring, and send each line of standard input */
    } else if (strcmp(command, "receive") == 0 && argc == 4) {
        unsigned long count = number(argv[3], ULONG_MAX);
        (void)count; /* yours: open the ring, and print what comes */
    } else {
        /* remove is missing */
        usage("there is no such command with so many arguments");
    }
    errno = ENOSYS; /* in place of your part */
    die("ring: nothing is done yet");
}
