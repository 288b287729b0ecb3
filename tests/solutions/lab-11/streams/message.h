/* The messages of a stream: each is one packet of a SOCK_SEQPACKET socket. Given; leave it as it
 * is. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stddef.h>

enum { CONTENTS = 1000, MOST_FDS = 2 };

enum { DATA = 'D', RELEASE = 'R', HANGUP = 'H', PUSH = 'P', POP = 'O' };

struct message {
    char type;   /* the first byte of the packet */
    size_t size; /* of what follows it */
    char contents[CONTENTS];
    int fd_count; /* descriptors that come along */
    int fds[MOST_FDS];
};

/*
 * A socket of this type, SOCK_SEQPACKET or SOCK_STREAM, that is connected to whoever listens at a
 * path; -1 and errno if there is none.
 */
int message_connect(const char *path, int type);

/* The next two take the flags of send(2), MSG_DONTWAIT perhaps. -1 and errno if there was an error.
 */

/* 0, and the message is on its way; nothing is sent of one that does not fit. Never SIGPIPE. */
int message_send(int fd, const struct message *message, int flags);

/* 1 for a message, 0 when the other end is closed and nothing is left that it sent. */
int message_receive(int fd, struct message *message, int flags);

/* Closes what came along with a message that should have brought nothing. */
void message_close_fds(struct message *message);

#endif
