/*
 * guest PATH leave NAME, guest PATH take NAME COMMAND [ARGUMENT...]
 *
 * The request is gathered from its words by sendmsg(). What comes along with the answer is judged
 * by its length, and all that is not for COMMAND is closed by execvp().
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NAME_LIMIT = 32, ANSWER = 32, NO_ANSWER = 1, USAGE = 2, REFUSED = 3, NO_COMMAND = 127 };

union control {
    char bytes[CMSG_SPACE(sizeof(int))]; /* a second one fits into the padding */
    struct cmsghdr align;
};

static _Noreturn void usage(void) {
    fprintf(stderr, "usage: guest PATH leave NAME\n"
                    "       guest PATH take NAME COMMAND [ARGUMENT...]\n");
    exit(USAGE);
}

static bool is_name(const char *s) {
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    return n >= 1 && n <= NAME_LIMIT && s[n] == '\0';
}

static const char *number(const char *s) {
    if (!isdigit((unsigned char)*s))
        return NULL;
    while (isdigit((unsigned char)*s))
        s++;
    return s;
}

static bool is_owner(const char *text) {
    const char *s = strncmp(text, "ok ", 3) == 0 ? number(text + 3) : NULL;
    s = s != NULL && *s == ' ' ? number(s + 1) : NULL;
    return s != NULL && *s == '\0';
}

int main(int argc, char *argv[]) {
    const bool leave = argc == 4 && strcmp(argv[2], "leave") == 0;
    const bool take = argc > 4 && strcmp(argv[2], "take") == 0;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if ((!leave && !take) || !is_name(argv[3]))
        usage();
    const size_t length = strlen(argv[1]);
    if (length < 1 || length >= sizeof at.sun_path)
        usage();
    memcpy(at.sun_path, argv[1], length);
    const bool abstract = at.sun_path[0] == '@';
    if (abstract)
        at.sun_path[0] = '\0';

    close_range(3, ~0U, 0);
    int keeper = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !abstract);
    if (keeper == -1 || connect(keeper, (struct sockaddr *)&at, size) == -1)
        err(NO_ANSWER, "%s", argv[1]);

    /* The two words and the space between them are gathered by the kernel. */
    union control control = {0};
    struct iovec words[] = {
        {argv[2], strlen(argv[2])},
        {" ", 1},
        {argv[3], strlen(argv[3])},
    };
    struct msghdr request = {.msg_iov = words, .msg_iovlen = 3};
    if (leave) {
        request.msg_control = &control;
        request.msg_controllen = sizeof control;
        *CMSG_FIRSTHDR(&request) = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(int)),
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS,
        };
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&request)), &(int){STDIN_FILENO}, sizeof(int));
    }
    if (sendmsg(keeper, &request, MSG_NOSIGNAL) == -1)
        err(NO_ANSWER, "%s", argv[2]);

    char text[ANSWER + 1];
    struct iovec all = {text, ANSWER};
    struct msghdr answer = {
        .msg_iov = &all,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n = recvmsg(keeper, &answer, MSG_CMSG_CLOEXEC);
    if (n == -1)
        err(NO_ANSWER, "no answer");
    text[n] = '\0';
    struct cmsghdr *with = CMSG_FIRSTHDR(&answer);
    const bool one = with != NULL && with->cmsg_level == SOL_SOCKET &&
                     with->cmsg_type == SCM_RIGHTS && with->cmsg_len == CMSG_LEN(sizeof(int));
    const bool whole =
        (answer.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && strlen(text) == (size_t)n;

    if (whole && with == NULL) {
        static const char *const refusals[] = {"none", "used", "full", "bad"};
        if (leave && strcmp(text, "ok") == 0)
            return 0;
        for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
            if (strcmp(text, refusals[i]) == 0)
                errx(REFUSED, "%s: %s", argv[3], text);
    }
    if (!take || !whole || !one || !is_owner(text))
        errx(NO_ANSWER, "that is no answer");

    int fd;
    memcpy(&fd, CMSG_DATA(with), sizeof fd);
    if (fd == STDIN_FILENO ? fcntl(fd, F_SETFD, 0) == -1 : dup2(fd, STDIN_FILENO) == -1)
        err(1, "standard input");
    if (printf("%s\n", text + 3) < 0 || fflush(stdout) == EOF)
        err(1, "standard output");
    execvp(argv[4], argv + 4);
    err(NO_COMMAND, "%s", argv[4]);
}
