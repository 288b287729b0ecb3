/* Looks whether a signal has come, and goes to sleep: one that comes in between is seen with the
 * next event. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REALTIME = 4, LINE_BYTES = 1024, NOTES = 4096 };

struct note {
    int k;
    int value;
    pid_t from;
};

static int logfile;
static sigset_t ours;
static struct note notes[NOTES];
static volatile sig_atomic_t noted;

static void on_signal(int signo, siginfo_t *info, void *context) {
    (void)context;
    notes[noted % NOTES] = (struct note){signo - SIGRTMIN, info->si_value.sival_int, info->si_pid};
    noted++;
}

static void catch_signals(void) {
    sigemptyset(&ours);
    sigaddset(&ours, SIGUSR1);
    for (int k = 0; k < REALTIME; k++)
        sigaddset(&ours, SIGRTMIN + k);
    struct sigaction action = {
        .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART, .sa_mask = ours};
    sigaction(SIGUSR1, &action, NULL);
    for (int k = 0; k < REALTIME; k++)
        sigaction(SIGRTMIN + k, &action, NULL);
}

static void tell(struct note note) {
    if (note.k < 0)
        dprintf(logfile, "SIGUSR1 from %d\n", note.from);
    else
        dprintf(logfile, "SIGRTMIN+%d value %d from %d\n", note.k, note.value, note.from);
}

static void obey(const char *text) {
    if (strcmp(text, "hold") == 0) {
        sigprocmask(SIG_BLOCK, &ours, NULL);
        dprintf(logfile, "holding\n");
    } else if (strcmp(text, "release") == 0) {
        sigprocmask(SIG_UNBLOCK, &ours, NULL);
    } else {
        dprintf(logfile, "text %s\n", text);
    }
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: listener LOG\n");
        return 2;
    }
    logfile = open(argv[1], O_WRONLY);
    if (logfile == -1) {
        perror(argv[1]);
        return 1;
    }
    catch_signals();
    dprintf(logfile, "ready\n");
    char line[LINE_BYTES];
    size_t length = 0;
    int told = 0;
    for (;;) {
        while (told < noted)
            tell(notes[told++ % NOTES]);
        struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
        if (poll(&ready, 1, -1) == -1)
            continue;
        ssize_t got = read(STDIN_FILENO, line + length, sizeof line - length);
        if (got <= 0)
            return 0;
        length += (size_t)got;
        char *end;
        while ((end = memchr(line, '\n', length)) != NULL) {
            *end = '\0';
            obey(line);
            length -= (size_t)(end + 1 - line);
            memmove(line, end + 1, length);
        }
    }
}
