#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* Room for the descriptors, where a struct cmsghdr may stand. */
union control {
    char room[CMSG_SPACE(MOST_FDS * sizeof(int))];
    struct cmsghdr align;
};

int message_connect(const char *path, int type) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, type, 0);
    if (fd != -1 && connect(fd, (struct sockaddr *)&address, sizeof address) == -1) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

int message_send(int fd, const struct message *message, int flags) {
    struct iovec parts[] = {{(void *)&message->type, 1},
                            {(void *)message->contents, message->size}};
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};
    union control control = {0};
    size_t fds_size = (size_t)message->fd_count * sizeof(int);
    if (fds_size > 0) {
        header.msg_control = control.room;
        header.msg_controllen = CMSG_SPACE(fds_size);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds_size);
        memcpy(CMSG_DATA(rights), message->fds, fds_size);
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &header, flags | MSG_NOSIGNAL);
    while (sent == -1 && errno == EINTR);
    return sent == -1 ? -1 : 0;
}

static void take_fds(struct message *message, struct msghdr *header) {
    message->fd_count = 0;
    struct cmsghdr *rights = CMSG_FIRSTHDR(header);
    if (rights == NULL || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)
        return;
    size_t fds_size = rights->cmsg_len - CMSG_LEN(0);
    memcpy(message->fds, CMSG_DATA(rights), fds_size);
    message->fd_count = (int)(fds_size / sizeof(int));
}

int message_receive(int fd, struct message *message, int flags) {
    struct iovec parts[] = {{&message->type, 1}, {message->contents, CONTENTS}};
    union control control;
    struct msghdr header;
    ssize_t got;
    /*
     * ECONNRESET says that the other end was closed with messages of ours unread. It is told once,
     * before what is still there from that end: not the end, but the reason for it.
     */
    do {
        header = (struct msghdr){.msg_iov = parts, .msg_iovlen = 2};
        header.msg_control = control.room;
        header.msg_controllen = sizeof control.room;
        got = recvmsg(fd, &header, flags);
    } while (got == -1 && (errno == EINTR || errno == ECONNRESET));
    if (got <= 0)
        return (int)got;
    message->size = (size_t)got - 1;
    take_fds(message, &header);
    return 1;
}

void message_close_fds(struct message *message) {
    while (message->fd_count > 0)
        close(message->fds[--message->fd_count]);
}
