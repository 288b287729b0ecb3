/*
 * notifier NAME
 *
 * Prints the lines of its standard input and, in between, the messages of the POSIX queue NAME. It
 * does not wait for these: a signal tells that the queue is not empty any more.
 *
 * Manual pages: mq_notify(3), mq_receive(3), mq_getattr(3), sigevent(7), ppoll(2), signalfd(2)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: notifier NAME\n");
        return EXIT_USAGE;
    }
    (void)argv[1];
    errno = ENOSYS; /* in place of your part */
    die("notifier: nothing is done yet");
}
