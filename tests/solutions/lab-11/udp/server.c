/*
 * server PORT: numbers lines that come in datagrams. It answers from the very address that a client
 * has asked (IP_PKTINFO), whichever of the host's that is; clients are kept in the tree of
 * tsearch(3), as many as come; a line is printed by one writev().
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <search.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAX_TEXT = 1000 };

struct client {
    uint32_t name, number, line; /* of its last request; line is in network order */
};

struct request {
    uint32_t client, number; /* in network order */
    char text[MAX_TEXT];
};

static int by_name(const void *a, const void *b) {
    const struct client *x = a, *y = b;
    return (x->name > y->name) - (x->name < y->name);
}

static void print(uint32_t line, char *text, size_t length) {
    char head[16];
    struct iovec parts[] = {{.iov_base = head, .iov_len = (size_t)sprintf(head, "%u ", line)},
                            {.iov_base = text, .iov_len = length},
                            {.iov_base = "\n", .iov_len = 1}};
    ssize_t all = (ssize_t)(parts[0].iov_len + length + 1);
    ssize_t done;
    while ((done = writev(STDOUT_FILENO, parts, 3)) == -1 && errno == EINTR)
        ;
    if (done != all)
        err(1, "standard output");
}

/* What to answer: the client, as it is known now. NULL when there is no answer. */
static const struct client *take(struct request *request, size_t length) {
    static void *clients;
    static uint32_t lines;
    static struct client *spare;

    if (spare == NULL && (spare = malloc(sizeof *spare)) == NULL)
        err(1, "malloc");
    *spare = (struct client){.name = request->client};
    uint32_t number = ntohl(request->number);
    struct client **found = tfind(spare, &clients, by_name);
    struct client *client = found == NULL ? spare : *found;
    if (found != NULL && number == client->number)
        return client;
    if (number != client->number + 1 || number == 0 || memchr(request->text, '\n', length) != NULL)
        return NULL;
    if (found == NULL) {
        if (tsearch(client, &clients, by_name) == NULL)
            err(1, "tsearch");
        spare = NULL;
    }
    client->number = number;
    client->line = htonl(++lines);
    print(lines, request->text, length);
    return client;
}

int main(int argc, char **argv) {
    char *end = "?";
    long port = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (*end != '\0' || port < 1 || port > UINT16_MAX) {
        fprintf(stderr, "usage: server PORT   (1 to 65535)\n");
        return 2;
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (fd == -1 || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &(int){1}, sizeof(int)) == -1 ||
        bind(fd, (struct sockaddr *)&any, sizeof any) == -1)
        err(1, "port %ld", port);

    for (;;) {
        struct request request;
        struct sockaddr_in from;
        union {
            struct cmsghdr head;
            char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
        } control;
        struct iovec part = {.iov_base = &request, .iov_len = sizeof request};
        struct msghdr message = {.msg_name = &from,
                                 .msg_namelen = sizeof from,
                                 .msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof control};
        ssize_t n = recvmsg(fd, &message, 0);
        if (n == -1 && errno != EINTR)
            err(1, "recvmsg");
        const size_t least = offsetof(struct request, text);
        if (n < (ssize_t)least || (message.msg_flags & MSG_TRUNC))
            continue;
        const struct client *answer = take(&request, (size_t)n - least);
        if (answer == NULL)
            continue;

        uint32_t words[] = {answer->name, htonl(answer->number), answer->line};
        part = (struct iovec){.iov_base = words, .iov_len = sizeof words};
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        if (head != NULL && head->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(head);
            info->ipi_ifindex = 0; /* any way will do; ipi_spec_dst is who was asked */
        }
        message.msg_flags = 0;
        sendmsg(fd, &message, 0); /* what is not sent is lost like any other datagram */
    }
}
