/*
 * flow WRITERS RECORDS SIZE [ignore]
 * Several writers, one pipe, one reader. Numbers are read digit by digit, and one that is larger
 * than any machine can count means all there is; what comes out of the pipe passes no stdio.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WRITERS = 26, MAX_SIZE = 1 << 20 };

/* 0 is no number. */
static uint64_t number(const char *text, size_t length, uint64_t max) {
    uint64_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]))
            return 0;
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(text[i] - '0'), &n))
            n = UINT64_MAX;
    }
    return n <= max ? n : 0;
}

static _Noreturn void write_records(int fd, int letter, uint64_t records, size_t size,
                                    bool ignore) {
    static char record[MAX_SIZE];
    memset(record, letter, size);
    record[size - 1] = '\n';
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGPIPE);
    signal(SIGPIPE, ignore ? SIG_IGN : SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    for (; records > 0; records--)
        for (size_t done = 0; done < size;) {
            ssize_t n = write(fd, record + done, size - done);
            if (n == -1 && errno != EINTR) {
                int status = errno == EPIPE ? 3 : 1;
                warn("%c: write", letter);
                _exit(status);
            }
            done += n > 0 ? (size_t)n : 0;
        }
    _exit(0);
}

static void print(const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, n);
        if (done == -1)
            err(1, "standard output");
        bytes += done;
        n -= (size_t)done;
    }
}

static void take(int fd, uint64_t wanted) {
    static char bytes[65536];
    while (wanted > 0) {
        ssize_t n = read(fd, bytes, wanted < sizeof bytes ? wanted : sizeof bytes);
        if (n == -1)
            err(1, "reading from the pipe");
        if (n == 0)
            return;
        print(bytes, (size_t)n);
        wanted -= (uint64_t)n;
    }
}

int main(int argc, char **argv) {
    uint64_t writers = 0, records = 0, size = 0;
    bool ignore = argc == 5 && strcmp(argv[4], "ignore") == 0;
    if (argc == 4 || ignore) {
        writers = number(argv[1], strlen(argv[1]), MAX_WRITERS);
        records = number(argv[2], strlen(argv[2]), UINT64_MAX);
        size = number(argv[3], strlen(argv[3]), MAX_SIZE);
    }
    if (writers == 0 || records == 0 || size < 2) {
        fprintf(stderr, "usage: flow WRITERS RECORDS SIZE [ignore]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN); /* a reader of ours that goes away is an error like any other */
    signal(SIGCHLD, SIG_DFL);

    int ends[2];
    if (pipe(ends) == -1)
        err(1, "pipe");
    pid_t children[MAX_WRITERS];
    for (uint64_t i = 0; i < writers; i++) {
        children[i] = fork();
        if (children[i] == -1)
            err(1, "fork");
        if (children[i] == 0) {
            close(ends[0]);
            write_records(ends[1], 'a' + (int)i, records, size, ignore);
        }
    }
    close(ends[1]);
    print("ready\n", 6);

    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        uint64_t wanted = number(line, (size_t)(line[n - 1] == '\n' ? n - 1 : n), UINT64_MAX);
        if (wanted == 0)
            errx(1, "a line of standard input is no number above zero");
        take(ends[0], wanted);
    }
    if (ferror(stdin))
        err(1, "standard input");
    free(line);
    close(ends[0]);
    for (uint64_t i = 0; i < writers; i++) {
        siginfo_t end;
        if (waitid(P_PID, (id_t)children[i], &end, WEXITED) == -1)
            err(1, "waitid");
        printf("%c: %s %d\n", 'a' + (int)i, end.si_code == CLD_EXITED ? "exit" : "signal",
               end.si_status);
    }
    if (fclose(stdout) == EOF)
        err(1, "standard output");
    return 0;
}
