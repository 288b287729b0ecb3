/*
 * measure receive|send|memory ...
 *
 * A block is never put together: it leaves as a stamp and a part of the pattern, by one writev().
 * The receiver takes what is there, many small blocks at once, and finds the median by selection.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { STEP = 64, PHASES = 61, MAX_BLOCK = 1048576, MAX_COUNT = 10000000, MAX_PAUSE = 1000000 };
enum { HOLD = 262144, RING = 524288, MAX_BUFFERS = 1024 };

struct stamp {
    uint64_t number, sent;
};

struct shared {
    uint32_t state, block, buffers;
    char gap1[20];
    sem_t free;
    char gap2[64 - 32 - sizeof(sem_t)];
    sem_t filled;
    char gap3[4096 - 64 - sizeof(sem_t)];
    unsigned char ring[];
};
_Static_assert(offsetof(struct shared, free) == 32 && offsetof(struct shared, filled) == 64 &&
                   offsetof(struct shared, ring) == 4096,
               "the object is as the contract says");

static const char *mechanism, *place;
static size_t block;
static uint64_t count;
static unsigned char *pattern;

/* --- What is common to all --- */

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static const unsigned char *body(uint64_t i) {
    return pattern + STEP * (i % PHASES) + sizeof(struct stamp);
}

static void make_pattern(uint64_t x) {
    size_t n = STEP * (PHASES - 1) + block;
    if ((pattern = malloc(n)) == NULL)
        err(1, "memory");
    for (size_t i = 0; i < n; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        pattern[i] = (unsigned char)(x >> 56);
    }
}

/* --- What a receiver notes --- */

static int64_t *ages, first, last;

static void note_nothing(void) {
    if ((ages = malloc(count * sizeof *ages)) == NULL)
        err(1, "memory");
}

static void verify(const unsigned char *bytes, uint64_t i) {
    struct stamp stamp;
    memcpy(&stamp, bytes, sizeof stamp);
    if (stamp.number != i)
        errx(1, "block %llu came in place of %llu", (unsigned long long)stamp.number,
             (unsigned long long)i);
    if (memcmp(bytes + sizeof stamp, body(i), block - sizeof stamp) != 0)
        errx(1, "block %llu is wrong", (unsigned long long)i);
    last = now();
    if (i == 0)
        first = last;
    else
        ages[i - 1] = last - (int64_t)stamp.sent;
}

static int64_t median(void) {
    int64_t from = 0, to = (int64_t)count - 1, middle = (int64_t)count / 2;
    while (from < to) {
        int64_t pivot = ages[middle], i = from, j = to;
        while (i <= j) {
            while (ages[i] < pivot)
                i++;
            while (ages[j] > pivot)
                j--;
            if (i <= j) {
                int64_t swap = ages[i];
                ages[i++] = ages[j];
                ages[j--] = swap;
            }
        }
        if (j < middle)
            from = i;
        if (i > middle)
            to = j;
    }
    return ages[middle];
}

static void tell(void) {
    int64_t took = last > first ? last - first : 1;
    printf("%s %zu %llu %.9f %.3f %.3f\n", mechanism, block, (unsigned long long)count,
           (double)took / 1e9, (double)block * (double)count / (double)took * 1e3,
           (double)median() / 1e3);
    if (fflush(stdout) == EOF)
        err(1, "standard output");
}

/* --- Places --- */

static struct sockaddr_un unix_address(void) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(place) >= sizeof a.sun_path)
        errx(1, "%s: too long", place);
    strcpy(a.sun_path, place);
    return a;
}

static bool tcp_address(struct sockaddr_in *a) {
    char host[INET_ADDRSTRLEN] = "", *end;
    const char *colon = strchr(place, ':');
    if (colon == NULL || (size_t)(colon - place) >= sizeof host || colon[1] < '0' || colon[1] > '9')
        return false;
    memcpy(host, place, (size_t)(colon - place));
    unsigned long port = strtoul(colon + 1, &end, 10);
    *a = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return *end == '\0' && port >= 1 && port <= UINT16_MAX &&
           inet_pton(AF_INET, host, &a->sin_addr) == 1;
}

static void remove_file(void) {
    unlink(place);
}

static void remove_object(void) {
    shm_unlink(place);
}

static void say_ready(void) {
    if (puts("ready") == EOF || fflush(stdout) == EOF)
        err(1, "standard output");
}

static int take_one(int door) {
    say_ready();
    int fd = accept(door, NULL, NULL);
    if (fd == -1)
        err(1, "accept");
    close(door);
    return fd;
}

