/*
 * audit NAME
 *
 * Says how many increments the processes have done, how many of them the counter has seen, and how
 * many are lost. Looks only: it needs no permission to write.
 */
#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROCESSES = 8, EXIT_USAGE = 2 };

/* The layout that the brief fixes; nobody counts any more. */
struct tally {
    uint64_t value;
    uint64_t done[PROCESSES];
};
static_assert(sizeof(struct tally) == 72 && offsetof(struct tally, done) == 8, "layout");

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void refuse(const char *why) {
    fprintf(stderr, "audit: %s\n", why);
    exit(EXIT_FAILURE);
}

static const struct tally *open_tally(const char *name) {
    int fd = shm_open(name, O_RDONLY, 0);
    if (fd == -1)
        die("audit: shm_open");
    struct stat status;
    if (fstat(fd, &status) == -1)
        die("audit: fstat");
    if (status.st_size < (off_t)sizeof(struct tally))
        refuse("the object is too small for a tally");
    void *memory = mmap(NULL, sizeof(struct tally), PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        die("audit: mmap");
    if (close(fd) == -1)
        die("audit: close");
    return memory;
}

static uint64_t sum(const uint64_t done[PROCESSES]) {
    uint64_t all = 0;
    for (int who = 0; who < PROCESSES; who++)
        all += done[who];
    return all;
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: audit NAME\n");
        return EXIT_USAGE;
    }
    const struct tally *tally = open_tally(argv[1]);
    uint64_t counted = tally->value, done = sum(tally->done);
    if (counted > done)
        refuse("the counter is ahead of what was done");
    printf("done %" PRIu64 "\ncounted %" PRIu64 "\nlost %" PRIu64 "\n", done, counted,
           done - counted);
    if (fflush(stdout) == EOF)
        die("audit: standard output");
    return EXIT_SUCCESS;
}
