/*
 * board NAME read TIMES | write TIMES | hold read | hold write
 * The lock is made of three semaphores and four counters. Whoever leaves decides who comes next,
 * counts him in, and only then wakes him: nobody who was woken has to look whether it may go in.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT 16

struct board {
    _Atomic uint32_t state;
    alignas(64) uint64_t numbers[COUNT];
    /* Who has `door` may look at the counters and change them. */
    alignas(64) sem_t door;
    sem_t readers, writers; /* here they sleep */
    uint32_t reading, writing, readers_wait, writers_wait;
};
_Static_assert(offsetof(struct board, numbers) == 64 && sizeof(struct board) <= 4096, "layout");

static struct board *b;

static void usage(void) {
    fprintf(stderr, "usage: board NAME read TIMES | write TIMES | hold read | hold write\n");
    exit(2);
}

static void down(sem_t *sem) {
    while (sem_wait(sem) == -1)
        if (errno != EINTR)
            err(1, "sem_wait");
}

static void up(sem_t *sem) {
    if (sem_post(sem) == -1)
        err(1, "sem_post");
}

static void enter(bool writer) {
    down(&b->door);
    bool may =
        writer ? b->reading == 0 && b->writing == 0 : b->writing == 0 && b->writers_wait == 0;
    ++*(may ? (writer ? &b->writing : &b->reading)
            : (writer ? &b->writers_wait : &b->readers_wait));
    up(&b->door);
    if (!may)
        down(writer ? &b->writers : &b->readers);
}

static void leave(bool writer) {
    down(&b->door);
    --*(writer ? &b->writing : &b->reading);
    if (b->reading == 0 && b->writers_wait > 0) {
        b->writers_wait--;
        b->writing = 1;
        up(&b->writers);
    } else if (b->writers_wait == 0) {
        for (; b->readers_wait > 0; b->readers_wait--) {
            b->reading++;
            up(&b->readers);
        }
    }
    up(&b->door);
}

static void map(const char *name) {
    umask(0);
    int fd = shm_open(name, O_RDWR | O_CREAT, 0660);
    if (fd == -1)
        err(1, "shm_open %s", name);
    while (flock(fd, LOCK_EX) == -1)
        if (errno != EINTR)
            err(1, "flock");
    struct stat st;
    if (fstat(fd, &st) == -1)
        err(1, "fstat");
    if (st.st_size < 4096) {
        errno = posix_fallocate(fd, 0, 4096);
        if (errno != 0)
            err(1, "posix_fallocate");
    }
    b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (b == MAP_FAILED)
        err(1, "mmap");
    if (atomic_load(&b->state) != 1) {
        if (sem_init(&b->door, 1, 1) == -1 || sem_init(&b->readers, 1, 0) == -1 ||
            sem_init(&b->writers, 1, 0) == -1)
            err(1, "sem_init");
        b->reading = b->writing = b->readers_wait = b->writers_wait = 0;
        atomic_store(&b->state, 1);
    }
    if (flock(fd, LOCK_UN) == -1 || close(fd) == -1)
        err(1, "giving the file lock back");
}

static void wait_for_end_of_input(bool writer) {
    char buf[4096];
    ssize_t n;
    if (puts("inside") == EOF || fflush(stdout) == EOF) {
        leave(writer);
        err(1, "standard output");
    }
    while ((n = read(STDIN_FILENO, buf, sizeof buf)) != 0)
        if (n == -1 && errno != EINTR) {
            leave(writer);
            err(1, "standard input");
        }
}

int main(int argc, char **argv) {
    if (argc != 4)
        usage();
    bool hold = strcmp(argv[2], "hold") == 0;
    const char *how = argv[hold ? 3 : 2];
    bool writer = strcmp(how, "write") == 0;
    if (!writer && strcmp(how, "read") != 0)
        usage();
    uintmax_t times = 1;
    if (!hold) {
        char *end;
        errno = 0;
        times = strtoumax(argv[3], &end, 10);
        if (!isdigit((unsigned char)argv[3][0]) || *end != '\0' || errno != 0 || times == 0)
            usage();
    }

    map(argv[1]);
    for (; times > 0; times--) {
        uint64_t copy[COUNT];
        enter(writer);
        if (hold)
            wait_for_end_of_input(writer);
        if (writer)
            for (int i = 0; i < COUNT; i++)
                b->numbers[i]++;
        else
            memcpy(copy, b->numbers, sizeof copy);
        leave(writer);
        for (int i = 0; i < COUNT && !writer; i++)
            printf("%" PRIu64 "%c", copy[i], i < COUNT - 1 ? ' ' : '\n');
    }
    if (fflush(stdout) == EOF || ferror(stdout))
        err(1, "standard output");
    return 0;
}
