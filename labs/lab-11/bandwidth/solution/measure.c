/*
 * measure receive MECHANISM PLACE BLOCK COUNT SEED
 * measure send MECHANISM PLACE BLOCK COUNT SEED [PAUSE]
 * measure memory BLOCK COUNT SEED
 *
 * How fast blocks go from process to process: through a pipe, a FIFO, a Unix socket, TCP or shared
 * memory; and how fast within one process, by memcpy() alone.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <signal.h>
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    MODE = 0660,
    EXIT_USAGE = 2,
    LINE = 64,   /* BLOCK is a multiple of it */
    SHIFTS = 61, /* so many blocks differ from each other */
    MAX_BLOCK = 1 << 20,
    MAX_COUNT = 10000000,
    MAX_PAUSE = 1000000,
    RING_BYTES = 256 << 10, /* what stays in a processor's own cache, and is not filled at once */
    MIN_BUFFERS = 8,
    MAX_BUFFERS = 256,
    BUFFERS_AT = 4096,
};

/* What every block begins with; the rest of it is the pattern's. */
struct stamp {
    uint64_t index;
    uint64_t sent_ns;
};

/* The head of the shared memory object, as the brief fixes it. */
struct ring {
    _Atomic uint32_t state; /* 1 when all of this is made */
    uint32_t block;
    uint32_t buffers;
    alignas(32) sem_t free;
    alignas(32) sem_t filled;
};
static_assert(offsetof(struct ring, free) == 32 && offsetof(struct ring, filled) == 64, "layout");

/* One end of a channel. A stream has `fd`, shared memory `ring`, memory of our own neither. */
struct end {
    size_t block;
    int fd;
    struct ring *ring;
    char *buffers; /* a stream has one */
    uint32_t count, turn;
};

struct mechanism {
    const char *name;
    void (*make)(struct end *, const char *place); /* by the receiver: then a sender may come */
    void (*meet)(struct end *, const char *place); /* returns when the sender is there */
    void (*join)(struct end *, const char *place); /* by the sender */
    void (*put)(struct end *, const struct stamp *, const char *rest);
    const char *(*next)(struct end *); /* sleeps until a whole block is there */
    void (*release)(struct end *);     /* that block is not looked at any more */
};

static noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static noreturn void refuse(const char *why) {
    fprintf(stderr, "measure: %s\n", why);
    exit(EXIT_FAILURE);
}

static noreturn void usage(const char *why) {
    fprintf(stderr,
            "measure: %s\n"
            "usage: measure receive MECHANISM PLACE BLOCK COUNT SEED\n"
            "       measure send MECHANISM PLACE BLOCK COUNT SEED [PAUSE]\n"
            "       measure memory BLOCK COUNT SEED\n",
            why);
    exit(EXIT_USAGE);
}

static void *allocate(size_t bytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, BUFFERS_AT, bytes) != 0)
        refuse("there is not enough memory");
    return memory;
}

/* The clock that all processes of a machine share, and that nobody sets. */
static uint64_t now_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
        die("measure: clock_gettime");
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- what the receiver has made, and removes however it ends ---- */

static const char *owned;
static int (*remove_owned)(const char *);

static void clean_up(void) {
    if (remove_owned(owned) == -1)
        perror(owned);
}

static void own(const char *place, int (*how)(const char *)) {
    owned = place;
    remove_owned = how;
    if (atexit(clean_up) != 0)
        refuse("nothing would remove what is made");
}

/* ---- what is in a block ---- */

/* Made once: what makes bytes anew for every block measures just that. */
static char *pattern_of(uint64_t seed, size_t block) {
    size_t bytes = block + (SHIFTS - 1) * LINE;
    char *made = allocate(bytes);
    for (size_t i = 0; i < bytes; i++) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        made[i] = (char)(seed >> 56);
    }
    return made;
}

/* Where in the pattern the block of this number is, the first bytes of which are its stamp's. */
static const char *expected(const char *pattern, uint64_t index) {
    return pattern + index % SHIFTS * LINE;
}

