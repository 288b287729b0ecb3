/* Has handlers, and forgets that write() of a line may be interrupted by one. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REALTIME = 4, LINE_BYTES = 1024, EXIT_USAGE = 2 };

struct line {
    char bytes[LINE_BYTES];
    size_t length;
};

struct note {
    int k;
    int value;
    pid_t from;
};

static int logfile;
static int notes[2];
static sigset_t ours;

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

static void on_signal(int signo, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    struct note note = {signo - SIGRTMIN, info->si_value.sival_int, info->si_pid};
    if (write(notes[1], &note, sizeof note) == -1) {
    }
    errno = saved;
}

static void catch_signals(void) {
    if (pipe2(notes, O_CLOEXEC | O_NONBLOCK) == -1)
        die("pipe");
    sigemptyset(&ours);
    sigaddset(&ours, SIGUSR1);
    for (int k = 0; k < REALTIME; k++)
        sigaddset(&ours, SIGRTMIN + k);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO, .sa_mask = ours};
    sigaction(SIGUSR1, &action, NULL);
    for (int k = 0; k < REALTIME; k++)
        sigaction(SIGRTMIN + k, &action, NULL);
}

static void take_signal(void) {
    struct note note;
    while (read(notes[0], &note, sizeof note) == sizeof note)
        if (note.k < 0)
            put("SIGUSR1 from %d\n", note.from);
        else
            put("SIGRTMIN+%d value %d from %d\n", note.k, note.value, note.from);
}

static void obey(const char *text) {
    if (strcmp(text, "hold") == 0) {
        sigprocmask(SIG_BLOCK, &ours, NULL);
        put("holding\n");
    } else if (strcmp(text, "release") == 0) {
        sigprocmask(SIG_UNBLOCK, &ours, NULL);
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
    catch_signals();
    put("ready\n"); /* no signal ends us from here on, and none is lost */
    struct line line = {.length = 0};
    for (bool more = true; more;) {
        struct pollfd ready[] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = notes[0], .events = POLLIN}, /* poll() skips -1 */
        };
        if (poll(ready, 2, -1) == -1) {
            if (errno == EINTR)
                continue;
            die("listener: poll");
        }
        if (ready[1].revents != 0)
            take_signal();
        if (ready[0].revents != 0)
            more = take_input(&line);
    }
    return EXIT_SUCCESS;
}
