/*
 * gauge ADDRESS PORT
 *
 * Keeps the kernel's files as texts, one before and one after, and looks numbers up in both only
 * for the report. The acknowledged bytes are those of TCP_INFO, not what is left in the queue.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COUNT = 10000, MAX_SIZE = 65536, CLOSED = 7, DEV_SENT_BYTES = 8 };

typedef unsigned long long u64;

struct snapshot {
    struct tcp_info tcp;
    char *snmp, *netstat, *dev;
};

static int sock;

static char *slurp(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        err(1, "%s", path);
    char *text = NULL;
    size_t room = 0, used = 0;
    for (;;) {
        if (room - used < 4096 && (text = realloc(text, room += 32768)) == NULL)
            err(1, "memory");
        ssize_t n = read(fd, text + used, room - used - 1);
        if (n == -1)
            err(1, "%s", path);
        if (n == 0)
            break;
        used += (size_t)n;
    }
    text[used] = '\0';
    close(fd);
    return text;
}

static struct tcp_info ask_tcp(void) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &size) == -1)
        err(1, "TCP_INFO");
    return info;
}

static void take(struct snapshot *s) {
    s->tcp = ask_tcp();
    s->snmp = slurp("/proc/net/snmp");
    s->netstat = slurp("/proc/net/netstat");
    s->dev = slurp("/proc/net/dev");
}

static void drop(struct snapshot *s) {
    free(s->snmp);
    free(s->netstat);
    free(s->dev);
}

/* The start of the line that begins with head, or of the next such line after from. */
static const char *line_of(const char *from, const char *head) {
    for (const char *line = from; *line != '\0';) {
        if (strncmp(line, head, strlen(head)) == 0)
            return line;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    errx(1, "/proc/net has no line %s", head);
}

/* Two lines with the same head: names in the first one, their numbers in the second. */
static u64 counter(const char *text, const char *head, const char *name) {
    const char *names = line_of(text, head);
    const char *values = line_of(names + strcspn(names, "\n") + 1, head);
    while (*names != '\0' && *names != '\n') {
        size_t n = strcspn(names, " \n");
        if (n == strlen(name) && strncmp(names, name, n) == 0)
            return strtoull(values, NULL, 10);
        names += n;
        names += *names == ' ';
        values += strcspn(values, " \n");
        values += *values == ' ';
    }
    errx(1, "/proc/net has no %s%s", head, name);
}

/* Bytes and packets that a device has sent; a device that is not there has sent none. */
static void device(const char *text, const char *name, size_t length, u64 *bytes, u64 *packets) {
    *bytes = *packets = 0;
    while (*text != '\0') {
        const char *start = text + strspn(text, " ");
        const char *colon = start + strcspn(start, ":\n");
        if (*colon == ':' && (size_t)(colon - start) == length &&
            strncmp(start, name, length) == 0) {
            char *at = (char *)colon + 1;
            for (int i = 0; i < DEV_SENT_BYTES; i++)
                strtoull(at, &at, 10);
            *bytes = strtoull(at, &at, 10);
            *packets = strtoull(at, &at, 10);
            return;
        }
        text = start + strcspn(start, "\n");
        text += *text == '\n';
    }
}

static void report(const struct snapshot *a, const struct snapshot *b, u64 calls, u64 bytes) {
    printf("socket %llu %llu\n", calls, bytes);
    printf("tcp %u %llu\n", b->tcp.tcpi_data_segs_out - a->tcp.tcpi_data_segs_out,
           (u64)(b->tcp.tcpi_bytes_sent - a->tcp.tcpi_bytes_sent));
    printf("ip %llu %llu\n",
           counter(b->snmp, "Ip: ", "OutRequests") - counter(a->snmp, "Ip: ", "OutRequests"),
           counter(b->netstat, "IpExt: ", "OutOctets") -
               counter(a->netstat, "IpExt: ", "OutOctets"));
    for (const char *line = b->dev; *line != '\0';) {
        line += strspn(line, " ");
        size_t n = strcspn(line, ":\n");
        if (line[n] == ':') {
            u64 bytes0, packets0, bytes1, packets1;
            device(a->dev, line, n, &bytes0, &packets0);
            device(b->dev, line, n, &bytes1, &packets1);
            if (packets1 != packets0)
                printf("device %.*s %llu %llu\n", (int)n, line, packets1 - packets0,
                       bytes1 - bytes0);
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    puts("done");
    if (fflush(stdout) == EOF)
        err(1, "standard output");
}

static void set(int option, int value) {
    if (setsockopt(sock, IPPROTO_TCP, option, &value, sizeof value) == -1)
        err(1, "setsockopt");
}

static void measure(unsigned count, unsigned size, bool nodelay, bool cork) {
    static char piece[MAX_SIZE];
    struct snapshot before, after;
    u64 calls = 0, bytes = 0;
    set(TCP_NODELAY, nodelay);
    set(TCP_CORK, cork);
    take(&before);
    for (unsigned i = 0; i < count; i++)
        for (unsigned left = size; left > 0;) {
            struct iovec part = {.iov_base = piece, .iov_len = left};
            ssize_t n = writev(sock, &part, 1);
            if (n == -1)
                err(1, "connection");
            calls++;
            left -= (unsigned)n;
            bytes += (u64)n;
        }
    set(TCP_CORK, 0);
    for (;;) {
        struct tcp_info now = ask_tcp();
        if (now.tcpi_bytes_acked - before.tcp.tcpi_bytes_acked >= bytes)
            break;
        if (now.tcpi_state == CLOSED)
            errx(1, "the connection broke before all was acknowledged");
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    take(&after);
    report(&before, &after, calls, bytes);
    drop(&before);
    drop(&after);
}

/* A decimal number from 1 to max, with the character end behind it; 0 if it is none. */
static unsigned number(const char **text, unsigned max, char end) {
    unsigned value = 0;
    const char *c = *text;
    for (; *c >= '0' && *c <= '9' && value <= max; c++)
        value = value * 10 + (unsigned)(*c - '0');
    if (c == *text || *c != end || value > max)
        return 0;
    *text = c + 1;
    return value;
}

int main(int argc, char *argv[]) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *text = argc == 3 ? argv[2] : "";
    unsigned port = number(&text, UINT16_MAX, '\0');
    if (port == 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
        fputs("usage: gauge ADDRESS PORT\n", stderr);
        return 2;
    }
    to.sin_port = htons((uint16_t)port);
    signal(SIGPIPE, SIG_IGN);
    sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sock == -1 || connect(sock, (struct sockaddr *)&to, sizeof to) == -1)
        err(1, "%s port %u", argv[1], port);
    puts("ready");
    if (fflush(stdout) == EOF)
        err(1, "standard output");

    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while ((n = getline(&line, &room, stdin)) > 0) {
        if (line[n - 1] == '\n')
            line[--n] = '\0';
        const char *at = line;
        unsigned count = number(&at, MAX_COUNT, ' ');
        unsigned size = count != 0 ? number(&at, MAX_SIZE, ' ') : 0;
        bool nodelay = strcmp(at, "nodelay") == 0, cork = strcmp(at, "cork") == 0;
        if (size == 0 || strlen(line) != (size_t)n ||
            (!nodelay && !cork && strcmp(at, "plain") != 0))
            errx(1, "no COUNT SIZE HOW: %s", line);
        measure(count, size, nodelay, cork);
    }
    if (ferror(stdin))
        err(1, "standard input");
    free(line);
    if (close(sock) == -1)
        err(1, "close");
    return 0;
}
