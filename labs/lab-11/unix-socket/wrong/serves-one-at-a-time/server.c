/*
 * server PATH
 *
 * Listens on a Unix socket, sends each client its own bytes back in upper case as they come, and
 * removes the socket file when SIGTERM or SIGINT ends it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER_BYTES = 65536, EXIT_USAGE = 2 };

static volatile sig_atomic_t stopped;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void note_signal(int signo) {
    (void)signo;
    stopped = 1;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = note_signal};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) == -1 || sigaction(SIGINT, &action, NULL) == -1)
        die("server: sigaction");
}

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "server: PATH is longer than a socket address\n");
        exit(EXIT_USAGE);
    }
    strcpy(address.sun_path, path);
    return address;
}

/* A listening socket with the name PATH, in the place of one that an earlier server left. */
static int listen_at(const char *path) {
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener == -1)
        die("server: socket");
    if (unlink(path) == -1 && errno != ENOENT) /* bind() never takes a name that exists */
        die("server: unlink");
    mode_t before = umask(0117); /* bind() makes the file with mode 0777 less the umask: 0660 */
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("server: bind");
    umask(before);
    if (listen(listener, SOMAXCONN) == -1)
        die("server: listen");
    return listener;
}

static void to_upper(char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 'a' + 'A');
}

static bool send_all(int fd, const char *text, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
        if (sent == -1)
            return false;
        text += sent;
        length -= (size_t)sent;
    }
    return true;
}

static void talk(int fd) {
    static char text[BUFFER_BYTES];
    ssize_t length;
    while ((length = recv(fd, text, sizeof text, 0)) > 0) {
        to_upper(text, (size_t)length);
        if (!send_all(fd, text, (size_t)length))
            return;
    }
}

static void serve(int listener) {
    while (!stopped) {
        int fd = accept(listener, NULL, NULL);
        if (fd == -1)
            continue;
        talk(fd);
        close(fd);
    }
}

int main(int argc, char *argv[]) {
    if (argc != 2) {
        fprintf(stderr, "usage: server PATH\n");
        return EXIT_USAGE;
    }
    catch_signals();
    int listener = listen_at(argv[1]);
    serve(listener);
    if (unlink(argv[1]) == -1)
        die("server: unlink");
    return stopped ? EXIT_SUCCESS : EXIT_FAILURE;
}
