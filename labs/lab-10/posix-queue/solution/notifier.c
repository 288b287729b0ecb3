/*
 * notifier NAME
 *
 * Prints the lines of its standard input and, in between, the messages of the POSIX queue NAME. It
 * does not wait for these: a signal tells that the queue is not empty any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1024, EXIT_USAGE = 2 };

struct line {
    char bytes[LINE_BYTES];
    size_t length;
};

static volatile sig_atomic_t notified;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* Somebody else's SIGUSR1 may have been pending when ours came, and then that is all we get. */
static void on_signal(int signo) {
    (void)signo;
    notified = 1;
}

/* Blocks SIGUSR1 but for the time of ppoll(): no signal comes between looking and sleeping. */
static sigset_t catch_signal(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t block, while_asleep;
    sigemptyset(&action.sa_mask);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &block, &while_asleep) == -1)
        die("notifier: sigprocmask");
    if (sigaction(SIGUSR1, &action, NULL) == -1)
        die("notifier: sigaction");
    sigdelset(&while_asleep, SIGUSR1);
    return while_asleep;
}

static void flush(void) {
    if (fflush(stdout) == EOF)
        die("notifier: standard output");
}

/*
 * Asks for the next notification, which is for one time only, and then takes all there is: what
 * comes after the last look finds the queue empty, and is notified of. When it was not the queue
 * that sent the signal we are registered still, and would be refused.
 */
static void arm_and_take(mqd_t queue, char *text, size_t size) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    if (mq_notify(queue, NULL) == -1 || mq_notify(queue, &event) == -1)
        die("notifier: mq_notify");
    ssize_t length;
    unsigned priority;
    while ((length = mq_receive(queue, text, size, &priority)) != -1) {
        printf("%u ", priority);
        fwrite(text, 1, (size_t)length, stdout);
        putchar('\n');
    }
    if (errno != EAGAIN)
        die("notifier: mq_receive");
    flush();
}

/* Prints the lines that standard input has now, keeps what is half a line. False at its end. */
static bool copy(struct line *line) {
    ssize_t got = read(STDIN_FILENO, line->bytes + line->length, LINE_BYTES - line->length);
    if (got == -1)
        die("notifier: standard input");
    line->length += (size_t)got;
    char *end;
    while ((end = memchr(line->bytes, '\n', line->length)) != NULL) {
        *end = '\0';
        printf("input %s\n", line->bytes);
        line->length -= (size_t)(end + 1 - line->bytes);
        memmove(line->bytes, end + 1, line->length);
    }
    if (line->length == LINE_BYTES) {
        errno = EMSGSIZE;
        die("notifier: a line");
    }
    flush();
    return got > 0;
}

static void serve(mqd_t queue, char *text, size_t size) {
    struct line line = {.length = 0};
    sigset_t while_asleep = catch_signal();
    arm_and_take(queue, text, size); /* of what is there already nobody is notified */
    for (bool more = true; more;) {
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        int ready = ppoll(&input, 1, NULL, &while_asleep);
        if (ready == -1 && errno != EINTR)
            die("notifier: ppoll");
        if (notified) {
            notified = 0;
            arm_and_take(queue, text, size);
        }
        if (ready > 0)
            more = copy(&line);
    }
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: notifier NAME\n");
        return EXIT_USAGE;
    }
    mqd_t queue = mq_open(argv[1], O_RDONLY | O_NONBLOCK);
    struct mq_attr attributes;
    if (queue == (mqd_t)-1 || mq_getattr(queue, &attributes) == -1)
        die("notifier: mq_open");
    char *text = malloc((size_t)attributes.mq_msgsize); /* less would be EMSGSIZE */
    if (text == NULL)
        die("notifier: malloc");
    serve(queue, text, (size_t)attributes.mq_msgsize);
    free(text);
    return EXIT_SUCCESS;
}
