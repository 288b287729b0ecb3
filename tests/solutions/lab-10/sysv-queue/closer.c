/*
 * closer KEY: removes a System V queue and says how it found it. The five lines are a table of
 * names and numbers, written by one dprintf() each.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char *end = NULL;
    unsigned long key = 0;
    errno = 0;
    if (argc == 2 && *argv[1] >= '0' && *argv[1] <= '9')
        key = strtoul(argv[1], &end, 0);
    if (end == NULL || *end != '\0' || errno != 0 || key < 1 || key > UINT_MAX) {
        fprintf(stderr, "usage: closer KEY\n");
        return 2;
    }

    int id = msgget((key_t)key, 0);
    struct msqid_ds was;
    if (id == -1)
        err(1, "msgget");
    if (msgctl(id, IPC_STAT, &was) == -1 || msgctl(id, IPC_RMID, NULL) == -1)
        err(1, "msgctl");

    const struct {
        const char *name;
        unsigned long value;
    } lines[] = {
        {"messages", was.msg_qnum},
        {"bytes", was.msg_cbytes},
        {"limit", was.msg_qbytes},
        {"last-sender", (unsigned long)was.msg_lspid},
        {"last-receiver", (unsigned long)was.msg_lrpid},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (dprintf(STDOUT_FILENO, "%s %lu\n", lines[i].name, lines[i].value) < 0)
            err(1, "standard output");
    return 0;
}
