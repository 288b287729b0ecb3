/*
 * counter NAME WHO TIMES | counter NAME WHO steps
 * Plain loads and stores of the machine (acquire and release), no instruction that locks anything;
 * the object gets its bytes by posix_fallocate(), which never makes one smaller.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VALUE, DONE, CELLS = 9 };

static _Atomic uint64_t *cells;
static int who;

static uint64_t fetch(int cell) {
    return atomic_load_explicit(&cells[cell], memory_order_acquire);
}

static void put_sum(uint64_t loaded) {
    atomic_store_explicit(&cells[VALUE], loaded + 1, memory_order_release);
    atomic_store_explicit(&cells[DONE + who], fetch(DONE + who) + 1, memory_order_release);
}

static void slowly(void) {
    char *line = NULL;
    size_t room = 0;
    bool loaded = false;
    uint64_t mine = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) != -1;) {
        if (n > 0 && line[n - 1] == '\n')
            line[--n] = '\0';
        if (n == 4 && strcmp(line, "load") == 0) {
            mine = fetch(VALUE);
            loaded = true;
        } else if (n == 5 && strcmp(line, "store") == 0) {
            if (!loaded)
                errx(1, "nothing is loaded that could be stored");
            put_sum(mine++);
            loaded = false;
        } else {
            errx(1, "a line is neither load nor store");
        }
        if (printf("%" PRIu64 "\n", mine) < 0 || fflush(stdout) == EOF)
            err(1, "standard output");
    }
    if (ferror(stdin))
        err(1, "standard input");
    free(line);
}

static bool decimal(const char *text, uintmax_t *value) {
    char *end;
    errno = 0;
    *value = strtoumax(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0;
}

int main(int argc, char **argv) {
    uintmax_t id, times = 0;
    if (argc != 4 || !decimal(argv[2], &id) || id > 7 ||
        (strcmp(argv[3], "steps") != 0 && (!decimal(argv[3], &times) || times == 0))) {
        fprintf(stderr, "usage: counter NAME WHO TIMES | counter NAME WHO steps\n");
        return 2;
    }
    who = (int)id;

    umask(0);
    int fd = shm_open(argv[1], O_RDWR | O_CREAT, 0660);
    if (fd == -1)
        err(1, "shm_open %s", argv[1]);
    errno = posix_fallocate(fd, 0, CELLS * sizeof *cells);
    if (errno != 0)
        err(1, "posix_fallocate");
    cells = mmap(NULL, CELLS * sizeof *cells, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (cells == MAP_FAILED)
        err(1, "mmap");
    close(fd);

    if (times == 0)
        slowly();
    for (; times > 0; times--)
        put_sum(fetch(VALUE));
    return 0;
}