static int place_to_receive(void) {
    int fd = STDIN_FILENO;
    if (strcmp(mechanism, "fifo") == 0) {
        umask(0);
        if (mkfifo(place, 0660) == -1)
            err(1, "%s", place);
        atexit(remove_file);
        say_ready();
        if ((fd = open(place, O_RDONLY)) == -1)
            err(1, "%s", place);
    } else if (strcmp(mechanism, "unix") == 0) {
        struct sockaddr_un here = unix_address();
        umask(0117);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (fd == -1 || bind(fd, (struct sockaddr *)&here, sizeof here) == -1)
            err(1, "%s", place);
        atexit(remove_file);
        if (listen(fd, 1) == -1)
            err(1, "%s", place);
        fd = take_one(fd);
    } else if (strcmp(mechanism, "tcp") == 0) {
        struct sockaddr_in here;
        tcp_address(&here);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == -1 ||
            bind(fd, (struct sockaddr *)&here, sizeof here) == -1 || listen(fd, 1) == -1)
            err(1, "%s", place);
        fd = take_one(fd);
    } else {
        say_ready();
    }
    return fd;
}

static int place_to_send(void) {
    int fd = STDOUT_FILENO;
    struct stat st;
    if (strcmp(mechanism, "fifo") == 0) {
        /* A receiver that is ready may not have opened it yet: so this waits. */
        if (stat(place, &st) == -1)
            err(1, "%s", place);
        if (!S_ISFIFO(st.st_mode))
            errx(1, "%s is no FIFO", place);
        if ((fd = open(place, O_WRONLY)) == -1)
            err(1, "%s", place);
    } else if (strcmp(mechanism, "unix") == 0) {
        struct sockaddr_un there = unix_address();
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (fd == -1 || connect(fd, (struct sockaddr *)&there, sizeof there) == -1)
            err(1, "%s", place);
    } else if (strcmp(mechanism, "tcp") == 0) {
        struct sockaddr_in there;
        tcp_address(&there);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd == -1 || connect(fd, (struct sockaddr *)&there, sizeof there) == -1 ||
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == -1)
            err(1, "%s", place);
    }
    return fd;
}

/* --- Streams --- */

static void receive_stream(void) {
    int fd = place_to_receive();
    size_t room = block * (block < HOLD ? HOLD / block : 1), used = 0, done = 0;
    unsigned char *hold = malloc(room);
    if (hold == NULL)
        err(1, "memory");
    uint64_t left = (count + 1) * block; /* to be read */
    for (uint64_t i = 0; i <= count;) {
        size_t most = room - used < left ? room - used : left;
        ssize_t n = read(fd, hold + used, most);
        if (n == -1)
            err(1, "read");
        if (n == 0)
            errx(1, "the sender has gone before all had come");
        used += (size_t)n;
        left -= (size_t)n;
        for (; used - done >= block; done += block)
            verify(hold + done, i++);
        if (done == used)
            done = used = 0;
    }
    free(hold);
}

static void rest(unsigned long pause) {
    struct timespec t = {(time_t)(pause / 1000000), (long)(pause % 1000000 * 1000)};
    while (pause > 0 && nanosleep(&t, &t) == -1)
        ;
}

static void send_stream(unsigned long pause) {
    int fd = place_to_send();
    for (uint64_t i = 0; i <= count; i++) {
        rest(pause);
        struct stamp stamp = {i, (uint64_t)now()};
        struct iovec parts[] = {{&stamp, sizeof stamp}, {(void *)body(i), block - sizeof stamp}};
        for (size_t left = block; left > 0;) {
            ssize_t n = writev(fd, parts, 2);
            if (n == -1)
                err(1, "the receiver");
            left -= (size_t)n;
            for (int p = 0; p < 2; p++) {
                size_t part = (size_t)n < parts[p].iov_len ? (size_t)n : parts[p].iov_len;
                parts[p].iov_base = (char *)parts[p].iov_base + part;
                parts[p].iov_len -= part;
                n -= (ssize_t)part;
            }
        }
    }
    if (close(fd) == -1)
        err(1, "close");
}

/* --- Shared memory --- */

static size_t ring_of(void) {
    size_t n = RING / block;
    return n < 2 ? 2 : n > MAX_BUFFERS ? MAX_BUFFERS : n;
}

static struct shared *map(int fd, size_t size) {
    struct shared *s = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (s == MAP_FAILED)
        err(1, "%s", place);
    close(fd);
    return s;
}

static void await(sem_t *semaphore) {
    while (sem_wait(semaphore) == -1)
        if (errno != EINTR)
            err(1, "sem_wait");
}

