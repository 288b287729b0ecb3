/*
 * schedule TIMES RESULT
 *
 * Prints an order of steps in which two processes increment a counter TIMES times each, without any
 * protection, and it goes from 0 to RESULT.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>

enum { MAX_TIMES = 1000000, EXIT_USAGE = 2 };
enum { A, B };

static noreturn void usage(const char *why) {
    fprintf(stderr, "schedule: %s\nusage: schedule TIMES RESULT\n", why);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text, unsigned long min, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < min || value > max)
        usage("TIMES is a number from 1 to 1000000, RESULT one from 0 to 2000000");
    return value;
}

static void load(int who) {
    printf("%d load\n", who);
}

static void store(int who) {
    printf("%d store\n", who);
}

static void count(int who, unsigned long times) {
    for (unsigned long i = 0; i < times; i++) {
        load(who);
        store(who);
    }
}

/* At most one of two is lost when they meet: from TIMES to 2 * TIMES. */
static void meet(unsigned long times, unsigned long result) {
    unsigned long lost = 2 * times - result;
    for (unsigned long i = 0; i < lost; i++) {
        load(A);
        load(B);
        store(A);
        store(B);
    }
    count(A, times - lost);
    count(B, times - lost);
}

/* One late store wipes out all that the other did in the meantime: from 2 to TIMES + 1. */
static void sleep_over(unsigned long times, unsigned long result) {
    load(A);
    count(B, times - 1);
    store(A); /* 1, whatever B has done */
    count(A, result - 2);
    load(B); /* B's last one: result - 1 */
    count(A, times - (result - 1));
    store(B); /* result, whatever A has done */
}

int main(int argc, char *argv[]) {
    if (argc != 3)
        usage("two arguments are needed");
    unsigned long times = number(argv[1], 1, MAX_TIMES);
    unsigned long result = number(argv[2], 0, 2 * MAX_TIMES);
    /* The last store follows a load of at least 1, if anybody has stored anything before it. */
    unsigned long least = times == 1 ? 1 : 2;
    if (result < least || result > 2 * times) {
        fprintf(stderr, "schedule: no order of steps gives that\n");
        return EXIT_FAILURE;
    }
    if (result >= times)
        meet(times, result);
    else
        sleep_over(times, result);
    if (fflush(stdout) == EOF) {
        perror("schedule: standard output");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
