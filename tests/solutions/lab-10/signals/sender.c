/*
 * sender PID K TIMES: sends a real-time signal with the values 1, 2, ... By a pidfd, and not by
 * sigqueue(): should the process end halfway, nobody else gets the rest who has its number then.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int number(const char *text, int least, int most) {
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || text[strspn(text, "0123456789")] != '\0' || errno != 0 || n < least ||
        n > most) {
        fprintf(stderr, "usage: sender PID K TIMES\n");
        exit(2);
    }
    return (int)n;
}

int main(int argc, char **argv) {
    if (argc != 4)
        number("", 0, 0);
    const pid_t pid = number(argv[1], 1, INT_MAX);
    const int signo = SIGRTMIN + number(argv[2], 0, 3);
    const int times = number(argv[3], 1, 1000000);

    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process == -1)
        err(1, "process %d", pid);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = signo;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    for (int i = 1; i <= times; i++) {
        info.si_value.sival_int = i;
        if (syscall(SYS_pidfd_send_signal, process, signo, &info, 0) == -1)
            err(1, "signal %d of %d to process %d", i, times, pid);
    }
    return 0;
}
