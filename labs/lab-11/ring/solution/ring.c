/*
 * ring NAME make CAPACITY SIZE | send | receive COUNT | remove
 *
 * Messages go from process to process through a ring of buffers in a POSIX shared memory object.
 * Who sends waits when all buffers are filled, who receives waits when all are free.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdalign.h>
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

enum { MODE = 0660, MADE = 1, MAX_CAPACITY = 1000, MAX_SIZE = 32768, EXIT_USAGE = 2 };

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

/* The object as this process sees it. What was tested when it was opened is kept here, where nobody
 * else can change it. */
struct ring {
    struct head *head;
    uint32_t *lengths;
    char *buffers;
    uint32_t capacity, size;
    size_t bytes;
};

static noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static noreturn void refuse(const char *why) {
    fprintf(stderr, "ring: %s\n", why);
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

static size_t bytes_of(size_t capacity, size_t size) {
    return sizeof(struct head) + capacity * (sizeof(uint32_t) + size);
}

static void *map(int fd, size_t bytes) {
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* Whether the new object is a ring now. Returns on every path, so that the caller can clean up. */
static bool prepare(int fd, uint32_t capacity, uint32_t size) {
    int error = posix_fallocate(fd, 0, (off_t)bytes_of(capacity, size));
    if (error != 0) {
        fprintf(stderr, "ring: posix_fallocate: %s\n", strerror(error));
        return false;
    }
    struct head *head = map(fd, sizeof *head);
    if (head == MAP_FAILED) {
        perror("ring: mmap");
        return false;
    }
    head->capacity = capacity;
    head->size = size;
    if (sem_init(&head->free, 1, capacity) == -1 || sem_init(&head->filled, 1, 0) == -1 ||
        sem_init(&head->lock, 1, 1) == -1) {
        perror("ring: sem_init");
        return false;
    }
    atomic_store(&head->state, MADE); /* last of all */
    return true;
}

static void make(const char *name, uint32_t capacity, uint32_t size) {
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, MODE);
    if (fd == -1)
        die("ring: shm_open");
    if (!prepare(fd, capacity, size)) {
        if (shm_unlink(name) == -1)
            perror("ring: shm_unlink");
        exit(EXIT_FAILURE);
    }
}

/* The ring under this name, if it is one. */
static struct ring open_ring(const char *name) {
    int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        die("ring: shm_open");
    struct stat status;
    if (fstat(fd, &status) == -1)
        die("ring: fstat");
    if (status.st_size < (off_t)sizeof(struct head))
        refuse("the object is too small for a ring");
    struct ring ring = {.bytes = (size_t)status.st_size};
    ring.head = map(fd, ring.bytes);
    if (ring.head == MAP_FAILED)
        die("ring: mmap");
    if (close(fd) == -1)
        die("ring: close");
    ring.capacity = ring.head->capacity;
    ring.size = ring.head->size;
    if (atomic_load(&ring.head->state) != MADE || ring.capacity == 0 || ring.size == 0 ||
        bytes_of(ring.capacity, ring.size) != ring.bytes)
        refuse("the object is no ring");
    ring.lengths = (uint32_t *)(ring.head + 1);
    ring.buffers = (char *)(ring.lengths + ring.capacity);
    return ring;
}

static void down(sem_t *semaphore) {
    while (sem_wait(semaphore) == -1)
        if (errno != EINTR)
            die("ring: sem_wait");
}

static void up(sem_t *semaphore) {
    if (sem_post(semaphore) == -1)
        die("ring: sem_post");
}

/* First a free buffer, then the lock: who waits for a buffer must not keep out who would free one.
 */
static void put(const struct ring *ring, const char *message, uint32_t length) {
    struct head *head = ring->head;
    down(&head->free);
    down(&head->lock);
    size_t i = head->in % ring->capacity; /* within the ring, whatever somebody has left there */
    memcpy(ring->buffers + i * ring->size, message, length);
    ring->lengths[i] = length;
    head->in = (uint32_t)((i + 1) % ring->capacity);
    up(&head->lock);
    up(&head->filled);
}

/* The length of the message that is now in `message`: copied, for the buffer is given back. */
static uint32_t get(const struct ring *ring, char *message) {
    struct head *head = ring->head;
    down(&head->filled);
    down(&head->lock);
    size_t i = head->out % ring->capacity;
    uint32_t length = ring->lengths[i];
    memcpy(message, ring->buffers + i * ring->size, ring->size);
    head->out = (uint32_t)((i + 1) % ring->capacity);
    up(&head->lock);
    up(&head->free);
    if (length > ring->size)
        refuse("a message is longer than its buffer");
    return length;
}

/* A buffer is asked for when the message is there: input may be long in coming. */
static void send_lines(const struct ring *ring) {
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) != -1) {
        if (line[length - 1] == '\n')
            length--;
        if ((size_t)length > ring->size)
            refuse("a line is longer than a buffer");
        put(ring, line, (uint32_t)length);
    }
    if (ferror(stdin))
        die("ring: standard input");
    free(line);
}

static void receive(const struct ring *ring, unsigned long count) {
    char *message = malloc(ring->size);
    if (message == NULL)
        die("ring: malloc");
    for (unsigned long i = 0; i < count; i++) {
        uint32_t length = get(ring, message);
        if (fwrite(message, 1, length, stdout) != length || putchar('\n') == EOF ||
            fflush(stdout) == EOF)
            die("ring: standard output");
    }
    free(message);
}

int main(int argc, char *argv[]) {
    const char *name = argc > 1 ? argv[1] : "", *command = argc > 2 ? argv[2] : "";
    if (strcmp(command, "make") == 0 && argc == 5) {
        uint32_t capacity = (uint32_t)number(argv[3], MAX_CAPACITY);
        make(name, capacity, (uint32_t)number(argv[4], MAX_SIZE));
    } else if (strcmp(command, "send") == 0 && argc == 3) {
        struct ring ring = open_ring(name);
        send_lines(&ring);
    } else if (strcmp(command, "receive") == 0 && argc == 4) {
        unsigned long count = number(argv[3], ULONG_MAX);
        struct ring ring = open_ring(name);
        receive(&ring, count);
    } else if (strcmp(command, "remove") == 0 && argc == 3) {
        if (shm_unlink(name) == -1)
            die("ring: shm_unlink");
    } else {
        usage("there is no such command with so many arguments");
    }
    return EXIT_SUCCESS;
}
