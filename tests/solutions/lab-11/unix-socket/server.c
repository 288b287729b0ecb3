/* server PATH: a thread for each client, one that accepts them, and main waits for the signal. */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void *serve(void *arg) {
    int fd = (int)(intptr_t)arg;
    char buf[16384];
    for (ssize_t n; (n = recv(fd, buf, sizeof buf, 0)) > 0;) {
        for (ssize_t i = 0; i < n; i++)
            if (buf[i] >= 'a' && buf[i] <= 'z')
                buf[i] = (char)(buf[i] - 'a' + 'A');
        for (ssize_t done = 0; done < n;) {
            ssize_t k = send(fd, buf + done, (size_t)(n - done), MSG_NOSIGNAL);
            if (k == -1)
                goto gone;
            done += k;
        }
    }
gone:
    close(fd);
    return NULL;
}

static void *let_in(void *arg) {
    int listener = (int)(intptr_t)arg;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_t id;
        if (fd == -1) {
            if (errno != EINTR && errno != ECONNABORTED)
                usleep(20000);
        } else if (pthread_create(&id, &attr, serve, (void *)(intptr_t)fd) != 0) {
            close(fd);
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (argc != 2 || argv[1][0] == '\0' || strlen(argv[1]) >= sizeof addr.sun_path) {
        fprintf(stderr, "usage: server PATH (at most %zu bytes)\n", sizeof addr.sun_path - 1);
        return 2;
    }
    strcpy(addr.sun_path, argv[1]);

    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);

    struct stat st;
    if (lstat(argv[1], &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(argv[1]);
    umask(0117);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        err(1, "socket");
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) == -1)
        err(1, "bind %s", argv[1]);
    pthread_t id;
    if (listen(fd, SOMAXCONN) == -1 ||
        (errno = pthread_create(&id, NULL, let_in, (void *)(intptr_t)fd)) != 0) {
        warn("listen");
        unlink(argv[1]);
        return 1;
    }
    int sig;
    while (sigwait(&stop, &sig) != 0)
        ;
    unlink(argv[1]);
    _exit(0);
}
