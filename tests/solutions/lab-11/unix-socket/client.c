/* client PATH: a thread sends standard input, main prints what comes back. */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fd;
static _Atomic uint64_t sent;
static atomic_bool told;

static void *sender(void *unused) {
    static char buf[32768];
    (void)unused;
    for (;;) {
        ssize_t n = read(STDIN_FILENO, buf, sizeof buf);
        if (n == -1)
            err(1, "standard input");
        if (n == 0)
            break;
        sent += (uint64_t)n;
        for (ssize_t done = 0; done < n;) {
            ssize_t k = send(fd, buf + done, (size_t)(n - done), MSG_NOSIGNAL);
            if (k == -1) {
                shutdown(fd, SHUT_RDWR); /* main prints what is there still, and then sees it */
                return NULL;
            }
            done += k;
        }
    }
    told = true;
    shutdown(fd, SHUT_WR);
    return NULL;
}

int main(int argc, char **argv) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (argc != 2 || argv[1][0] == '\0' || strlen(argv[1]) >= sizeof addr.sun_path) {
        fprintf(stderr, "usage: client PATH (at most %zu bytes)\n", sizeof addr.sun_path - 1);
        return 2;
    }
    strcpy(addr.sun_path, argv[1]);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        err(1, "socket");
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == -1)
        err(1, "connect %s", argv[1]);
    pthread_t id;
    errno = pthread_create(&id, NULL, sender, NULL);
    if (errno != 0)
        err(1, "pthread_create");

    static char buf[32768];
    uint64_t got = 0;
    for (ssize_t n; (n = recv(fd, buf, sizeof buf, 0)) > 0; got += (uint64_t)n)
        for (ssize_t done = 0; done < n;) {
            ssize_t k = write(STDOUT_FILENO, buf + done, (size_t)(n - done));
            if (k == -1)
                err(1, "standard output");
            done += k;
        }
    if (!told)
        errx(3, "the server has closed the connection");
    if (got < sent)
        errx(3, "%ju bytes sent, %ju have come back", (uintmax_t)sent, (uintmax_t)got);
    return 0;
}
