/*
 * writer NAME SIZE MESSAGE
 *
 * Makes a POSIX shared memory object, leaves MESSAGE in it, waits until a reader has taken it, and
 * unlinks the object: also when SIGTERM or SIGINT ends the wait.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MODE = 0660, LOOK_EVERY_MS = 50, EXIT_USAGE = 2 };
enum { NOTHING, THERE, TAKEN }; /* the states of a note; a new object is all zeros: NOTHING */

/* The layout that the brief fixes. Another program was compiled from another text of it. */
struct note {
    _Atomic uint32_t state;
    uint32_t length;
    char text[];
};
static_assert(offsetof(struct note, length) == 4 && offsetof(struct note, text) == 8, "layout");

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr, "writer: %s\nusage: writer NAME SIZE MESSAGE\n", why);
    exit(EXIT_USAGE);
}

/* A number from 1 to max, decimal or after 0x. */
static unsigned long number(const char *text, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 || value > max)
        usage("SIZE is a number above zero");
    return value;
}

/* Whether the object has size bytes now, and memory for all of them. */
static bool resize(int fd, size_t size) {
    if (ftruncate(fd, (off_t)size) == -1) {
        perror("writer: ftruncate");
        return false;
    }
    /* ftruncate() only notes the size: memory is looked for when a page is touched, and SIGBUS says
     * that there is none. Ask now. The error is the result; errno is not set. */
    int error = posix_fallocate(fd, 0, (off_t)size);
    if (error != 0)
        fprintf(stderr, "writer: posix_fallocate: %s\n", strerror(error));
    return error == 0;
}

/* The object as memory, or NULL. Closes fd in either case: a mapping does not need it. */
static struct note *map(int fd, size_t size) {
    void *memory = MAP_FAILED;
    if (resize(fd, size)) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            perror("writer: mmap");
    }
    if (close(fd) == -1)
        perror("writer: close");
    return memory == MAP_FAILED ? NULL : memory;
}

/* The state comes last: whoever sees THERE sees all that was written before it. */
static void leave(struct note *note, const char *message) {
    note->length = (uint32_t)strlen(message);
    memcpy(note->text, message, note->length); /* no NUL: the length says where it ends */
    atomic_store(&note->state, THERE);
}

/* Whether the line went out now, and not when the buffer is full or the program ends. */
static bool say(const char *line) {
    return puts(line) != EOF && fflush(stdout) != EOF;
}

/* Mistake: SIGTERM and SIGINT end the program here, and what follows is never done. */
static bool wait_until_taken(struct note *note) {
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    while (atomic_load(&note->state) != TAKEN) {
        if (nanosleep(&pause, NULL) == -1 && errno != EINTR)
            return false;
    }
    return true;
}

/* Whether a reader took the message. Returns on every path, so that the caller can clean up. */
static bool offer(int fd, size_t size, const char *message) {
    struct note *note = map(fd, size);
    if (note == NULL)
        return false;
    leave(note, message);
    bool taken = say("ready") && wait_until_taken(note);
    if (munmap(note, size) == -1) {
        perror("writer: munmap");
        return false;
    }
    return taken;
}

int main(int argc, char *argv[]) {
    if (argc != 4)
        usage("three arguments are needed");
    const char *name = argv[1], *message = argv[3];
    size_t size = number(argv[2], INT_MAX);
    if (size < sizeof(struct note) || strlen(message) > size - sizeof(struct note))
        usage("MESSAGE and the eight bytes before it must fit into SIZE bytes");

    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, MODE);
    if (fd == -1)
        die("writer: shm_open");
    bool taken = offer(fd, size, message);
    if (shm_unlink(name) == -1) /* a reader that still has it mapped keeps the memory */
        die("writer: shm_unlink");
    return taken && say("done") ? EXIT_SUCCESS : EXIT_FAILURE;
}
