/* Prints in the handler, with the functions that the main program uses, too. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REALTIME = 4, LINE_BYTES = 1024 };

static FILE *logfile;

static void on_signal(int signo, siginfo_t *info, void *context) {
    (void)context;
    if (signo == SIGUSR1)
        fprintf(logfile, "SIGUSR1 from %d\n", info->si_pid);
    else
        fprintf(logfile, "SIGRTMIN+%d value %d from %d\n", signo - SIGRTMIN,
                info->si_value.sival_int, info->si_pid);
    fflush(logfile);
}

static sigset_t catch_signals(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR1);
    for (int k = 0; k < REALTIME; k++)
        sigaddset(&action.sa_mask, SIGRTMIN + k);
    sigaction(SIGUSR1, &action, NULL);
    for (int k = 0; k < REALTIME; k++)
        sigaction(SIGRTMIN + k, &action, NULL);
    return action.sa_mask;
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: listener LOG\n");
        return 2;
    }
    int opened = open(argv[1], O_WRONLY);
    logfile = opened == -1 ? NULL : fdopen(opened, "w");
    if (logfile == NULL) {
        perror(argv[1]);
        return 1;
    }
    sigset_t ours = catch_signals();
    fputs("ready\n", logfile);
    fflush(logfile);
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "hold\n") == 0) {
            sigprocmask(SIG_BLOCK, &ours, NULL);
            fputs("holding\n", logfile);
        } else if (strcmp(line, "release\n") == 0) {
            sigprocmask(SIG_UNBLOCK, &ours, NULL);
        } else {
            fprintf(logfile, "text %s", line);
        }
        fflush(logfile);
    }
    return 0;
}
