/* writer NAME SIZE MESSAGE: leaves a message in a new POSIX object until a reader has taken it. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct note {
    _Atomic uint32_t state;
    uint32_t length;
    char text[];
};

enum { TAKEN = 2, NAP_MS = 80 };

static const char *object;

/* The object is ours from here on: whatever goes wrong takes it away. */
static _Noreturn void fail(const char *what, int error) {
    fprintf(stderr, "writer: %s: %s\n", what, strerror(error));
    if (shm_unlink(object) == -1)
        warn("shm_unlink");
    exit(1);
}

static bool parse(const char *s, unsigned long *out) {
    bool hex = strncasecmp(s, "0x", 2) == 0;
    const char *digits = hex ? s + 2 : s;
    size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    if (n == 0 || digits[n] != '\0')
        return false;
    errno = 0;
    *out = strtoul(digits, NULL, hex ? 16 : 10);
    return errno == 0 && *out >= 1 && *out <= LONG_MAX;
}

int main(int argc, char **argv) {
    unsigned long size;
    if (argc != 4 || !parse(argv[2], &size)) {
        fprintf(stderr, "usage: writer NAME SIZE MESSAGE\n");
        return 2;
    }
    size_t length = strlen(argv[3]);
    if (sizeof(struct note) + length > size)
        errx(2, "the message does not fit into %lu bytes", size);

    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    struct pollfd signals = {.fd = signalfd(-1, &stop, SFD_CLOEXEC), .events = POLLIN};
    if (signals.fd == -1)
        err(1, "signalfd");

    object = argv[1];
    int fd = shm_open(object, O_RDWR | O_CREAT | O_EXCL, 0660);
    if (fd == -1)
        err(1, "shm_open %s", object);
    if (fchmod(fd, 0660) == -1)
        fail("fchmod", errno);
    if (ftruncate(fd, (off_t)size) == -1)
        fail("ftruncate", errno);
    int error = posix_fallocate(fd, 0, (off_t)size);
    if (error != 0)
        fail("posix_fallocate", error);
    struct note *note = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (note == MAP_FAILED)
        fail("mmap", errno);
    close(fd);

    memcpy(note->text, argv[3], length);
    note->length = (uint32_t)length;
    atomic_store(&note->state, 1);
    if (puts("ready") == EOF || fflush(stdout) == EOF)
        fail("standard output", errno);

    while (atomic_load(&note->state) != TAKEN) {
        int n = poll(&signals, 1, NAP_MS);
        if (n == 1)
            fail("ended by a signal", EINTR);
        if (n == -1 && errno != EINTR)
            fail("poll", errno);
    }
    if (munmap(note, size) == -1)
        fail("munmap", errno);
    if (shm_unlink(object) == -1)
        err(1, "shm_unlink %s", object);
    puts("done");
    return 0;
}
