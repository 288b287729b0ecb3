/* notifier NAME: registers as it should, but a thread sleeps in mq_receive(). */
#include <err.h>
#include <errno.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static mqd_t queue;
static size_t longest;

static void register_anew(void) {
    struct sigevent how = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    if (mq_notify(queue, NULL) == -1 || mq_notify(queue, &how) == -1)
        err(1, "mq_notify");
}

static void *receive(void *text) {
    for (;;) {
        unsigned priority;
        ssize_t n = mq_receive(queue, text, longest, &priority);
        if (n >= 0)
            dprintf(STDOUT_FILENO, "%u %.*s\n", priority, (int)n, (char *)text);
        register_anew();
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: notifier NAME\n");
        return 2;
    }
    queue = mq_open(argv[1], O_RDONLY);
    struct mq_attr shape;
    if (queue == (mqd_t)-1 || mq_getattr(queue, &shape) == -1)
        err(1, "%s", argv[1]);
    longest = (size_t)shape.mq_msgsize;

    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    register_anew();

    pthread_t receiver;
    char *text = malloc(longest);
    if (text == NULL || pthread_create(&receiver, NULL, receive, text) != 0)
        errx(1, "no thread");

    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;)
        dprintf(STDOUT_FILENO, "input %.*s\n", (int)n - (line[n - 1] == '\n'), line);
    return 0;
}
