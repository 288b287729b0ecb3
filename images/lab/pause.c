/*
 * pause - the first process of a sandbox or container.
 *
 * A namespace lives as long as something is in it; this is what is in it. It does nothing but what
 * the first process of a PID namespace must: wait for the children that others left behind, so that
 * they do not stay as zombies, and end when it is told to, which ends everything else in the
 * namespace.
 *
 * It looks at none of its arguments. They are there to be read in /proc/1/cmdline, by whoever wants
 * to know where he is:
 *
 *     /usr/lib/ipclab/pause sandbox alpha
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* The signals that we live for. */
static sigset_t awaited_signals(void) {
    const int numbers[] = {SIGCHLD, SIGINT, SIGTERM};
    sigset_t signals;

    if (sigemptyset(&signals) == -1)
        die("sigemptyset");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sigaddset(&signals, numbers[i]) == -1)
            die("sigaddset");
    return signals;
}

/* Several children may have ended on one SIGCHLD: a signal that is already pending is not queued
 * again. */
static void reap_children(void) {
    pid_t child;

    do
        child = waitpid(-1, NULL, WNOHANG);
    while (child > 0);
    if (child == -1 && errno != ECHILD)
        die("waitpid");
}

int main(void) {
    const sigset_t signals = awaited_signals();

    /*
     * A blocked signal stays pending until sigwaitinfo() takes it, so none is lost between two
     * rounds of the loop. The kernel also drops, for the first process of a namespace, each signal
     * that it neither handles nor blocks.
     */
    if (sigprocmask(SIG_BLOCK, &signals, NULL) == -1)
        die("sigprocmask");
    for (;;) {
        const int number = sigwaitinfo(&signals, NULL);

        if (number == SIGINT || number == SIGTERM)
            return EXIT_SUCCESS;
        if (number == SIGCHLD)
            reap_children();
        else if (errno != EINTR) /* EINTR: stopped and continued, as by a debugger */
            die("sigwaitinfo");
    }
}
