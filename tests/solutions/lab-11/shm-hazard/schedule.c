/*
 * schedule TIMES RESULT
 * Turns in which nothing is lost bring the two near enough; then one store that was held back puts
 * the counter back to 1, and another one, held back to the end, says what it is: no search.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void step(int who, const char *what) {
    if (printf("%d %s\n", who, what) < 0)
        err(1, "standard output");
}

static void whole(int who, long times) {
    for (; times > 0; times--) {
        step(who, "load");
        step(who, "store");
    }
}

static long number(const char *text, long min, long max) {
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || n < min || n > max) {
        fprintf(stderr, "usage: schedule TIMES RESULT\n");
        exit(2);
    }
    return n;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: schedule TIMES RESULT\n");
        return 2;
    }
    long times = number(argv[1], 1, 1000000), result = number(argv[2], 0, 2000000);
    if (result > 2 * times || result < (times == 1 ? 1 : 2))
        errx(1, "%ld and %ld increments never make %ld", times, times, result);

    for (; result > times + 1; result -= 2, times--) {
        whole(0, 1);
        whole(1, 1);
    }
    step(0, "load");
    if (result == 1) {
        step(1, "load");
        step(0, "store");
    } else {
        whole(1, times - 1);
        step(0, "store");
        whole(0, result - 2);
        step(1, "load");
        whole(0, times + 1 - result);
    }
    step(1, "store");
    if (fclose(stdout) == EOF)
        err(1, "standard output");
    return 0;
}
