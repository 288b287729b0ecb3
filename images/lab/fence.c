/*
 * fence - leaves a host's network no way over IPv6 but to its neighbours, then becomes another
 * program.
 *
 *     fence NEIGHBOUR... -- PROGRAM [ARGUMENT...]
 *
 * The engine gives its bridge IPv6 addresses of its own, link-local ones among them, and before
 * release 28 it also gives each container a default route through it, even in a network that leads
 * nowhere: services of the engine's machine, other machines and other labs' hosts can be reached
 * there. Nobody in a host may change routes; we may, once, before anything else runs in this
 * network namespace. What stays is a route to each neighbour, which is one of the addresses given.
 * A reject route would not do: a socket bound to a device with SO_BINDTODEVICE does not see it.
 *
 * Neighbour discovery sends without a route, but what comes in to a multicast group needs one: what
 * stays of ff00::/8 are the groups in which neighbours ask for our own addresses (RFC 4291, 2.7.1).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUTES_MAX = 256, ADDRESS_BITS = 128, GLOBAL_SCOPE = 0, TRIES = 5000 };

struct route {
    struct in6_addr to;
    unsigned bits; /* of the prefix; 0 in a default route */
    unsigned device;
};

static void die(const char *what) {
    fprintf(stderr, "fence: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void read_hex(const char *digits, struct in6_addr *address) {
    for (size_t i = 0; i < sizeof address->s6_addr; i++) {
        unsigned byte;

        if (sscanf(digits + 2 * i, "%2x", &byte) != 1)
            die("/proc/net/ipv6_route");
        address->s6_addr[i] = (uint8_t)byte;
    }
}

/* All routes to more than one address, of all tables, except those of the loopback device:
 * proc_net(5), ipv6_route. */
static size_t read_routes(struct route *routes) {
    FILE *table = fopen("/proc/net/ipv6_route", "r");
    char to[33], name[IF_NAMESIZE];
    unsigned bits;
    size_t count = 0;

    if (!table && errno == ENOENT)
        return 0; /* a kernel without IPv6 */
    if (!table)
        die("/proc/net/ipv6_route");
    while (fscanf(table, "%32s %x %*s %*s %*s %*s %*s %*s %*s %15s", to, &bits, name) == 3) {
        if (bits == ADDRESS_BITS || strcmp(name, "lo") == 0)
            continue;
        if (count == ROUTES_MAX) {
            errno = E2BIG;
            die("too many routes");
        }
        read_hex(to, &routes[count].to);
        routes[count].bits = bits;
        routes[count++].device = if_nametoindex(name);
    }
    if (ferror(table) || fclose(table) == EOF)
        die("/proc/net/ipv6_route");
    return count;
}

static bool is_multicast(const struct route *route) {
    return route->bits > 0 && IN6_IS_ADDR_MULTICAST(&route->to);
}

static bool is_link_local(const struct route *route) {
    return route->bits > 0 && IN6_IS_ADDR_LINKLOCAL(&route->to);
}

static bool has(bool (*is_kind)(const struct route *), unsigned device, const struct route *routes,
                size_t count) {
    for (size_t i = 0; i < count; i++)
        if (routes[i].device == device && is_kind(&routes[i]))
            return true;
    return false;
}

/*
 * A device gets its link-local and multicast routes when its link is found to be up, which may be a
 * moment after we were started. What is not there yet can't be taken away, and would come back.
 */
static size_t await_routes(struct route *routes) {
    const struct timespec moment = {.tv_nsec = 1000 * 1000};

    for (int tries = 0; tries < TRIES; tries++) {
        const size_t count = read_routes(routes);
        bool complete = true;

        for (size_t i = 0; i < count; i++)
            complete = complete && has(is_multicast, routes[i].device, routes, count) &&
                       has(is_link_local, routes[i].device, routes, count);
        if (complete)
            return count;
        nanosleep(&moment, NULL);
    }
    errno = ETIMEDOUT;
    die("a device's link is down");
    return 0;
}

/* A message of rtnetlink(7) about a route; a default route's leaves the last attribute off. */
struct message {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr device_attribute;
    uint32_t device;
    struct rtattr to_attribute;
    struct in6_addr to;
};

/* Send a message and take its acknowledgement. */
static void demand(int netlink, const struct message *message) {
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char echo[sizeof *message];
    } answer;

    if (send(netlink, message, message->header.nlmsg_len, 0) == -1)
        die("rtnetlink");
    if (recv(netlink, &answer, sizeof answer, 0) < (ssize_t)NLMSG_LENGTH(sizeof answer.error)) {
        errno = EPROTO;
        die("rtnetlink");
    }
    if (answer.error.error && answer.error.error != -EEXIST) {
        errno = -answer.error.error;
        die(message->header.nlmsg_type == RTM_NEWROUTE ? "adding a route" : "removing a route");
    }
}

