/*
 * gauge ADDRESS PORT
 *
 * Sends bytes over a TCP connection, as each line of standard input says, and tells what each layer
 * of the kernel has counted meanwhile: system calls, TCP, IP, devices.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* netinet/tcp.h has the same structures, but older ones */
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_COUNT = 10000, MAX_SIZE = 65536, MAX_DEVICES = 16, EXIT_USAGE = 2 };
enum { LOOK_EVERY_MS = 1 };

struct amount {
    unsigned long long number, bytes; /* of calls, segments or packets */
};

struct device {
    char name[IFNAMSIZ];
    struct amount sent;
};

struct layers {
    struct amount tcp, ip;
    size_t devices;
    struct device device[MAX_DEVICES];
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void fail(const char *why) {
    fprintf(stderr, "gauge: %s\n", why);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: gauge ADDRESS PORT\n");
    exit(EXIT_USAGE);
}

/* --- What the layers count --- */

/* Of this connection. */
static struct amount count_tcp(int fd) {
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == -1)
        die("gauge: TCP_INFO");
    return (struct amount){info.tcpi_data_segs_out, info.tcpi_bytes_sent};
}

static FILE *open_table(const char *path) {
    FILE *table = fopen(path, "r");
    if (table == NULL)
        die(path);
    return table;
}

/* The number below a name. Both lines begin with the protocol. */
static unsigned long long number_below(char *names, char *numbers, const char *wanted) {
    char *next_name, *next_number;
    char *name = strtok_r(names, " \n", &next_name);
    char *number = strtok_r(numbers, " \n", &next_number);
    while (name != NULL && number != NULL && strcmp(name, wanted) != 0) {
        name = strtok_r(NULL, " \n", &next_name);
        number = strtok_r(NULL, " \n", &next_number);
    }
    if (name == NULL || number == NULL)
        fail("the kernel does not count what I want to know");
    return strtoull(number, NULL, 10);
}

/* A counter of /proc/net/snmp or netstat: pairs of lines, names above and numbers below. */
static unsigned long long counter(const char *path, const char *protocol, const char *wanted) {
    FILE *table = open_table(path);
    char *names = NULL, *numbers = NULL;
    size_t names_size = 0, numbers_size = 0;
    unsigned long long value = 0;
    bool found = false;
    while (!found && getline(&names, &names_size, table) != -1 &&
           getline(&numbers, &numbers_size, table) != -1) {
        found = strncmp(names, protocol, strlen(protocol)) == 0;
        if (found)
            value = number_below(names, numbers, wanted);
    }
    if (!found)
        fail("the kernel does not count what I want to know");
    free(names);
    free(numbers);
    fclose(table);
    return value;
}

/* Two lines of headings, then a line for each device: its name and a colon, eight numbers about
 * what came in, and of those about what went out bytes and packets first. */
static size_t count_devices(struct device *device) {
    FILE *table = open_table("/proc/net/dev");
    char line[512];
    size_t count = 0;
    for (unsigned row = 0; fgets(line, sizeof line, table) != NULL && count < MAX_DEVICES; row++) {
        struct device *one = &device[count];
        if (row >= 2 && sscanf(line, " %15[^:]: %*u %*u %*u %*u %*u %*u %*u %*u %llu %llu",
                               one->name, &one->sent.bytes, &one->sent.number) == 3)
            count++;
    }
    fclose(table);
    return count;
}

static struct layers count_layers(int fd) {
    struct layers now = {.tcp = count_tcp(fd)};
    now.ip.number = counter("/proc/net/snmp", "Ip:", "OutRequests");
    now.ip.bytes = counter("/proc/net/netstat", "IpExt:", "OutOctets");
    now.devices = count_devices(now.device);
    return now;
}

/* --- Sending --- */

static void set_option(int fd, int option, int value) {
    if (setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value) == -1)
        die("gauge: setsockopt");
}

/* One piece, in one call unless the kernel takes only a part of it. */
static void send_piece(int fd, const char *piece, size_t size, struct amount *calls) {
    while (size > 0) {
        ssize_t sent = send(fd, piece, size, MSG_NOSIGNAL);
        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            die("gauge: send");
        calls->number++;
        calls->bytes += (unsigned long long)sent;
        piece += sent;
        size -= (size_t)sent;
    }
}

