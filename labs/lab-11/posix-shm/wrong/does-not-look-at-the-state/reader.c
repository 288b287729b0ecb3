/*
 * reader NAME
 *
 * Prints the message that a writer left in a POSIX shared memory object, and says in the object
 * that it has been taken.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };
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

static void refuse(const char *why) {
    fprintf(stderr, "reader: %s\n", why);
    exit(EXIT_FAILURE);
}

/* The object as memory, all *size bytes of it. Only the object itself knows how many there are. */
static struct note *map(const char *name, size_t *size) {
    int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        die("reader: shm_open");
    struct stat status;
    if (fstat(fd, &status) == -1)
        die("reader: fstat");
    /* Its name is there before its bytes are: touching what is not there yet ends in SIGBUS. */
    if (status.st_size < (off_t)sizeof(struct note))
        refuse("the object is too small for a message");
    *size = (size_t)status.st_size;
    void *memory = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        die("reader: mmap");
    if (close(fd) == -1)
        die("reader: close");
    return memory;
}

/* Prints the message; what others wrote is believed only as far as it lies within the object. */
static void print(struct note *note, size_t size) {
    /* Mistake: is there a message? */
    uint32_t length = note->length; /* read once: it may change between the test and its use */
    if (length > size - sizeof(struct note))
        refuse("the message is longer than the object");
    if (fwrite(note->text, 1, length, stdout) != length || putchar('\n') == EOF ||
        fflush(stdout) == EOF)
        die("reader: standard output");
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: reader NAME\n");
        return EXIT_USAGE;
    }
    size_t size;
    struct note *note = map(argv[1], &size);
    print(note, size);
    atomic_store(&note->state,
                 TAKEN); /* last of all: now the writer may do away with the message */
    if (munmap(note, size) == -1)
        die("reader: munmap");
    return EXIT_SUCCESS;
}
