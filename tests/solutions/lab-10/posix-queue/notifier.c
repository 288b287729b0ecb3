/*
 * notifier NAME: prints the messages of a POSIX queue, of which a signal tells, and the lines of
 * standard input. Two threads instead of one loop: one takes SIGUSR1 with sigwaitinfo(), the other
 * one reads lines; a mutex keeps their lines apart.
 */
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
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

/* SIGUSR1 may be from anybody, and then we are registered still: that would be EBUSY, too. */
static void ask_to_be_told(void) {
    struct sigevent how = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    if (mq_notify(queue, NULL) == -1 || mq_notify(queue, &how) == -1)
        err(1, errno == EBUSY ? "somebody else is told already" : "mq_notify");
}

static void print_all_there_is(void) {
    static char *text;
    pthread_mutex_lock(&output);
    if (text == NULL && (text = malloc(longest)) == NULL)
        err(1, "malloc");
    for (;;) {
        unsigned urgency;
        ssize_t n = mq_receive(queue, text, longest, &urgency);
        if (n == -1 && errno == EAGAIN)
            break;
        if (n == -1 && errno != EINTR)
            err(1, "mq_receive");
        if (n >= 0 && dprintf(STDOUT_FILENO, "%u %.*s\n", urgency, (int)n, text) < 0)
            err(1, "standard output");
    }
    pthread_mutex_unlock(&output);
}

static void *mind_the_queue(void *usr1) {
    for (;;) {
        print_all_there_is();
        while (sigwaitinfo(usr1, NULL) == -1)
            if (errno != EINTR)
                err(1, "sigwaitinfo");
        ask_to_be_told();
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: notifier NAME\n");
        return 2;
    }
    queue = mq_open(argv[1], O_RDONLY | O_NONBLOCK);
    struct mq_attr shape;
    if (queue == (mqd_t)-1 || mq_getattr(queue, &shape) == -1)
        err(1, "%s", argv[1]);
    longest = (size_t)shape.mq_msgsize;

    static sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    ask_to_be_told();

    pthread_t minder;
    errno = pthread_create(&minder, NULL, mind_the_queue, &usr1);
    if (errno != 0)
        err(1, "pthread_create");

    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        if (line[n - 1] == '\n')
            n--;
        pthread_mutex_lock(&output);
        if (dprintf(STDOUT_FILENO, "input %.*s\n", (int)n, line) < 0)
            err(1, "standard output");
        pthread_mutex_unlock(&output);
    }
    if (ferror(stdin))
        err(1, "standard input");
    print_all_there_is(); /* what came before the input ended */
    return 0;
}
