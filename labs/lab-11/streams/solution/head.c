/*
 * head PATH
 *
 * The upper end of a stream whose driver is at PATH: puts messages in and takes them out, as it is
 * told on its standard input, and pushes and pops modules meanwhile.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

enum { LONGEST_TEXT = 500, LONGEST_LINE = 1000, EXIT_USAGE = 2, EXIT_HANGUP = 3 };

struct head {
    int lower;   /* the link to the topmost module, or to the driver */
    int modules; /* that are pushed */
    bool popping, released;
    bool full; /* there is a message that has not been sent */
    struct message message;
    size_t got; /* of the input, and not used */
    char input[LONGEST_LINE + 1];
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void print(const char *what, const char *text, size_t size) {
    fputs(what, stdout);
    fwrite(text, 1, size, stdout);
    putchar('\n');
    if (fflush(stdout) == EOF)
        die("head: standard output");
}

static void hang_up(const struct head *head) {
    print("hangup", "", 0);
    exit(head->released ? EXIT_SUCCESS : EXIT_HANGUP);
}

/* ---- commands ---- */

static void hold(struct head *head, char type, const char *text) {
    head->message = (struct message){.type = type, .size = strlen(text)};
    memcpy(head->message.contents, text, head->message.size);
    head->full = true;
}

static bool put(struct head *head, const char *text) {
    if (strlen(text) > LONGEST_TEXT)
        return false;
    hold(head, DATA, text);
    return true;
}

/*
 * The module gets the link that has been ours, with all that is under way in it, and the other end
 * of a new one.
 */
static bool push(struct head *head, const char *path) {
    int pair[2], module = message_connect(path, SOCK_SEQPACKET);
    if (module == -1)
        return false;
    bool pushed = false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0) {
        struct message request = {.type = PUSH, .fd_count = 2, .fds = {pair[1], head->lower}};
        pushed = message_send(module, &request, 0) == 0;
        close(pair[1]);
        close(pushed ? head->lower : pair[0]);
    }
    close(module);
    if (pushed) {
        head->lower = pair[0];
        head->modules++;
        print("pushed", "", 0);
    }
    return pushed;
}

static bool pop(struct head *head) {
    if (head->modules == 0)
        return false;
    hold(head, POP, "");
    head->popping = true;
    return true;
}

static bool obeyed(struct head *head, const char *line) {
    if (strncmp(line, "put ", 4) == 0)
        return put(head, line + 4);
    if (strncmp(line, "push ", 5) == 0)
        return push(head, line + 5);
    return strcmp(line, "pop") == 0 && pop(head);
}

/* Whether a further command may be carried out: all before it are. */
static bool ready(const struct head *head) {
    return !head->full && !head->popping && !head->released;
}

static void obey(struct head *head) {
    char *end;
    while (ready(head) && (end = memchr(head->input, '\n', head->got)) != NULL) {
        *end++ = '\0';
        if (!obeyed(head, head->input))
            print("failed ", head->input, strlen(head->input));
        head->got -= (size_t)(end - head->input);
        memmove(head->input, end, head->got);
    }
}

static void read_input(struct head *head) {
    ssize_t got = read(STDIN_FILENO, head->input + head->got, sizeof head->input - head->got);
    if (got == -1)
        die("head: standard input");
    head->got += (size_t)got;
    if (got == 0) { /* or there is no room: a line that is too long */
        hold(head, RELEASE, "");
        head->released = true;
    }
}

/* ---- the stream ---- */

static void popped(struct head *head, int lower) {
    close(head->lower);
    head->lower = lower;
    head->modules--;
    head->popping = false;
    print("popped", "", 0);
}

static void receive(struct head *head) {
    struct message message;
    int got = message_receive(head->lower, &message, MSG_DONTWAIT);
    if (got == -1 && errno == EAGAIN)
        return;
    if (got == -1)
        die("head: receive");
    if (got == 0 || message.type == HANGUP)
        hang_up(head);
    if (message.type == POP && head->popping && message.fd_count == 1) {
        popped(head, message.fds[0]);
        return;
    }
    message_close_fds(&message);
    if (message.type == DATA)
        print("data ", message.contents, message.size);
}

static void send_held(struct head *head) {
    if (message_send(head->lower, &head->message, MSG_DONTWAIT) == 0)
        head->full = false;
    else if (errno == EPIPE || errno == ECONNRESET)
        head->full = false; /* the hang-up is still to be read, and what came before it */
    else if (errno != EAGAIN)
        die("head: send");
}

int main(int argc, char *argv[]) {
    static struct head head;
    if (argc != 2) {
        fprintf(stderr, "usage: head PATH\n");
        return EXIT_USAGE;
    }
    head.lower = message_connect(argv[1], SOCK_SEQPACKET);
    if (head.lower == -1)
        die(argv[1]);
    for (;;) {
        obey(&head);
        struct pollfd waits[] = {{head.lower, (short)(POLLIN | (head.full ? POLLOUT : 0)), 0},
                                 {ready(&head) ? STDIN_FILENO : -1, POLLIN, 0}};
        if (poll(waits, 2, -1) == -1)
            die("head: poll");
        if (waits[0].revents & POLLOUT)
            send_held(&head);
        if (waits[0].revents & ~POLLOUT)
            receive(&head);
        if (waits[1].revents != 0)
            read_input(&head);
    }
}
