/*
 * guest PATH leave NAME
 * guest PATH take NAME COMMAND [ARGUMENT...]
 *
 * Leaves its standard input with the keeper at PATH, or takes what somebody has left, and executes
 * COMMAND with that as its standard input.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DIGITS "0123456789"
#define NAME_CHARACTERS DIGITS "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum {
    LONGEST_NAME = 32,
    LONGEST_REQUEST = sizeof "leave " - 1 + LONGEST_NAME,
    LONGEST_ANSWER = 32,
    EXIT_USAGE = 2,
    EXIT_REFUSED = 3,
    EXIT_NO_COMMAND = 127
};

/* What the keeper said. */
struct answer {
    char text[LONGEST_ANSWER + 1];
    int fd; /* -1 when none came with it */
};

static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static _Noreturn void misunderstood(void) {
    fprintf(stderr, "guest: the keeper's answer makes no sense\n");
    exit(EXIT_FAILURE);
}

static _Noreturn void usage(void) {
    fprintf(stderr, "usage: guest PATH leave NAME\n"
                    "       guest PATH take NAME COMMAND [ARGUMENT...]\n"
                    "with a NAME of at most 32 letters, digits, - and _\n");
    exit(EXIT_USAGE);
}

/* An abstract name has no NUL at its end, but one in front, and every byte counts. */
static socklen_t make_address(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path)
        usage();
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, length);
    if (path[0] != '@')
        return sizeof *address;
    address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static int connect_to(const char *path) {
    struct sockaddr_un address;
    socklen_t length = make_address(path, &address);
    int keeper = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (keeper == -1)
        die("guest: socket");
    if (connect(keeper, (struct sockaddr *)&address, length) == -1)
        die("guest: connect");
    return keeper;
}

/* Sends one packet; with it goes the descriptor `fd`, if not -1. */
static void ask(int keeper, const char *verb, const char *name, int fd) {
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    char text[LONGEST_REQUEST + 1];
    int length = snprintf(text, sizeof text, "%s %s", verb, name);
    struct iovec bytes = {text, (size_t)length};
    struct msghdr header = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (fd != -1) {
        header.msg_control = &control;
        header.msg_controllen = sizeof control;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    if (sendmsg(keeper, &header, MSG_NOSIGNAL) == -1)
        die("guest: sendmsg");
}

/* The descriptor that came with a packet, -1 for none. More than one were not agreed upon. */
static int only_descriptor(struct msghdr *header) {
    struct cmsghdr *rights = CMSG_FIRSTHDR(header);
    if (rights == NULL)
        return -1;
    if (rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(sizeof(int)))
        misunderstood();
    int fd;
    memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    return fd;
}

static struct answer hear(int keeper) {
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct answer answer;
    struct iovec text = {answer.text, LONGEST_ANSWER};
    struct msghdr header = {.msg_iov = &text,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control};
    ssize_t length;
    do /* close-on-exec: COMMAND gets it as its standard input, and nowhere else */
        length = recvmsg(keeper, &header, MSG_CMSG_CLOEXEC);
    while (length == -1 && errno == EINTR);
    if (length == -1)
        die("guest: recvmsg");
    if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || memchr(answer.text, '\0', (size_t)length))
        misunderstood();
    answer.text[length] = '\0'; /* length 0, an empty packet or the end, is an empty text */
    answer.fd = only_descriptor(&header);
    return answer;
}

static bool is_refusal(const struct answer *answer) {
    static const char *const refusals[] = {"none", "used", "full", "bad"};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (answer->fd == -1 && strcmp(answer->text, refusals[i]) == 0)
            return true;
    return false;
}

/* Whether this is what a descriptor is handed over with: `ok UID PID`. */
static bool is_handover(const struct answer *answer) {
    if (answer->fd == -1 || strncmp(answer->text, "ok ", 3) != 0)
        return false;
    const char *uid = answer->text + 3, *space = uid + strspn(uid, DIGITS), *pid = space + 1;
    return space > uid && *space == ' ' && *pid != '\0' && pid[strspn(pid, DIGITS)] == '\0';
}

static void check_refusal(const char *name, const struct answer *answer) {
    if (!is_refusal(answer))
        return;
    fprintf(stderr, "guest: %s: the keeper says: %s\n", name, answer->text);
    exit(EXIT_REFUSED);
}

static void leave(int keeper, const char *name) {
    ask(keeper, "leave", name, STDIN_FILENO);
    struct answer answer = hear(keeper);
    check_refusal(name, &answer);
    if (answer.fd != -1 || strcmp(answer.text, "ok") != 0)
        misunderstood();
}

static _Noreturn void take(int keeper, const char *name, char *command[]) {
    ask(keeper, "take", name, -1);
    struct answer answer = hear(keeper);
    check_refusal(name, &answer);
    if (!is_handover(&answer))
        misunderstood();
    /* Now: what is in the buffers of stdio does not outlive execvp(). */
    if (printf("%s\n", answer.text + strlen("ok ")) < 0 || fflush(stdout) == EOF)
        die("guest: standard output");
    if (dup2(answer.fd, STDIN_FILENO) == -1)
        die("guest: dup2");
    execvp(command[0], command);
    perror(command[0]);
    exit(EXIT_NO_COMMAND);
}

int main(int argc, char *argv[]) {
    bool leaves = argc == 4 && strcmp(argv[2], "leave") == 0;
    bool takes = argc > 4 && strcmp(argv[2], "take") == 0;
    if (!leaves && !takes)
        usage();
    const char *name = argv[3];
    size_t length = strlen(name);
    if (length == 0 || length > LONGEST_NAME || strspn(name, NAME_CHARACTERS) != length)
        usage();
    int keeper = connect_to(argv[1]);
    if (takes)
        take(keeper, name, argv + 4);
    leave(keeper, name);
    return EXIT_SUCCESS;
}
