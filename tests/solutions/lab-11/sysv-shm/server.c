/* server KEY SIZE MESSAGE: leaves a message in a new segment, waits for the mark, removes it. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <time.h>

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

/* Waits in sigtimedwait(), 10 looks a second; false if a signal or an error came first. */
static bool wait_for_mark(const volatile char *mark, const sigset_t *stop) {
    const struct timespec nap = {.tv_nsec = 100 * 1000 * 1000};
    while (*mark != '*') {
        int sig = sigtimedwait(stop, NULL, &nap);
        if (sig > 0) {
            warnx("ended by signal %d", sig);
            return false;
        }
        if (errno != EAGAIN && errno != EINTR) {
            warn("sigtimedwait");
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    unsigned long key, size;
    if (argc != 4 || !parse(argv[1], UINT_MAX, &key) || !parse(argv[2], LONG_MAX, &size)) {
        fprintf(stderr, "usage: server KEY SIZE MESSAGE\n");
        return 2;
    }
    const char *message = argv[3];
    if (message[0] == '*')
        errx(2, "a message must not begin with *");
    if (strlen(message) >= size)
        errx(2, "the message does not fit into %lu bytes", size);

    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);

    int id = shmget((key_t)key, size, IPC_CREAT | IPC_EXCL | 0660);
    if (id == -1)
        err(1, "shmget");
    bool good = false;
    char *memory = shmat(id, NULL, 0);
    if (memory == (void *)-1) {
        warn("shmat");
    } else {
        strcpy(memory, message);
        if (puts("ready") == EOF || fflush(stdout) == EOF)
            warn("standard output");
        else
            good = wait_for_mark(memory, &stop);
        if (shmdt(memory) == -1) {
            warn("shmdt");
            good = false;
        }
    }
    if (shmctl(id, IPC_RMID, NULL) == -1)
        err(1, "shmctl");
    if (!good)
        return 1;
    puts("done");
    return 0;
}
