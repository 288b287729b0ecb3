/*
 * head PATH
 *
 * One thread prints what comes from the link, another one carries out the commands and may wait as
 * long as it likes. The link always has the same number: dup2() puts another one in its place.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

enum { LONGEST_TEXT = 500, USAGE = 2, HUNG_UP = 3 };

static int lower;
static pthread_t printer;
static atomic_bool ended; /* the input */

/* Who holds the lock may read from the link, or put another one in its place. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static bool popping;

static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* A line in one piece, so that those of two threads don't mix. */
static void print(const char *word, const char *bytes, size_t n) {
    char line[CONTENTS + 16];
    size_t length = strlen(word);
    memcpy(line, word, length);
    memcpy(line + length, bytes, n);
    length += n;
    line[length++] = '\n';
    for (size_t done = 0; done < length;) {
        ssize_t more = write(STDOUT_FILENO, line + done, length - done);
        if (more == -1)
            die("standard output");
        done += (size_t)more;
    }
}

/* If it can't be sent, the link has ended: the printer sees that, too. */
static void put(char type, const char *text, size_t n) {
    struct message message = {.type = type, .size = n};
    memcpy(message.contents, text, n);
    struct pollfd one = {.fd = lower, .events = POLLOUT};
    while (message_send(lower, &message, MSG_DONTWAIT) == -1 && errno == EAGAIN)
        poll(&one, 1, -1);
}

static bool push(const char *path) {
    int pair[2], module = message_connect(path, SOCK_SEQPACKET);
    if (module == -1)
        return false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1) {
        close(module);
        return false;
    }
    struct message message = {.type = PUSH, .fd_count = 2, .fds = {pair[1], lower}};
    pthread_mutex_lock(&lock); /* from here on the module reads from the link, not we */
    bool pushed = message_send(module, &message, 0) == 0;
    if (pushed)
        dup2(pair[0], lower);
    pthread_mutex_unlock(&lock);
    close(pair[0]);
    close(pair[1]);
    close(module);
    if (pushed)
        pthread_kill(printer, SIGUSR1); /* it may still wait for the link as it was */
    return pushed;
}

static void pop(void) {
    pthread_mutex_lock(&lock);
    popping = true;
    pthread_mutex_unlock(&lock);
    put(POP, "", 0);
    pthread_mutex_lock(&lock);
    while (popping)
        pthread_cond_wait(&answered, &lock);
    pthread_mutex_unlock(&lock);
}

static void *carry_out(void *unused) {
    char *line = NULL;
    size_t room = 0;
    int modules = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        if (line[n - 1] == '\n')
            line[--n] = '\0';
        if (strncmp(line, "put ", 4) == 0 && n - 4 <= LONGEST_TEXT)
            put(DATA, line + 4, (size_t)n - 4);
        else if (strncmp(line, "push ", 5) == 0 && push(line + 5)) {
            modules++;
            print("pushed", "", 0);
        } else if (strcmp(line, "pop") == 0 && modules > 0) {
            pop();
            modules--;
            print("popped", "", 0);
        } else
            print("failed ", line, n <= CONTENTS ? (size_t)n : CONTENTS);
    }
    ended = true;
    put(RELEASE, "", 0);
    return unused;
}

/* The next message. False at the end of the link. */
static bool receive(struct message *message) {
    static sigset_t none;
    struct pollfd one = {.fd = lower, .events = POLLIN};
    for (;;) {
        ppoll(&one, 1, NULL, &none);
        pthread_mutex_lock(&lock);
        int got = message_receive(lower, message, MSG_DONTWAIT);
        bool again = got == -1 && errno == EAGAIN; /* another link, perhaps */
        if (got == 1 && message->type == POP && message->fd_count == 1 && popping) {
            dup2(message->fds[0], lower);
            popping = false;
            pthread_cond_signal(&answered);
        }
        pthread_mutex_unlock(&lock);
        if (!again)
            return got == 1;
    }
}

static void wake_up(int signal) {
    (void)signal;
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: head PATH\n");
        return USAGE;
    }
    lower = message_connect(argv[1], SOCK_SEQPACKET);
    if (lower == -1)
        die(argv[1]);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGUSR1, wake_up);
    printer = pthread_self();
    pthread_t other;
    errno = pthread_create(&other, NULL, carry_out, NULL);
    if (errno != 0)
        die("head: thread");
    struct message message;
    while (receive(&message) && message.type != HANGUP) {
        if (message.type == DATA)
            print("data ", message.contents, message.size);
        message_close_fds(&message);
    }
    print("hangup", "", 0);
    _exit(ended ? 0 : HUNG_UP);
}
