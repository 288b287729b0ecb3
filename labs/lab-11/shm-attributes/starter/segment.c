/*
 * segment make KEY BYTES MODE | show ID | mode ID MODE | remove ID
 *
 * Makes a System V shared memory segment, shows what the kernel has written down about one, changes
 * who may use it, and removes it. It never attaches one.
 *
 * Manual pages: shmget(2), shmctl(2), sysvipc(7)
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

enum { PERMISSIONS = 0777, EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr,
            "segment: %s\n"
            "usage: segment make KEY BYTES MODE | show ID | mode ID MODE | remove ID\n",
            why);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text, int base, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, base);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value > max)
        usage("KEY, BYTES and ID are numbers, MODE is an octal one up to 777");
    return value;
}

static unsigned long mode_in(const char *text) {
    return number(text, 8, PERMISSIONS);
}

int main(int argc, char *argv[]) {
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "make") == 0 && argc == 5) {
        key_t key = (key_t)number(argv[2], 0, UINT_MAX);
        size_t bytes = number(argv[3], 10, LONG_MAX);
        (void)key, (void)bytes, (void)mode_in(argv[4]); /* yours: shmget() */
    } else if (strcmp(command, "show") == 0 && argc == 3) {
        (void)number(argv[2], 10, INT_MAX); /* yours: shmctl() with IPC_STAT */
    } else {
        /* mode ID MODE and remove ID are missing */
        usage("there is no such command with so many arguments");
    }
    errno = ENOSYS; /* in place of your part */
    die("segment: nothing is done yet");
}