static bool intact(const char *block, size_t size, const char *pattern, uint64_t index) {
    const size_t head = sizeof(struct stamp);
    uint64_t said;
    memcpy(&said, block + offsetof(struct stamp, index), sizeof said);
    return said == index && memcmp(block + head, expected(pattern, index) + head, size - head) == 0;
}

static uint64_t sent_ns(const char *block) {
    uint64_t sent;
    memcpy(&sent, block + offsetof(struct stamp, sent_ns), sizeof sent);
    return sent;
}

/* ---- streams: whatever has a descriptor ---- */

/* Sends a block with one call, if that takes it all; nothing is copied to join its two parts. */
static void stream_put(struct end *end, const struct stamp *stamp, const char *rest) {
    struct iovec parts[] = {{(void *)stamp, sizeof *stamp},
                            {(void *)rest, end->block - sizeof *stamp}};
    struct iovec *part = parts, *last = parts + 1;
    while (part <= last) {
        ssize_t written = writev(end->fd, part, (int)(last - part) + 1);
        if (written == -1 && errno != EINTR)
            die("measure: writev");
        size_t taken = written == -1 ? 0 : (size_t)written;
        while (part <= last && taken >= part->iov_len)
            taken -= part++->iov_len;
        if (part <= last) {
            part->iov_base = (char *)part->iov_base + taken;
            part->iov_len -= taken;
        }
    }
}

static const char *stream_next(struct end *end) {
    size_t had = 0;
    while (had < end->block) {
        ssize_t got = read(end->fd, end->buffers + had, end->block - had);
        if (got == 0)
            refuse("the sender has gone before all blocks had come");
        if (got == -1 && errno != EINTR)
            die("measure: read");
        had += got == -1 ? 0 : (size_t)got;
    }
    return end->buffers;
}

static void stream_release(struct end *end) {
    (void)end;
}

static void stream_buffer(struct end *end) {
    end->buffers = allocate(end->block);
}

/* A pipe is there before we are: the shell has made it. */
static void pipe_make(struct end *end, const char *place) {
    (void)place;
    stream_buffer(end);
    end->fd = STDIN_FILENO;
}

static void already_there(struct end *end, const char *place) {
    (void)end;
    (void)place;
}

static void pipe_join(struct end *end, const char *place) {
    (void)place;
    end->fd = STDOUT_FILENO;
}

/* ---- a FIFO ---- */

static void fifo_make(struct end *end, const char *place) {
    stream_buffer(end);
    if (mkfifo(place, MODE) == -1)
        die("measure: mkfifo");
    own(place, unlink);
}

/* open() of a FIFO sleeps until the other end is opened, too. */
static void fifo_meet(struct end *end, const char *place) {
    end->fd = open(place, O_RDONLY);
    if (end->fd == -1)
        die("measure: open");
}

static void fifo_join(struct end *end, const char *place) {
    struct stat status;
    end->fd = open(place, O_WRONLY);
    if (end->fd == -1 || fstat(end->fd, &status) == -1)
        die("measure: open");
    if (!S_ISFIFO(status.st_mode))
        refuse("PLACE is no FIFO");
}

/* ---- sockets ---- */

static int new_socket(int domain) {
    int fd = socket(domain, SOCK_STREAM, 0);
    if (fd == -1)
        die("measure: socket");
    return fd;
}

static void bind_to(int fd, const void *address, socklen_t size) {
    if (bind(fd, address, size) == -1)
        die("measure: bind");
}

static void listen_for_one(int fd) {
    if (listen(fd, 1) == -1)
        die("measure: listen");
}

static void connect_to(int fd, const void *address, socklen_t size) {
    if (connect(fd, address, size) == -1)
        die("measure: connect");
}

/* The connection takes the place of the listening socket. */
static void socket_meet(struct end *end, const char *place) {
    (void)place;
    int connection = accept(end->fd, NULL, NULL);
    if (connection == -1)
        die("measure: accept");
    if (close(end->fd) == -1)
        die("measure: close");
    end->fd = connection;
}

