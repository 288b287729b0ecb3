/* reader PATH: prints the lines that come out of a FIFO. A thread waits for the signals. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path;

static _Noreturn void fail(const char *what) {
    int error = errno;
    unlink(path);
    errno = error;
    err(1, "%s", what);
}

static void *watch_signals(void *set) {
    int sig;
    while (sigwait(set, &sig) != 0)
        ;
    unlink(path);
    _exit(1);
}

static void print(const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, n);
        if (done == -1)
            fail("standard output");
        bytes += done;
        n -= (size_t)done;
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: reader PATH\n");
        return 2;
    }
    path = argv[1];

    static sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);

    umask(0117);
    if (mkfifo(path, 0660) == -1) {
        struct stat st;
        if (errno != EEXIST)
            err(1, "mkfifo %s", path);
        if (lstat(path, &st) == -1)
            err(1, "lstat %s", path);
        if (!S_ISFIFO(st.st_mode))
            errx(1, "%s is there and no FIFO", path);
    }
    pthread_t watcher;
    errno = pthread_create(&watcher, NULL, watch_signals, &stop);
    if (errno != 0)
        fail("pthread_create");

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        fail("open");

    static char buf[65536];
    size_t held = 0;
    unsigned long lines = 0;
    for (;;) {
        ssize_t n = read(fd, buf + held, sizeof buf - held);
        if (n == -1)
            fail("read");
        if (n == 0)
            break;
        size_t scan = held;
        held += (size_t)n;
        size_t whole = 0;
        for (char *nl; (nl = memchr(buf + scan, '\n', held - scan)) != NULL; lines++)
            whole = scan = (size_t)(nl - buf) + 1;
        if (whole == 0 && held == sizeof buf) {
            errno = EMSGSIZE;
            fail("a line");
        }
        print(buf, whole);
        held -= whole;
        memmove(buf, buf + whole, held);
    }
    if (held > 0) {
        buf[held++] = '\n';
        print(buf, held);
        lines++;
    }
    char last[40];
    print(last, (size_t)snprintf(last, sizeof last, "lines: %lu\n", lines));
    if (unlink(path) == -1)
        err(1, "unlink %s", path);
    return 0;
}
