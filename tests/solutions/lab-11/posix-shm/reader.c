/* reader NAME: prints the message in a POSIX object and says in it that it has been taken. */
#include <err.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 8 };

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: reader NAME\n");
        return 2;
    }
    int fd = shm_open(argv[1], O_RDWR, 0);
    if (fd == -1)
        err(1, "shm_open %s", argv[1]);
    struct stat st;
    if (fstat(fd, &st) == -1)
        err(1, "fstat");
    if (st.st_size < HEAD)
        errx(1, "%s has %jd bytes, no room for a note", argv[1], (intmax_t)st.st_size);
    size_t size = (size_t)st.st_size;
    char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
        err(1, "mmap");
    close(fd);

    _Atomic uint32_t *state = (_Atomic uint32_t *)base;
    uint32_t found = atomic_load(state);
    if (found != 1)
        errx(1, "no message: the state is %u", found);
    uint32_t length = ((volatile uint32_t *)base)[1]; /* read once: what is tested is used */
    if (length > size - HEAD)
        errx(1, "%u bytes of text in an object of %zu", length, size);

    if (fwrite(base + HEAD, 1, length, stdout) != length || putchar('\n') == EOF ||
        fflush(stdout) == EOF)
        err(1, "standard output");
    atomic_store(state, 2);
    if (munmap(base, size) == -1)
        err(1, "munmap");
    return 0;
}
