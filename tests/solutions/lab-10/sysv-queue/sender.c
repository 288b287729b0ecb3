/*
 * sender KEY wait|now: each line of standard input, TYPE TEXT, becomes a message of a System V
 * queue. Lines are never stored: characters are taken one by one, and those of the text go into the
 * message. It always tries without waiting first, so that it knows whether it slept when the queue
 * was removed.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

struct message {
    long type;
    char text[];
};

static bool removed(int id) {
    struct msqid_ds about;
    return msgctl(id, IPC_STAT, &about) == -1 && (errno == EINVAL || errno == EIDRM);
}

static void post(int id, const struct message *message, size_t length, bool waits) {
    bool slept = false;
    while (msgsnd(id, message, length, slept ? 0 : IPC_NOWAIT) == -1) {
        if (errno == EAGAIN && waits)
            slept = true;
        else if (errno == EAGAIN)
            errx(3, "no room");
        else if (errno == EIDRM || (errno == EINVAL && removed(id)))
            errx(slept ? 4 : 1, "the queue was removed");
        else if (errno == EINVAL)
            errx(1, "a text of %zu bytes is too long", length);
        else if (errno != EINTR)
            err(1, "msgsnd");
    }
}

/* The digits of a type and the space behind it, of which the first is there already. */
static long type_from(int c) {
    long type = 0;
    for (; c >= '0' && c <= '9'; c = getchar())
        if (__builtin_mul_overflow(type, 10, &type) || __builtin_add_overflow(type, c - '0', &type))
            errx(1, "no type is that high");
    if (type == 0 || c != ' ')
        errx(1, "a line begins with a type above 0 and a space");
    return type;
}

int main(int argc, char **argv) {
    char *end = NULL;
    unsigned long key = 0;
    errno = 0;
    if (argc == 3 && *argv[1] >= '0' && *argv[1] <= '9' &&
        (strcmp(argv[2], "wait") == 0 || strcmp(argv[2], "now") == 0))
        key = strtoul(argv[1], &end, 0);
    if (end == NULL || *end != '\0' || errno != 0 || key < 1 || key > UINT_MAX) {
        fprintf(stderr, "usage: sender KEY wait|now\n");
        return 2;
    }
    const bool waits = *argv[2] == 'w';
    int id = msgget((key_t)key, 0);
    if (id == -1)
        err(1, "msgget");

    struct message *message = NULL;
    size_t room = 0;
    for (int c; (c = getchar()) != EOF;) {
        long type = type_from(c);
        size_t length = 0;
        for (;;) {
            if (length == room) {
                room = room * 2 + 512;
                message = realloc(message, sizeof *message + room);
                if (message == NULL)
                    err(1, "realloc");
            }
            c = getchar();
            if (c == '\n' || c == EOF)
                break;
            message->text[length++] = (char)c;
        }
        message->type = type;
        post(id, message, length, waits);
    }
    if (ferror(stdin))
        err(1, "standard input");
    free(message);
    return 0;
}
