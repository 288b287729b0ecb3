/* Lets the handler of one signal be interrupted by that of another. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REALTIME = 4, LINE_BYTES = 1024 };

static int logfile;

static void on_signal(int signo, siginfo_t *info, void *context) {
    (void)context;
    if (signo == SIGUSR1)
        dprintf(logfile, "SIGUSR1 from %d\n", info->si_pid);
    else
        dprintf(logfile, "SIGRTMIN+%d value %d from %d\n", signo - SIGRTMIN,
                info->si_value.sival_int, info->si_pid);
}

static sigset_t catch_signals(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t ours;
    sigemptyset(&action.sa_mask);
    sigemptyset(&ours);
    for (int k = -1; k < REALTIME; k++) {
        int signo = k == -1 ? SIGUSR1 : SIGRTMIN + k;
        sigaddset(&ours, signo);
        sigaction(signo, &action, NULL);
    }
    return ours;
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
    sigset_t ours = catch_signals();
    dprintf(logfile, "ready\n");
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "hold\n") == 0) {
            sigprocmask(SIG_BLOCK, &ours, NULL);
            dprintf(logfile, "holding\n");
        } else if (strcmp(line, "release\n") == 0) {
            sigprocmask(SIG_UNBLOCK, &ours, NULL);
        } else {
            dprintf(logfile, "text %s", line);
        }
    }
    return 0;
}
