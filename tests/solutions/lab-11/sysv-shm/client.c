/* client KEY SIZE: prints the message in a segment and marks it as taken. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>

static bool parse(const char *s, unsigned long most, unsigned long *out) {
    bool hex = strncasecmp(s, "0x", 2) == 0;
    const char *digits = hex ? s + 2 : s;
    size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    if (n == 0 || digits[n] != '\0')
        return false;
    errno = 0;
    *out = strtoul(digits, NULL, hex ? 16 : 10);
    return errno == 0 && *out >= 1 && *out <= most;
}

int main(int argc, char **argv) {
    unsigned long key, size;
    if (argc != 3 || !parse(argv[1], UINT_MAX, &key) || !parse(argv[2], LONG_MAX, &size)) {
        fprintf(stderr, "usage: client KEY SIZE\n");
        return 2;
    }
    int id = shmget((key_t)key, size, 0);
    if (id == -1)
        err(1, "shmget");
    char *memory = shmat(id, NULL, 0);
    if (memory == (void *)-1)
        err(1, "shmat");
    size_t length = strnlen(memory, size);
    if (fwrite(memory, 1, length, stdout) != length || putchar('\n') == EOF ||
        fflush(stdout) == EOF)
        err(1, "standard output");
    *(volatile char *)memory = '*';
    if (shmdt(memory) == -1)
        err(1, "shmdt");
    return 0;
}