static void receive_shared(void) {
    size_t n = ring_of(), size = sizeof(struct shared) + n * block;
    umask(0);
    int fd = shm_open(place, O_RDWR | O_CREAT | O_EXCL, 0660);
    if (fd == -1)
        err(1, "%s", place);
    atexit(remove_object);
    if ((errno = posix_fallocate(fd, 0, (off_t)size)) != 0)
        err(1, "%s", place);
    struct shared *s = map(fd, size);
    s->block = (uint32_t)block;
    s->buffers = (uint32_t)n;
    if (sem_init(&s->free, 1, (unsigned)n) == -1 || sem_init(&s->filled, 1, 0) == -1)
        err(1, "sem_init");
    __atomic_store_n(&s->state, 1, __ATOMIC_RELEASE);
    say_ready();
    for (uint64_t i = 0; i <= count; i++) {
        await(&s->filled);
        verify(s->ring + i % n * block, i);
        sem_post(&s->free);
    }
}

static void send_shared(unsigned long pause) {
    struct stat st;
    int fd = shm_open(place, O_RDWR, 0);
    if (fd == -1 || fstat(fd, &st) == -1)
        err(1, "%s", place);
    if ((size_t)st.st_size < sizeof(struct shared))
        errx(1, "%s is too small", place);
    struct shared *s = map(fd, (size_t)st.st_size);
    size_t n = s->buffers;
    if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != 1 || s->block != block || n == 0 ||
        (size_t)st.st_size != sizeof *s + n * block)
        errx(1, "%s is not what it should be", place);
    for (uint64_t i = 0; i <= count; i++) {
        rest(pause);
        await(&s->free);
        unsigned char *to = s->ring + i % n * block;
        struct stamp stamp = {i, (uint64_t)now()};
        memcpy(to, &stamp, sizeof stamp);
        memcpy(to + sizeof stamp, body(i), block - sizeof stamp);
        sem_post(&s->filled);
    }
}

static void measure_memory(void) {
    size_t n = ring_of();
    unsigned char *ring = calloc(n, block);
    if (ring == NULL)
        err(1, "memory");
    for (uint64_t i = 0; i <= count; i++) {
        unsigned char *to = ring + i % n * block;
        struct stamp stamp = {i, (uint64_t)now()};
        memcpy(to, &stamp, sizeof stamp);
        memcpy(to + sizeof stamp, body(i), block - sizeof stamp);
        verify(to, i);
    }
    free(ring);
}

/* --- Arguments --- */

static _Noreturn void usage(void) {
    fputs("usage: measure receive MECHANISM PLACE BLOCK COUNT SEED\n"
          "       measure send MECHANISM PLACE BLOCK COUNT SEED [PAUSE]\n"
          "       measure memory BLOCK COUNT SEED\n",
          stderr);
    exit(2);
}

static uint64_t number(const char *text, uint64_t min, uint64_t max) {
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9' && value <= max; c++)
        value = value * 10 + (uint64_t)(*c - '0');
    if (c == text || *c != '\0' || value < min || value > max)
        usage();
    return value;
}

int main(int argc, char *argv[]) {
    static const char *const KNOWN[] = {"pipe", "fifo", "unix", "tcp", "shm"};
    const char *what = argc > 1 ? argv[1] : "";
    bool receive = strcmp(what, "receive") == 0 && argc == 7;
    bool sends = strcmp(what, "send") == 0 && (argc == 7 || argc == 8);
    if (!receive && !sends && !(strcmp(what, "memory") == 0 && argc == 5))
        usage();
    char **numbers = argv + 2;
    mechanism = "memory";
    if (receive || sends) {
        bool known = false;
        for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
            known |= strcmp(argv[2], KNOWN[i]) == 0;
        mechanism = argv[2];
        place = argv[3];
        numbers = argv + 4;
        struct sockaddr_in any;
        if (!known || (strcmp(mechanism, "tcp") == 0 && !tcp_address(&any)))
            usage();
    }
    block = number(numbers[0], STEP, MAX_BLOCK);
    count = number(numbers[1], 1, MAX_COUNT);
    uint64_t seed = number(numbers[2], 0, UINT32_MAX);
    unsigned long pause = argc == 8 ? number(argv[7], 0, MAX_PAUSE) : 0;
    if (block % STEP != 0)
        usage();

    signal(SIGPIPE, SIG_IGN);
    make_pattern(seed);
    bool shared = strcmp(mechanism, "shm") == 0;
    if (sends) {
        if (shared)
            send_shared(pause);
        else
            send_stream(pause);
        return 0;
    }
    note_nothing();
    if (place == NULL)
        measure_memory();
    else if (shared)
        receive_shared();
    else
        receive_stream();
    tell();
    return 0;
}
