/*
 * closer KEY
 *
 * Removes the System V queue under KEY, with all that is in it, and says how it found it.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>

enum { EXIT_USAGE = 2 };

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static key_t key_in(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 ||
        value > UINT_MAX) {
        fprintf(stderr, "usage: closer KEY\n");
        exit(EXIT_USAGE);
    }
    return (key_t)value;
}

int main(int argc, char *argv[]) {
    key_t key = key_in(argc == 2 ? argv[1] : "");
    int queue = msgget(key, 0);
    if (queue == -1)
        die("closer: msgget");
    struct msqid_ds found;
    if (msgctl(queue, IPC_STAT, &found) == -1)
        die("closer: msgctl IPC_STAT");
    if (msgctl(queue, IPC_RMID, NULL) == -1)
        die("closer: msgctl IPC_RMID");
    printf("messages %lu\n", (unsigned long)found.msg_qnum);
    printf("bytes %lu\n", (unsigned long)found.__msg_cbytes);
    printf("limit %lu\n", (unsigned long)found.msg_qbytes);
    printf("last-sender %d\n", found.msg_lspid);
    printf("last-receiver %d\n", found.msg_lrpid);
    return fflush(stdout) == EOF;
}
