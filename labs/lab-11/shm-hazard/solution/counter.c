/*
 * counter NAME WHO TIMES | counter NAME WHO steps
 *
 * Counts in shared memory without any protection: TIMES times as fast as it can, or step by step,
 * as its standard input says.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0660, PROCESSES = 8, EXIT_USAGE = 2 };

/*
 * The layout that the brief fixes. Atomic makes each load and each store whole, and keeps the
 * compiler from counting in a register. It does not make one step of the two.
 */
struct tally {
    _Atomic uint64_t value;
    _Atomic uint64_t done[PROCESSES];
};
static_assert(sizeof(struct tally) == 72 && offsetof(struct tally, done) == 8, "layout");

static noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static noreturn void usage(const char *why) {
    fprintf(stderr, "counter: %s\nusage: counter NAME WHO TIMES | counter NAME WHO steps\n", why);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text, unsigned long min, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < min || value > max)
        usage("WHO is a number from 0 to 7, TIMES one above zero");
    return value;
}

/* A new object is all zeros, which is what a new tally is: whoever comes second changes nothing. */
static struct tally *open_tally(const char *name) {
    int fd = shm_open(name, O_RDWR | O_CREAT, MODE);
    if (fd == -1)
        die("counter: shm_open");
    struct stat status;
    if (fstat(fd, &status) == -1)
        die("counter: fstat");
    if (status.st_size < (off_t)sizeof(struct tally) && ftruncate(fd, sizeof(struct tally)) == -1)
        die("counter: ftruncate");
    void *memory = mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        die("counter: mmap");
    if (close(fd) == -1)
        die("counter: close");
    return memory;
}

/* The first half of an increment. */
static uint64_t load(struct tally *tally) {
    return atomic_load(&tally->value);
}

/* The second half. Whatever others have stored since the first one is lost here. */
static void store(struct tally *tally, unsigned long who, uint64_t value) {
    atomic_store(&tally->value, value);
    tally->done[who]++; /* nobody else writes to this one */
}

static void count(struct tally *tally, unsigned long who, unsigned long times) {
    for (unsigned long i = 0; i < times; i++)
        store(tally, who, load(tally) + 1);
}

static void say(uint64_t value) {
    if (printf("%" PRIu64 "\n", value) < 0 || fflush(stdout) == EOF)
        die("counter: standard output");
}

static void obey(struct tally *tally, unsigned long who) {
    char line[16];
    bool loaded = false;
    uint64_t seen = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "load\n") == 0) {
            seen = load(tally);
            loaded = true;
            say(seen);
        } else if (strcmp(line, "store\n") == 0 && loaded) {
            store(tally, who, seen + 1);
            loaded = false;
            say(seen + 1);
        } else {
            fprintf(stderr, "counter: a step is `load`, or `store` after a `load`\n");
            exit(EXIT_FAILURE);
        }
    }
    if (ferror(stdin))
        die("counter: standard input");
}

int main(int argc, char *argv[]) {
    if (argc != 4)
        usage("three arguments are needed");
    unsigned long who = number(argv[2], 0, PROCESSES - 1);
    bool steps = strcmp(argv[3], "steps") == 0;
    unsigned long times = steps ? 0 : number(argv[3], 1, ULONG_MAX);

    struct tally *tally = open_tally(argv[1]);
    if (steps)
        obey(tally, who);
    else
        count(tally, who, times);
    if (munmap(tally, sizeof *tally) == -1)
        die("counter: munmap");
    return EXIT_SUCCESS;
}