static struct message message_about(const struct route *route) {
    struct message message = {
        .header = {.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .route = {.rtm_family = AF_INET6, .rtm_dst_len = (unsigned char)route->bits},
        .device_attribute = {.rta_len = RTA_LENGTH(sizeof message.device), .rta_type = RTA_OIF},
        .device = route->device,
        .to_attribute = {.rta_len = RTA_LENGTH(sizeof message.to), .rta_type = RTA_DST},
        .to = route->to,
    };

    /* The kernel keeps multicast routes among those to local addresses. */
    message.route.rtm_table = is_multicast(route) ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
    message.header.nlmsg_len =
        route->bits ? sizeof message : offsetof(struct message, to_attribute);
    return message;
}

static void add_route(int netlink, const struct route *route) {
    struct message message = message_about(route);

    message.header.nlmsg_type = RTM_NEWROUTE;
    message.header.nlmsg_flags |= NLM_F_CREATE;
    message.route.rtm_protocol = RTPROT_STATIC;
    message.route.rtm_scope = RT_SCOPE_LINK;
    message.route.rtm_type = RTN_UNICAST;
    demand(netlink, &message);
}

static void remove_route(int netlink, const struct route *route) {
    struct message message = message_about(route);

    message.header.nlmsg_type = RTM_DELROUTE;
    message.route.rtm_scope = RT_SCOPE_NOWHERE; /* of whatever scope */
    demand(netlink, &message);
}

static bool contains(const struct route *route, const struct in6_addr *address) {
    const unsigned bytes = route->bits / 8, rest = route->bits % 8;

    return memcmp(&route->to, address, bytes) == 0 &&
           (!rest || (route->to.s6_addr[bytes] ^ address->s6_addr[bytes]) >> (8 - rest) == 0);
}

/* A route to one neighbour alone, over the device whose network it is in. IPv4 addresses are none
 * of our business. */
static void keep(int netlink, const char *neighbour, const struct route *routes, size_t count) {
    struct route kept = {.bits = ADDRESS_BITS};

    if (inet_pton(AF_INET6, neighbour, &kept.to) != 1)
        return;
    for (size_t i = 0; i < count; i++)
        if (routes[i].bits && contains(&routes[i], &kept.to)) {
            kept.device = routes[i].device;
            add_route(netlink, &kept);
            return;
        }
}

/* Let neighbours ask which device has an address: the group ff02::1:ffXX:XXXX ends in its last 24
 * bits. */
static void keep_group(int netlink, const struct in6_addr *address, unsigned device) {
    struct route group = {.bits = ADDRESS_BITS, .device = device};

    if (inet_pton(AF_INET6, "ff02::1:ff00:0", &group.to) != 1)
        die("inet_pton");
    memcpy(&group.to.s6_addr[13], &address->s6_addr[13], 3);
    add_route(netlink, &group);
}

/* For each address that is not only of its link: proc_net(5), if_inet6. */
static void keep_groups(int netlink) {
    FILE *table = fopen("/proc/net/if_inet6", "r");
    char digits[33], name[IF_NAMESIZE];
    unsigned device, scope;

    if (!table && errno == ENOENT)
        return;
    if (!table)
        die("/proc/net/if_inet6");
    while (fscanf(table, "%32s %x %*s %x %*s %15s", digits, &device, &scope, name) == 4) {
        struct in6_addr address;

        read_hex(digits, &address);
        if (scope == GLOBAL_SCOPE)
            keep_group(netlink, &address, device);
    }
    if (ferror(table) || fclose(table) == EOF)
        die("/proc/net/if_inet6");
}

/* What runs after us changes no routes. */
static void drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (syscall(SYS_capset, &header, none) == -1)
        die("capset");
}

int main(int argc, char **argv) {
    static struct route routes[ROUTES_MAX];
    const size_t count = await_routes(routes);
    int here = 1, netlink;

    netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink == -1)
        die("rtnetlink");
    for (; here < argc && strcmp(argv[here], "--") != 0; here++)
        keep(netlink, argv[here], routes, count);
    keep_groups(netlink);
    for (size_t i = 0; i < count; i++)
        remove_route(netlink, &routes[i]);
    drop_capabilities();
    if (here + 1 >= argc) {
        fputs("usage: fence NEIGHBOUR... -- PROGRAM [ARGUMENT...]\n", stderr);
        return 2;
    }
    execv(argv[here + 1], &argv[here + 1]);
    die(argv[here + 1]);
}
