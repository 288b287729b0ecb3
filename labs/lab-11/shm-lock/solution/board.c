/*
 * board NAME read TIMES | write TIMES | hold read | hold write
 *
 * Sixteen numbers in a POSIX shared memory object, and beside them the lock that keeps them whole:
 * several readers may be inside at once, a writer is there alone. Whoever comes first makes both.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MODE = 0660, BYTES = 4096, NUMBERS = 16, EXIT_USAGE = 2 };
enum { UNFINISHED, READY }; /* the states; a new object is all zeros: UNFINISHED */

/* The first 192 bytes are as the brief wants them, the rest is ours. */
struct board {
    _Atomic uint32_t state;
    alignas(64) uint64_t numbers[NUMBERS];
    pthread_rwlock_t lock;
};
static_assert(offsetof(struct board, numbers) == 64 && sizeof(struct board) <= BYTES, "layout");

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

/* The pthread functions return their error and leave errno alone. */
static void must(int error, const char *what) {
    errno = error;
    if (error != 0)
        die(what);
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

/* A lock for several processes, in which a writer who waits comes before readers who come later. */
static void make_lock(pthread_rwlock_t *lock) {
    pthread_rwlockattr_t how;
    must(pthread_rwlockattr_init(&how), "board: pthread_rwlockattr_init");
    must(pthread_rwlockattr_setpshared(&how, PTHREAD_PROCESS_SHARED), "board: setpshared");
    must(pthread_rwlockattr_setkind_np(&how, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP),
         "board: setkind");
    must(pthread_rwlock_init(lock, &how), "board: pthread_rwlock_init");
    must(pthread_rwlockattr_destroy(&how), "board: pthread_rwlockattr_destroy");
}

static struct board *map(int fd) {
    must(posix_fallocate(fd, 0, BYTES), "board: posix_fallocate");
    void *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        die("board: mmap");
    return memory;
}

/*
 * The object with its lock made, by us or by somebody before us. What is looked at and made here
 * must not be looked at by others meanwhile, and the lock that would keep them out is the one that
 * is being made. So the kernel's lock on the file does; if we die, it is free again.
 */
static struct board *open_board(const char *name) {
    int fd = shm_open(name, O_RDWR | O_CREAT, MODE);
    if (fd == -1)
        die("board: shm_open");
    if (flock(fd, LOCK_EX) == -1)
        die("board: flock");
    struct board *board = map(fd);
    if (atomic_load(&board->state) != READY) {
        make_lock(&board->lock);
        atomic_store(&board->state, READY); /* last of all: whoever sees it has a whole lock */
    }
    /* close() alone would not do: the mapping keeps the open file alive, and so its lock. */
    if (flock(fd, LOCK_UN) == -1)
        die("board: flock");
    if (close(fd) == -1)
        die("board: close");
    return board;
}

static void enter_as_reader(struct board *board) {
    must(pthread_rwlock_rdlock(&board->lock), "board: pthread_rwlock_rdlock");
}

static void enter_as_writer(struct board *board) {
    must(pthread_rwlock_wrlock(&board->lock), "board: pthread_rwlock_wrlock");
}

static void leave(struct board *board) {
    must(pthread_rwlock_unlock(&board->lock), "board: pthread_rwlock_unlock");
}

static void add_one(struct board *board) {
    for (int i = 0; i < NUMBERS; i++)
        board->numbers[i]++;
}

static void print(const uint64_t numbers[NUMBERS]) {
    for (int i = 0; i < NUMBERS; i++)
        printf("%" PRIu64 "%c", numbers[i], i + 1 < NUMBERS ? ' ' : '\n');
}

/* Nobody waits at the lock until a terminal has shown the numbers: they are copied. */
static void read_numbers(struct board *board, unsigned long times) {
    for (unsigned long i = 0; i < times; i++) {
        uint64_t copy[NUMBERS];
        enter_as_reader(board);
        memcpy(copy, board->numbers, sizeof copy);
        leave(board);
        print(copy);
    }
}

static void write_numbers(struct board *board, unsigned long times) {
    for (unsigned long i = 0; i < times; i++) {
        enter_as_writer(board);
        add_one(board);
        leave(board);
    }
}

static void wait_inside(void) {
    if (puts("inside") == EOF || fflush(stdout) == EOF)
        die("board: standard output");
    while (getchar() != EOF)
        ;
}

static void hold(struct board *board, bool writing) {
    if (writing)
        enter_as_writer(board);
    else
        enter_as_reader(board);
    wait_inside();
    if (writing)
        add_one(board);
    else
        print(board->numbers);
    leave(board);
}

int main(int argc, char *argv[]) {
    if (argc != 4)
        usage("three arguments are needed");
    const char *name = argv[1], *command = argv[2], *argument = argv[3];
    bool holds = strcmp(command, "hold") == 0;
    bool writing = is_writer(holds ? argument : command);
    unsigned long times = holds ? 1 : number(argument);

    struct board *board = open_board(name);
    if (holds)
        hold(board, writing);
    else if (writing)
        write_numbers(board, times);
    else
        read_numbers(board, times);
    if (munmap(board, BYTES) == -1)
        die("board: munmap");
    if (fflush(stdout) == EOF)
        die("board: standard output");
    return EXIT_SUCCESS;
}
