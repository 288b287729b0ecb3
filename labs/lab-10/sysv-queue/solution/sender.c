/*
 * sender KEY wait|now
 *
 * Puts each line of its standard input, `TYPE TEXT`, as a message into the System V queue under
 * KEY. When that is full, `wait` sleeps until there is room, and `now` gives up.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

enum { EXIT_USAGE = 2, EXIT_FULL = 3, EXIT_REMOVED = 4 };

struct message {
    long type;
    char text[];
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: sender KEY wait|now\n");
    exit(EXIT_USAGE);
}

static key_t key_in(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 ||
        value > UINT_MAX)
        usage();
    return (key_t)value;
}

static int status_of(int error) {
    return error == EAGAIN ? EXIT_FULL : error == EIDRM ? EXIT_REMOVED : EXIT_FAILURE;
}

/* The size of a message is that of its text: the type is counted by nobody. */
static void post(int queue, long type, const char *text, size_t length, int flags) {
    struct message *message = malloc(sizeof *message + length);
    if (message == NULL)
        die("sender: malloc");
    message->type = type;
    memcpy(message->text, text, length);
    if (msgsnd(queue, message, length, flags) == -1) {
        int error = errno;
        perror("sender: msgsnd");
        exit(status_of(error));
    }
    free(message);
}

static void post_line(int queue, char *line, size_t length, int flags) {
    char *end;
    errno = 0;
    long type = strtol(line, &end, 10);
    if (!isdigit((unsigned char)*line) || *end != ' ' || errno != 0 || type < 1) {
        fprintf(stderr, "sender: a line does not begin with a type and a space\n");
        exit(EXIT_FAILURE);
    }
    const char *text = end + 1;
    post(queue, type, text, length - (size_t)(text - line), flags);
}

int main(int argc, char *argv[]) {
    if (argc != 3 || (strcmp(argv[2], "wait") != 0 && strcmp(argv[2], "now") != 0))
        usage();
    int flags = strcmp(argv[2], "now") == 0 ? IPC_NOWAIT : 0;
    int queue = msgget(key_in(argv[1]), 0);
    if (queue == -1)
        die("sender: msgget");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, stdin)) != -1) {
        if (line[length - 1] == '\n')
            length--;
        post_line(queue, line, (size_t)length, flags);
    }
    if (ferror(stdin))
        die("sender: standard input");
    free(line);
    return EXIT_SUCCESS;
}