static struct sockaddr_un unix_address(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        usage("PLACE is longer than the address of a socket");
    strcpy(address.sun_path, path);
    return address;
}

static void unix_make(struct end *end, const char *place) {
    struct sockaddr_un address = unix_address(place);
    stream_buffer(end);
    end->fd = new_socket(AF_UNIX);
    umask(~MODE & 0777); /* bind() makes the file with mode 0777 less this */
    bind_to(end->fd, &address, sizeof address);
    own(place, unlink);
    listen_for_one(end->fd);
}

static void unix_join(struct end *end, const char *place) {
    struct sockaddr_un address = unix_address(place);
    end->fd = new_socket(AF_UNIX);
    connect_to(end->fd, &address, sizeof address);
}

/* Of a text like 127.0.0.1:5678. */
static struct sockaddr_in tcp_address(const char *place) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN] = "", *rest = "";
    const char *colon = strchr(place, ':');
    if (colon != NULL && colon - place < (ptrdiff_t)sizeof host)
        memcpy(host, place, (size_t)(colon - place));
    long port =
        colon != NULL && isdigit((unsigned char)colon[1]) ? strtol(colon + 1, &rest, 10) : 0;
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || *rest != '\0' || port < 1 ||
        port > UINT16_MAX)
        usage("PLACE of tcp is ADDRESS:PORT");
    address.sin_port = htons((uint16_t)port);
    return address;
}

static void set_option(int fd, int level, int option) {
    const int on = 1;
    if (setsockopt(fd, level, option, &on, sizeof on) == -1)
        die("measure: setsockopt");
}

static void tcp_make(struct end *end, const char *place) {
    struct sockaddr_in address = tcp_address(place);
    stream_buffer(end);
    end->fd = new_socket(AF_INET);
    set_option(end->fd, SOL_SOCKET, SO_REUSEADDR);
    bind_to(end->fd, &address, sizeof address);
    listen_for_one(end->fd);
}

static void tcp_join(struct end *end, const char *place) {
    struct sockaddr_in address = tcp_address(place);
    end->fd = new_socket(AF_INET);
    /* Or a small block would wait until the one before it was acknowledged. */
    set_option(end->fd, IPPROTO_TCP, TCP_NODELAY);
    connect_to(end->fd, &address, sizeof address);
}

/* ---- buffers in turn: shared memory, and memory of our own ---- */

/* Few enough to stay in the cache, enough for a processor that two share not to change hands at
 * each block. */
static uint32_t buffers_for(size_t block) {
    size_t count = RING_BYTES / block;
    return (uint32_t)(count < MIN_BUFFERS   ? MIN_BUFFERS
                      : count > MAX_BUFFERS ? MAX_BUFFERS
                                            : count);
}

static char *buffer_in_turn(struct end *end) {
    return end->buffers + end->turn * end->block;
}

static void next_turn(struct end *end) {
    end->turn = (end->turn + 1) % end->count;
}

static void fill(struct end *end, const struct stamp *stamp, const char *rest) {
    char *buffer = buffer_in_turn(end);
    memcpy(buffer, stamp, sizeof *stamp);
    memcpy(buffer + sizeof *stamp, rest, end->block - sizeof *stamp);
}

static void map_ring(struct end *end, int fd, size_t bytes) {
    end->ring = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (end->ring == MAP_FAILED)
        die("measure: mmap");
    if (close(fd) == -1)
        die("measure: close");
    end->buffers = (char *)end->ring + BUFFERS_AT;
}

/* The new object's memory is there from the beginning. */
static void prepare_ring(struct end *end, int fd) {
    size_t bytes = BUFFERS_AT + end->count * end->block;
    int error = posix_fallocate(fd, 0, (off_t)bytes);
    if (error != 0) {
        errno = error;
        die("measure: posix_fallocate");
    }
    map_ring(end, fd, bytes);
    end->ring->block = (uint32_t)end->block;
    end->ring->buffers = end->count;
    if (sem_init(&end->ring->free, 1, end->count) == -1 || sem_init(&end->ring->filled, 1, 0) == -1)
        die("measure: sem_init");
    atomic_store(&end->ring->state, 1); /* last of all */
}

