/*
 * bank NAME make ACCOUNTS MONEY | transfer FROM TO AMOUNT | halfway FROM TO AMOUNT | total |
 *           run WORKERS TRANSFERS
 *
 * Accounts in a POSIX shared memory object. Whoever is killed in the middle of a transfer leaves
 * the lock taken and the money gone; the next one is told, finishes the transfer, and goes on.
 *
 * Manual pages: pthread_mutexattr_setrobust(3), pthread_mutexattr_setpshared(3),
 * pthread_mutex_lock(3), pthread_mutex_consistent(3), fork(2), waitpid(2), sigwaitinfo(2)
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

enum { WORKERS = 16, MIN_ACCOUNTS = 2, MAX_ACCOUNTS = 1000, EXIT_USAGE = 2 };

/* The layout that the brief fixes. */
struct bank {
    _Atomic uint32_t state;
    uint32_t accounts;
    _Atomic uint64_t repairs;
    alignas(64) _Atomic uint64_t done[WORKERS];
    /* yours, up to byte 4096: the lock, and what has to be written down */
    alignas(4096) _Atomic int64_t balances[];
};
static_assert(offsetof(struct bank, repairs) == 8 && offsetof(struct bank, done) == 64 &&
                  offsetof(struct bank, balances) == 4096,
              "layout");

/* Says which call failed and why, and ends the program. */
static noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static noreturn void usage(const char *why) {
    fprintf(stderr,
            "bank: %s\n"
            "usage: bank NAME make ACCOUNTS MONEY | transfer FROM TO AMOUNT |\n"
            "            halfway FROM TO AMOUNT | total | run WORKERS TRANSFERS\n",
            why);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text, unsigned long min, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < min || value > max)
        usage("a number is not one, or out of its range");
    return value;
}

int main(int argc, char *argv[]) {
    const char *name = argc > 1 ? argv[1] : "", *command = argc > 2 ? argv[2] : "";
    bool stops = strcmp(command, "halfway") == 0;
    if (strcmp(command, "make") == 0 && argc == 5) {
        uint32_t accounts = (uint32_t)number(argv[3], MIN_ACCOUNTS, MAX_ACCOUNTS);
        int64_t money = (int64_t)number(argv[4], 0, INT_MAX);
        (void)name, (void)accounts, (void)money; /* yours: a new object, the lock, the balances */
    } else if ((stops || strcmp(command, "transfer") == 0) && argc == 6) {
        unsigned long from = number(argv[3], 0, ULONG_MAX);
        unsigned long to = number(argv[4], 0, ULONG_MAX);
        int64_t amount = (int64_t)number(argv[5], 1, INT_MAX);
        if (from == to)
            usage("FROM and TO are two accounts");
        (void)amount; /* yours: inside the lock, so that it can be finished or undone */
    } else if (strcmp(command, "run") == 0 && argc == 5) {
        uint32_t workers = (uint32_t)number(argv[3], 1, WORKERS);
        uint64_t transfers = number(argv[4], 1, INT64_MAX);
        (void)workers, (void)transfers; /* yours: child processes, and their parent */
    } else {
        /* total is missing */
        usage("there is no such command with so many arguments");
    }
    errno = ENOSYS; /* in place of your part */
    die("bank: nothing is done yet");
}
