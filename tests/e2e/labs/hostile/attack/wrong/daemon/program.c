/* Leaves a daemon behind that no parent, session, group or mark leads to, and that meddles with
 * whatever comes. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void meddle(void) {
    for (;;) {
        kill(-1, SIGKILL);
        close(open("/ipc/meddled", O_CREAT | O_WRONLY, 0666));
        close(open("/dev/shm/meddled", O_CREAT | O_WRONLY, 0666));
        usleep(1000);
    }
}

int main(void) {
    const struct rlimit none = {0, 0};

    puts("done");
    fflush(stdout);
    if (fork() == 0) {
        setsid();
        if (fork() > 0)
            _exit(0);
        setrlimit(__RLIMIT_LOCKS, &none);
        for (int i = 0; i < 3; i++)
            close(i);
        meddle();
    }
    return 0;
}
