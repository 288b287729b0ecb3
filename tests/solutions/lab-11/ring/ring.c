/*
 * ring NAME make CAPACITY SIZE | send | receive COUNT | remove
 * No stdio on the way: lines are cut out of what read() gives, so that a line that is too long is
 * refused before its end has come, and a message and its newline leave by one writev().
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct ring {
    _Atomic uint32_t state;
    uint32_t capacity, size, in, out, unused[3];
    sem_t free, filled, lock;
    uint32_t lengths[];
};
_Static_assert(offsetof(struct ring, free) == 32 && offsetof(struct ring, lengths) == 128,
               "layout");

static struct ring *ring;
static uint32_t capacity, size; /* as they were when the ring was opened */

static uint64_t bytes_of(uint64_t buffers, uint64_t each) {
    return sizeof *ring + buffers * (sizeof ring->lengths[0] + each);
}

static char *buffer(uint32_t i) {
    return (char *)&ring->lengths[capacity] + (size_t)i * size;
}

static void wait_for(sem_t *sem) {
    while (sem_wait(sem) == -1)
        if (errno != EINTR)
            err(1, "sem_wait");
}

static void post(sem_t *sem) {
    if (sem_post(sem) == -1)
        err(1, "sem_post");
}

static void make(const char *name, uint32_t buffers, uint32_t each) {
    umask(0);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0660);
    if (fd == -1)
        err(1, "shm_open %s", name);
    size_t bytes = bytes_of(buffers, each);
    int error = posix_fallocate(fd, 0, (off_t)bytes);
    if (error == 0) {
        ring = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (ring != MAP_FAILED) {
            ring->capacity = buffers;
            ring->size = each;
            if (sem_init(&ring->free, 1, buffers) == 0 && sem_init(&ring->filled, 1, 0) == 0 &&
                sem_init(&ring->lock, 1, 1) == 0) {
                atomic_store(&ring->state, 1);
                return;
            }
        }
        error = errno;
    }
    shm_unlink(name);
    errno = error;
    err(1, "making %s", name);
}

static void open_ring(const char *name) {
    int fd = shm_open(name, O_RDWR, 0);
    struct stat st;
    if (fd == -1 || fstat(fd, &st) == -1)
        err(1, "%s", name);
    if ((size_t)st.st_size < sizeof *ring)
        errx(1, "%s is too small for a ring", name);
    ring = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED)
        err(1, "mmap");
    close(fd);
    capacity = ring->capacity;
    size = ring->size;
    if (atomic_load(&ring->state) != 1 || capacity == 0 || size == 0 ||
        bytes_of(capacity, size) != (uint64_t)st.st_size)
        errx(1, "%s is no ring", name);
}

static void send_one(const char *message, size_t length) {
    if (length > size)
        errx(1, "a line of %zu bytes or more does not fit", length);
    wait_for(&ring->free);
    wait_for(&ring->lock);
    uint32_t in = ring->in % capacity;
    memcpy(buffer(in), message, length);
    ring->lengths[in] = (uint32_t)length;
    ring->in = (in + 1) % capacity;
    post(&ring->lock);
    post(&ring->filled);
}

static void send_all(void) {
    size_t room = (size_t)size + 65536, held = 0;
    char *input = malloc(room);
    if (input == NULL)
        err(1, "malloc");
    for (ssize_t n; (n = read(STDIN_FILENO, input + held, room - held)) != 0;) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            err(1, "standard input");
        held += (size_t)n;
        char *line = input, *end;
        for (; (end = memchr(line, '\n', held)) != NULL; line = end + 1) {
            send_one(line, (size_t)(end - line));
            held -= (size_t)(end + 1 - line);
        }
        if (held > size)
            send_one(line, held); /* says that it is too long */
        memmove(input, line, held);
    }
    if (held > 0)
        send_one(input, held);
    free(input);
}

static void print(char *message, size_t length) {
    struct iovec rest[] = {{message, length}, {"\n", 1}};
    for (int i = 0; i < 2;) {
        ssize_t n = writev(STDOUT_FILENO, rest + i, 2 - i);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            err(1, "standard output");
        for (; i < 2 && (size_t)n >= rest[i].iov_len; i++)
            n -= (ssize_t)rest[i].iov_len;
        if (i < 2) {
            rest[i].iov_base = (char *)rest[i].iov_base + n;
            rest[i].iov_len -= (size_t)n;
        }
    }
}

static void receive(uintmax_t count) {
    char *message = malloc(size);
    if (message == NULL)
        err(1, "malloc");
    for (; count > 0; count--) {
        wait_for(&ring->filled);
        wait_for(&ring->lock);
        uint32_t out = ring->out % capacity, length = ring->lengths[out];
        if (length <= size)
            memcpy(message, buffer(out), length);
        ring->out = (out + 1) % capacity;
        post(&ring->lock);
        post(&ring->free);
        if (length > size)
            errx(1, "a message of %" PRIu32 " bytes in a buffer of %" PRIu32, length, size);
        print(message, length);
    }
    free(message);
}

static void usage(void) {
    fprintf(stderr, "usage: ring NAME make CAPACITY SIZE | send | receive COUNT | remove\n");
    exit(2);
}

static uintmax_t number(const char *text, uintmax_t max) {
    char *end;
    errno = 0;
    uintmax_t n = strtoumax(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || n < 1 || n > max)
        usage();
    return n;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "", *what = argc > 2 ? argv[2] : "";
    if (argc == 5 && strcmp(what, "make") == 0) {
        uint32_t buffers = (uint32_t)number(argv[3], 1000);
        make(name, buffers, (uint32_t)number(argv[4], 32768));
    } else if (argc == 3 && strcmp(what, "send") == 0) {
        open_ring(name);
        send_all();
    } else if (argc == 4 && strcmp(what, "receive") == 0) {
        uintmax_t count = number(argv[3], UINTMAX_MAX);
        open_ring(name);
        receive(count);
    } else if (argc == 3 && strcmp(what, "remove") == 0) {
        if (shm_unlink(name) == -1)
            err(1, "shm_unlink %s", name);
    } else {
        usage();
    }
    return 0;
}
