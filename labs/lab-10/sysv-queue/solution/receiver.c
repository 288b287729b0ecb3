/*
 * receiver KEY TYPE BYTES wait|drain
 *
 * Takes the messages that TYPE selects out of a System V queue and prints them: `wait` makes the
 * queue if need be and goes on until somebody removes it, `drain` until nothing is left to take.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

enum { MODE = 0660, MOST_BYTES = 1000000, EXIT_USAGE = 2 };

struct message {
    long type;
    char text[];
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: receiver KEY TYPE BYTES wait|drain   (BYTES from 1 to 1000000)\n");
    exit(EXIT_USAGE);
}

static long number(const char *text, int base, long min, long max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, base);
    if (isspace((unsigned char)*text) || end == text || *end != '\0' || errno != 0 || value < min ||
        value > max)
        usage();
    return value;
}

/*
 * The length of the next message, -1 when there is none. One byte more than there is room for tells
 * whether it was longer; to ask for more when it was, in a second call, may get another message.
 */
static ssize_t take(int queue, struct message *message, size_t room, long type, int flags,
                    bool *cut) {
    ssize_t length = msgrcv(queue, message, room + 1, type, flags | MSG_NOERROR);
    *cut = length > (ssize_t)room;
    return *cut ? (ssize_t)room : length;
}

static void print(const struct message *message, size_t length, bool cut) {
    printf("%s%ld ", cut ? "cut " : "", message->type);
    fwrite(message->text, 1, length, stdout); /* no NUL at its end */
    putchar('\n');
    if (fflush(stdout) == EOF)
        die("receiver: standard output");
}

/* Removed while we slept in the call, or, if we were elsewhere then, before it. */
static bool is_removed(int error) {
    return error == EIDRM || error == EINVAL;
}

int main(int argc, char *argv[]) {
    if (argc != 5 || (strcmp(argv[4], "wait") != 0 && strcmp(argv[4], "drain") != 0))
        usage();
    key_t key = (key_t)number(argv[1], 0, 1, UINT_MAX);
    long type = number(argv[2], 10, LONG_MIN + 1, LONG_MAX);
    size_t room = (size_t)number(argv[3], 10, 1, MOST_BYTES);
    bool waits = strcmp(argv[4], "wait") == 0;

    int queue = msgget(key, waits ? IPC_CREAT | MODE : 0);
    if (queue == -1)
        die("receiver: msgget");
    struct message *message = malloc(sizeof *message + room + 1);
    if (message == NULL)
        die("receiver: malloc");
    ssize_t length;
    bool cut;
    while ((length = take(queue, message, room, type, waits ? 0 : IPC_NOWAIT, &cut)) != -1)
        print(message, (size_t)length, cut);
    if (!(waits ? is_removed(errno) : errno == ENOMSG))
        die("receiver: msgrcv");
    free(message);
    return puts(waits ? "removed" : "empty") == EOF || fflush(stdout) == EOF;
}