static void shm_make(struct end *end, const char *place) {
    end->count = buffers_for(end->block);
    int fd = shm_open(place, O_RDWR | O_CREAT | O_EXCL, MODE);
    if (fd == -1)
        die("measure: shm_open");
    own(place, shm_unlink);
    prepare_ring(end, fd);
}

static void shm_join(struct end *end, const char *place) {
    struct stat status;
    int fd = shm_open(place, O_RDWR, 0);
    if (fd == -1 || fstat(fd, &status) == -1)
        die("measure: shm_open");
    if (status.st_size < BUFFERS_AT)
        refuse("the object is too small");
    map_ring(end, fd, (size_t)status.st_size);
    end->count = end->ring->buffers;
    if (atomic_load(&end->ring->state) != 1 || end->ring->block != end->block || end->count == 0 ||
        BUFFERS_AT + end->count * end->block != (size_t)status.st_size)
        refuse("the object is not for such blocks");
}

static void down(sem_t *semaphore) {
    while (sem_wait(semaphore) == -1)
        if (errno != EINTR)
            die("measure: sem_wait");
}

static void up(sem_t *semaphore) {
    if (sem_post(semaphore) == -1)
        die("measure: sem_post");
}

static void shm_put(struct end *end, const struct stamp *stamp, const char *rest) {
    down(&end->ring->free);
    fill(end, stamp, rest);
    next_turn(end);
    up(&end->ring->filled);
}

static const char *shm_next(struct end *end) {
    down(&end->ring->filled);
    return buffer_in_turn(end);
}

static void shm_release(struct end *end) {
    next_turn(end);
    up(&end->ring->free);
}

/* Descriptors are closed when the program ends, which is now. */
static void leave(struct end *end) {
    if (end->ring == NULL)
        free(end->buffers);
    else if (munmap(end->ring, BUFFERS_AT + end->count * end->block) == -1)
        die("measure: munmap");
}

static const struct mechanism MECHANISMS[] = {
    {"pipe", pipe_make, already_there, pipe_join, stream_put, stream_next, stream_release},
    {"fifo", fifo_make, fifo_meet, fifo_join, stream_put, stream_next, stream_release},
    {"unix", unix_make, socket_meet, unix_join, stream_put, stream_next, stream_release},
    {"tcp", tcp_make, socket_meet, tcp_join, stream_put, stream_next, stream_release},
    {"shm", shm_make, already_there, shm_join, shm_put, shm_next, shm_release},
};

static const struct mechanism *mechanism_of(const char *name) {
    for (size_t i = 0; i < sizeof MECHANISMS / sizeof *MECHANISMS; i++)
        if (strcmp(MECHANISMS[i].name, name) == 0)
            return &MECHANISMS[i];
    usage("MECHANISM is pipe, fifo, unix, tcp or shm");
}

/* ---- the clock ---- */

/* What is measured: of COUNT blocks, the one before them starts the clock. */
struct figures {
    uint64_t began_ns, ended_ns;
    uint64_t *ages_ns; /* from its stamp until it was verified, for each block */
};

static struct figures no_figures(uint64_t count) {
    struct figures figures = {.ages_ns = allocate(count * sizeof(uint64_t))};
    return figures;
}

/* To be called when the block is verified, and not before. */
static void note(struct figures *figures, uint64_t index, uint64_t sent) {
    uint64_t now = now_ns();
    if (index == 0)
        figures->began_ns = now;
    else
        figures->ages_ns[index - 1] = now - sent;
    figures->ended_ns = now;
}

static int by_size(const void *left, const void *right) {
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
    return (one > other) - (one < other);
}

static void print(struct figures *figures, const char *mechanism, size_t block, uint64_t count) {
    double seconds = (double)(figures->ended_ns - figures->began_ns) / 1e9;
    qsort(figures->ages_ns, count, sizeof *figures->ages_ns, by_size);
    printf("%s %zu %ju %.9f %.3f %.3f\n", mechanism, block, (uintmax_t)count, seconds,
           (double)block * (double)count / seconds / 1e6,
           (double)figures->ages_ns[count / 2] / 1e3);
    if (fflush(stdout) == EOF)
        die("measure: standard output");
    free(figures->ages_ns);
}

