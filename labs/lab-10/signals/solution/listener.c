/*
 * listener LOG
 *
 * Writes a line into LOG for every SIGUSR1 and every real-time signal that it gets, and for every
 * line of its standard input. After the line `hold` signals wait in the kernel until `release`.
 *
 * All these signals are blocked all the time, and no handler is ever called: a signalfd turns them
 * into something to read, and so into one event among others.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { REALTIME = 4, LINE_BYTES = 1024, EXIT_USAGE = 2 };

struct line {
    char bytes[LINE_BYTES];
    size_t length;
};

static int logfile;
static bool holding;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* One write() for each line: a pipe keeps it in one piece. */
static void put(const char *format, ...) {
    char text[LINE_BYTES + 64];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (write(logfile, text, (size_t)length) != length)
        die("listener: LOG");
}

/* A descriptor that can be read when one of our signals is pending. */
static int open_signals(void) {
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGUSR1);
    for (int k = 0; k < REALTIME; k++)
        sigaddset(&ours, SIGRTMIN + k);
    if (sigprocmask(SIG_BLOCK, &ours, NULL) == -1)
        die("listener: sigprocmask");
    int signals = signalfd(-1, &ours, SFD_CLOEXEC);
    if (signals == -1)
        die("listener: signalfd");
    return signals;
}

static void take_signal(int signals) {
    struct signalfd_siginfo got;
    if (read(signals, &got, sizeof got) != sizeof got)
        die("listener: read");
    int k = (int)got.ssi_signo - SIGRTMIN;
    if (k < 0)
        put("SIGUSR1 from %u\n", got.ssi_pid);
    else
        put("SIGRTMIN+%d value %d from %u\n", k, got.ssi_int, got.ssi_pid);
}

static void obey(const char *text) {
    if (strcmp(text, "hold") == 0) {
        holding = true;
        put("holding\n");
    } else if (strcmp(text, "release") == 0) {
        holding = false;
    } else {
        put("text %s\n", text);
    }
}

/* Takes what standard input has now, be it half a line or ten. False at its end. */
static bool take_input(struct line *line) {
    ssize_t got = read(STDIN_FILENO, line->bytes + line->length, LINE_BYTES - line->length);
    if (got == -1)
        die("listener: standard input");
    line->length += (size_t)got;
    char *end;
    while ((end = memchr(line->bytes, '\n', line->length)) != NULL) {
        *end = '\0';
        obey(line->bytes);
        line->length -= (size_t)(end + 1 - line->bytes);
        memmove(line->bytes, end + 1, line->length);
    }
    if (line->length == LINE_BYTES) {
        errno = EMSGSIZE;
        die("listener: a line");
    }
    return got > 0;
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: listener LOG\n");
        return EXIT_USAGE;
    }
    logfile = open(argv[1], O_WRONLY | O_CLOEXEC);
    if (logfile == -1)
        die(argv[1]);
    int signals = open_signals();
    put("ready\n"); /* no signal ends us from here on, and none is lost */
    struct line line = {.length = 0};
    for (bool more = true; more;) {
        struct pollfd ready[] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = holding ? -1 : signals, .events = POLLIN}, /* poll() skips -1 */
        };
        if (poll(ready, 2, -1) == -1)
            die("listener: poll");
        if (ready[1].revents != 0)
            take_signal(signals);
        if (ready[0].revents != 0)
            more = take_input(&line);
    }
    return EXIT_SUCCESS;
}
