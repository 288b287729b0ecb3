/*
 * plain PATH NAME...
 *
 * A thread for each direction, each with blocking calls. What has been read of a line waits in a
 * buffer until the rest of it has come.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "filter.h"
#include "message.h"

enum { MOST_FILTERS = 16, USAGE = 2, HUNG_UP = 3, ROOM = 65536 };

static int server, count;
static const struct filter *filters[MOST_FILTERS]; /* the last one is nearest to us */
static atomic_bool ended;                          /* the input */

static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* Calls `use` for each line that comes from fd, without its newline, up to the end. */
static void each_line(int fd, void (*use)(char *line, size_t n)) {
    char *room = malloc(ROOM);
    if (room == NULL)
        die("memory");
    for (size_t used = 0; used < ROOM;) {
        ssize_t n = read(fd, room + used, ROOM - used);
        if (n == -1 && (errno == ECONNRESET || errno == EINTR))
            continue; /* the server has not read all of ours; what it has sent comes yet */
        if (n <= 0)
            break;
        used += (size_t)n;
        char *line = room;
        for (char *end; (end = memchr(line, '\n', used - (size_t)(line - room))) != NULL;) {
            use(line, (size_t)(end - line));
            line = end + 1;
        }
        used -= (size_t)(line - room);
        memmove(room, line, used);
    }
    free(room);
}

static void send_down(char *line, size_t n) {
    char contents[CONTENTS + 1]; /* filters make it longer */
    if (n > CONTENTS)
        return;
    memcpy(contents, line, n);
    for (int i = count; i-- > 0;)
        if (!filters[i]->down(contents, &n))
            return;
    contents[n++] = '\n';
    for (size_t done = 0; done < n;) {
        ssize_t more = send(server, contents + done, n - done, MSG_NOSIGNAL);
        if (more == -1)
            return; /* nobody reads any more: dropped */
        done += (size_t)more;
    }
}

static void print_up(char *line, size_t n) {
    for (int i = 0; i < count; i++)
        if (!filters[i]->up(line, &n))
            return;
    printf("data ");
    fwrite(line, 1, n, stdout);
    putchar('\n');
    if (fflush(stdout) == EOF)
        die("standard output");
}

static void *go_down(void *unused) {
    each_line(STDIN_FILENO, send_down);
    ended = true; /* first: the server may be quick */
    shutdown(server, SHUT_WR);
    return unused;
}

int main(int argc, char *argv[]) {
    bool right = argc >= 2 && argc <= 2 + MOST_FILTERS;
    for (int i = 2; i < argc && right; i++) {
        filters[count] = filter_named(argv[i]);
        right = filters[count++] != NULL;
    }
    if (!right) {
        fprintf(stderr, "usage: plain PATH [upper|sum]... (0 to %d)\n", MOST_FILTERS);
        return USAGE;
    }
    server = message_connect(argv[1], SOCK_STREAM);
    if (server == -1)
        die(argv[1]);
    pthread_t other;
    errno = pthread_create(&other, NULL, go_down, NULL);
    if (errno != 0)
        die("plain: thread");
    each_line(server, print_up);
    puts("hangup");
    fflush(stdout);
    _exit(ended ? 0 : HUNG_UP);
}