/* ---- the three commands ---- */

struct job {
    size_t block;
    uint64_t count, seed;
};

static void verify(const char *block, const struct job *job, const char *pattern, uint64_t index) {
    if (!intact(block, job->block, pattern, index))
        refuse("a block is not what was sent");
}

static void receive(const struct mechanism *by, const char *place, const struct job *job) {
    struct end end = {.block = job->block};
    struct figures figures = no_figures(job->count);
    char *bytes = pattern_of(job->seed, job->block);
    by->make(&end, place);
    if (puts("ready") == EOF || fflush(stdout) == EOF)
        die("measure: standard output");
    by->meet(&end, place);
    for (uint64_t index = 0; index <= job->count; index++) {
        const char *block = by->next(&end);
        verify(block, job, bytes, index);
        note(&figures, index, sent_ns(block));
        by->release(&end);
    }
    print(&figures, by->name, job->block, job->count);
    leave(&end);
    free(bytes);
}

static void pause_for(long microseconds) {
    struct timespec left = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (nanosleep(&left, &left) == -1)
        if (errno != EINTR)
            die("measure: nanosleep");
}

static void send_blocks(const struct mechanism *by, const char *place, const struct job *job,
                        long pause) {
    struct end end = {.block = job->block};
    char *bytes = pattern_of(job->seed, job->block);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) /* a receiver that has gone is an error of writev() */
        die("measure: signal");
    by->join(&end, place);
    for (uint64_t index = 0; index <= job->count; index++) {
        if (pause > 0)
            pause_for(pause);
        struct stamp stamp = {index, now_ns()};
        by->put(&end, &stamp, expected(bytes, index) + sizeof stamp);
    }
    leave(&end);
    free(bytes);
}

/* The floor: what the others do, without another process. */
static void copy(const struct job *job) {
    struct end end = {.block = job->block, .count = buffers_for(job->block)};
    struct figures figures = no_figures(job->count);
    char *bytes = pattern_of(job->seed, job->block);
    end.buffers = allocate(end.count * end.block);
    for (uint64_t index = 0; index <= job->count; index++) {
        struct stamp stamp = {index, now_ns()};
        fill(&end, &stamp, expected(bytes, index) + sizeof stamp);
        const char *block = buffer_in_turn(&end);
        verify(block, job, bytes, index);
        note(&figures, index, sent_ns(block));
        next_turn(&end);
    }
    print(&figures, "memory", job->block, job->count);
    leave(&end);
    free(bytes);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most) {
    char *rest;
    errno = 0;
    unsigned long long value = strtoull(text, &rest, 10);
    if (!isdigit((unsigned char)*text) || *rest != '\0' || errno != 0 || value < least ||
        value > most)
        usage("a number is missing, or too small or too large");
    return value;
}

static struct job job_of(char *words[]) {
    struct job job = {number(words[0], LINE, MAX_BLOCK), number(words[1], 1, MAX_COUNT),
                      number(words[2], 0, UINT32_MAX)};
    if (job.block % LINE != 0)
        usage("BLOCK is a multiple of 64");
    return job;
}

int main(int argc, char *argv[]) {
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "receive") == 0 && argc == 7) {
        struct job job = job_of(argv + 4);
        receive(mechanism_of(argv[2]), argv[3], &job);
    } else if (strcmp(command, "send") == 0 && (argc == 7 || argc == 8)) {
        struct job job = job_of(argv + 4);
        long pause = argc == 8 ? (long)number(argv[7], 0, MAX_PAUSE) : 0;
        send_blocks(mechanism_of(argv[2]), argv[3], &job, pause);
    } else if (strcmp(command, "memory") == 0 && argc == 5) {
        struct job job = job_of(argv + 2);
        copy(&job);
    } else {
        usage("there is no such command with so many arguments");
    }
    return EXIT_SUCCESS;
}