/* No event tells that all was acknowledged; that the connection has broken is one, also when none
 * is asked for. */
static void await_acknowledgement(int fd) {
    for (;;) {
        int unacknowledged;
        if (ioctl(fd, SIOCOUTQ, &unacknowledged) == -1)
            die("gauge: SIOCOUTQ");
        if (unacknowledged == 0)
            return;
        struct pollfd broken = {.fd = fd};
        if (poll(&broken, 1, LOOK_EVERY_MS) > 0)
            fail("the connection has broken");
    }
}

static struct amount send_all(int fd, unsigned count, unsigned size, const char *how) {
    static char piece[MAX_SIZE];
    struct amount calls = {0};
    bool cork = strcmp(how, "cork") == 0;
    set_option(fd, TCP_NODELAY, strcmp(how, "nodelay") == 0);
    set_option(fd, TCP_CORK, cork);
    for (unsigned i = 0; i < count; i++)
        send_piece(fd, piece, size, &calls);
    if (cork)
        set_option(fd, TCP_CORK, false); /* what is held back goes now */
    await_acknowledgement(fd);
    return calls;
}

/* --- Telling --- */

static void tell(const char *layer, struct amount amount) {
    if (printf("%s %llu %llu\n", layer, amount.number, amount.bytes) < 0)
        die("gauge: standard output");
}

static struct amount since(struct amount now, struct amount before) {
    return (struct amount){now.number - before.number, now.bytes - before.bytes};
}

/* What was sent since `before`; nothing of a device that sent nothing. */
static void tell_device(const struct device *device, const struct layers *before) {
    struct amount sent = device->sent;
    for (size_t i = 0; i < before->devices; i++)
        if (strcmp(before->device[i].name, device->name) == 0)
            sent = since(sent, before->device[i].sent);
    char layer[sizeof "device " + IFNAMSIZ];
    snprintf(layer, sizeof layer, "device %s", device->name);
    if (sent.number > 0)
        tell(layer, sent);
}

static void tell_all(struct amount calls, const struct layers *before, const struct layers *after) {
    tell("socket", calls);
    tell("tcp", since(after->tcp, before->tcp));
    tell("ip", since(after->ip, before->ip));
    for (size_t i = 0; i < after->devices; i++)
        tell_device(&after->device[i], before);
    if (puts("done") == EOF || fflush(stdout) == EOF)
        die("gauge: standard output");
}

/* --- Together --- */

static bool is_how(const char *word) {
    return strcmp(word, "plain") == 0 || strcmp(word, "nodelay") == 0 || strcmp(word, "cork") == 0;
}

static void obey(int fd, const char *line) {
    unsigned count, size;
    char how[8], more;
    if (sscanf(line, "%5u %5u %7s %c", &count, &size, how, &more) != 3 || count < 1 ||
        count > MAX_COUNT || size < 1 || size > MAX_SIZE || !is_how(how))
        fail("I do not understand: COUNT SIZE plain|nodelay|cork");
    struct layers before = count_layers(fd);
    struct amount calls = send_all(fd, count, size, how);
    struct layers after = count_layers(fd);
    tell_all(calls, &before, &after);
}

static int connect_to(const char *address, const char *port) {
    char *end;
    long number = strtol(port, &end, 10);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1 || end == port || *end != '\0' ||
        number < 1 || number > UINT16_MAX)
        usage();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd == -1)
        die("gauge: socket");
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == -1)
        die("gauge: connect");
    return fd;
}

int main(int argc, char *argv[]) {
    if (argc != 3)
        usage();
    int fd = connect_to(argv[1], argv[2]);
    if (puts("ready") == EOF || fflush(stdout) == EOF)
        die("gauge: standard output");
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) != -1)
        obey(fd, line);
    if (ferror(stdin))
        die("gauge: standard input");
    free(line);
    return close(fd) == -1 ? EXIT_FAILURE : EXIT_SUCCESS;
}
