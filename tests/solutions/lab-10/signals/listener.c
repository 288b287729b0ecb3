/*
 * listener LOG: a line for each signal and for each line of standard input. No pipe to itself, no
 * signalfd and no poll(): the handler writes into LOG, as write() is on the list of what it may
 * call. All signals are blocked while it does, and while main() writes: so lines stay whole and in
 * the kernel's order, and `hold` is to leave them blocked.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KINDS = 4 };

static int logfile;
static sigset_t ours;

static bool put(const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(logfile, bytes, n);
        if (done == -1 && errno != EINTR)
            return false;
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        }
    }
    return true;
}

static char *add(char *to, const char *text) {
    while (*text != '\0')
        *to++ = *text++;
    return to;
}

static char *add_number(char *to, long value) {
    char digits[24], *from = digits + sizeof digits;
    *--from = '\0';
    unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;
    do
        *--from = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        *--from = '-';
    return add(to, from);
}

static void on_signal(int signo, siginfo_t *info, void *context) {
    (void)context;
    int error = errno;
    char line[96], *end;
    if (signo == SIGUSR1) {
        end = add(line, "SIGUSR1");
    } else {
        end = add_number(add(line, "SIGRTMIN+"), signo - SIGRTMIN);
        end = add_number(add(end, " value "), info->si_value.sival_int);
    }
    end = add(add_number(add(end, " from "), info->si_pid), "\n");
    if (!put(line, (size_t)(end - line)))
        _exit(1);
    errno = error;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: listener LOG\n");
        return 2;
    }
    sigemptyset(&ours);
    sigaddset(&ours, SIGUSR1);
    for (int k = 0; k < KINDS; k++)
        sigaddset(&ours, SIGRTMIN + k);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    struct sigaction action = {
        .sa_sigaction = on_signal, .sa_mask = ours, .sa_flags = SA_SIGINFO | SA_RESTART};
    if (sigaction(SIGUSR1, &action, NULL) == -1)
        err(1, "sigaction");
    for (int k = 0; k < KINDS; k++)
        if (sigaction(SIGRTMIN + k, &action, NULL) == -1)
            err(1, "sigaction");

    logfile = open(argv[1], O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (logfile == -1 || !put("ready\n", 6))
        err(1, "%s", argv[1]);

    bool held = false;
    char *line = NULL;
    size_t room = 0;
    for (;;) {
        if (!held)
            sigprocmask(SIG_UNBLOCK, &ours, NULL);
        ssize_t n = getline(&line, &room, stdin);
        sigprocmask(SIG_BLOCK, &ours, NULL);
        if (n == -1)
            break;
        if (line[n - 1] == '\n')
            line[--n] = '\0';
        if (strcmp(line, "release") == 0) {
            held = false;
            continue;
        }
        char out[5 + (size_t)n + 1 + sizeof "holding"];
        int length;
        if (strcmp(line, "hold") == 0) {
            held = true;
            length = sprintf(out, "holding\n");
        } else {
            length = sprintf(out, "text %s\n", line);
        }
        if (!put(out, (size_t)length))
            err(1, "%s", argv[1]);
    }
    if (ferror(stdin))
        err(1, "standard input");
    free(line);
    return 0;
}
