/* audit NAME: how many increments the counter has not seen. Reads the object as the file it is. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: audit NAME\n");
        return 2;
    }
    int fd = shm_open(argv[1], O_RDONLY, 0);
    if (fd == -1)
        err(1, "shm_open %s", argv[1]);
    uint64_t tally[9], done = 0;
    ssize_t n = pread(fd, tally, sizeof tally, 0);
    if (n == -1)
        err(1, "pread");
    if (n != sizeof tally)
        errx(1, "%s has %zd bytes only: it is no tally", argv[1], n);
    for (int i = 1; i < 9; i++)
        done += tally[i];
    if (tally[0] > done)
        errx(1, "%s has counted more than was done: it is no tally", argv[1]);
    printf("done %" PRIu64 "\ncounted %" PRIu64 "\nlost %" PRIu64 "\n", done, tally[0],
           done - tally[0]);
    if (fclose(stdout) == EOF)
        err(1, "standard output");
    return 0;
}
