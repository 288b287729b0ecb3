/*
 * receiver KEY TYPE BYTES wait|drain: prints the messages of a System V queue that TYPE selects.
 * It asks for one byte more than it has room for, which tells what was cut, and builds each line
 * around the text where msgrcv() has left it: one write(), no copy, no stdio.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <unistd.h>

enum { MOST_BYTES = 1000000, HEAD = 32 };

static void usage(void) {
    fprintf(stderr, "usage: receiver KEY TYPE BYTES wait|drain\n");
    exit(2);
}

static long number(const char *text, int base, long least, long most) {
    char *end;
    errno = 0;
    long n = strtol(text, &end, base);
    if (strchr("-0123456789", *text) == NULL || end == text || *end != '\0' || errno != 0 ||
        n < least || n > most)
        usage();
    return n;
}

static int queue_of(key_t key, bool make) {
    int id;
    do {
        id = msgget(key, 0);
        if (id == -1 && errno == ENOENT && make)
            id = msgget(key, IPC_CREAT | IPC_EXCL | 0660);
    } while (id == -1 && errno == EEXIST);
    if (id == -1)
        err(1, "msgget");
    return id;
}

static void put(const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, n);
        if (done == -1 && errno != EINTR)
            err(1, "standard output");
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 5 || (strcmp(argv[4], "wait") != 0 && strcmp(argv[4], "drain") != 0))
        usage();
    const bool waits = *argv[4] == 'w';
    const key_t key = (key_t)number(argv[1], 0, 1, UINT_MAX);
    const long type = number(argv[2], 10, LONG_MIN + 1, LONG_MAX);
    const size_t room = (size_t)number(argv[3], 10, 1, MOST_BYTES);

    /* HEAD bytes for what is printed before the text, the type, the text, one byte more */
    char *block = malloc(HEAD + sizeof(long) + room + 1);
    if (block == NULL)
        err(1, "malloc");
    long *message = (long *)(block + HEAD);
    char *text = (char *)(message + 1);
    const int flags = MSG_NOERROR | (waits ? 0 : IPC_NOWAIT);

    int id = queue_of(key, waits);
    for (;;) {
        ssize_t n = msgrcv(id, message, room + 1, type, flags);
        if (n == -1) {
            if (errno == EINTR)
                continue;
            break;
        }
        const bool cut = (size_t)n > room;
        char head[HEAD];
        size_t before = (size_t)sprintf(head, "%s%ld ", cut ? "cut " : "", *message);
        memcpy(text - before, head, before);
        size_t length = cut ? room : (size_t)n;
        text[length] = '\n';
        put(text - before, before + length + 1);
    }
    if (waits && (errno == EIDRM || errno == EINVAL))
        put("removed\n", 8);
    else if (!waits && errno == ENOMSG)
        put("empty\n", 6);
    else
        err(1, "msgrcv");
    free(block);
    return 0;
}
