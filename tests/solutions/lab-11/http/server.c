/*
 * server PORT FOLDER
 *
 * A process for each connection, which ends with its parent. The kernel keeps paths within FOLDER,
 * by openat2(), and moves the bytes of files, by sendfile().
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REQUEST = 8192, PATIENCE = 2000, AT_ONCE = 1 << 20 };

struct answer {
    int status, file; /* the file is open if the status is 200 */
    off_t length;
    const char *type;
};

static const struct {
    int status;
    const char *words;
} WORDS[] = {{200, "OK"},        {400, "Bad Request"},           {403, "Forbidden"},
             {404, "Not Found"}, {500, "Internal Server Error"}, {501, "Not Implemented"}};

static int folder;

static const char *words_of(int status) {
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (WORDS[i].status == status)
            return WORDS[i].words;
    return "Error";
}

static const char *type_of(const char *path) {
    static const char *const TYPES[][2] = {{".html", "text/html"},
                                           {".txt", "text/plain"},
                                           {".css", "text/css"},
                                           {".js", "text/javascript"},
                                           {".png", "image/png"}};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        size_t end = strlen(TYPES[i][0]), all = strlen(path);
        if (all >= end && strcmp(path + all - end, TYPES[i][0]) == 0)
            return TYPES[i][1];
    }
    return "application/octet-stream";
}

static int hex(char c) {
    const char *digits = "0123456789abcdef0123456789ABCDEF", *at = strchr(digits, c);
    return c == '\0' || at == NULL ? -1 : (int)(at - digits) % 16;
}

/* Decodes the path of n bytes into out, which has room for n + 12. */
static bool decode(const char *in, size_t n, char *out) {
    *out++ = '.';
    for (size_t i = 0; i < n; i++) {
        char c = in[i];
        if (c == '%') {
            int high = i + 2 < n ? hex(in[i + 1]) : -1, low = i + 2 < n ? hex(in[i + 2]) : -1;
            if (high == -1 || low == -1)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return false;
        *out++ = c;
    }
    strcpy(out, out[-1] == '/' ? "index.html" : "");
    return true;
}

static struct answer refuse(int status) {
    return (struct answer){.status = status, .file = -1, .type = "text/plain"};
}

static struct answer find(const char *path) {
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd;
    do
        fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    while (fd == -1 && (errno == EAGAIN || errno == EINTR));
    if (fd == -1) {
        bool here = errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != EIO;
        return refuse(errno == EACCES || errno == EPERM ? 403 : here ? 404 : 500);
    }
    struct stat st;
    if (fstat(fd, &st) == -1)
        return refuse(500);
    if (!S_ISREG(st.st_mode))
        return refuse(404);
    return (struct answer){.status = 200, .file = fd, .length = st.st_size, .type = type_of(path)};
}

/* What the first line, of n bytes, asks for. */
static struct answer consider(const char *line, size_t n) {
    static char path[MAX_REQUEST + 16];
    const char *end = line + n;
    const char *target = memchr(line, ' ', n);
    if (target == NULL || target == line)
        return refuse(400);
    size_t method = (size_t)(target++ - line);
    const char *version = memchr(target, ' ', (size_t)(end - target));
    if (version == NULL || *target != '/')
        return refuse(400);
    const char *query = memchr(target, '?', (size_t)(version - target));
    size_t length = (size_t)((query != NULL ? query : version) - target);
    version++;
    if (end - version != 8 ||
        (memcmp(version, "HTTP/1.0", 8) != 0 && memcmp(version, "HTTP/1.1", 8) != 0) ||
        !decode(target, length, path))
        return refuse(400);
    if (!(method == 3 && memcmp(line, "GET", 3) == 0) &&
        !(method == 4 && memcmp(line, "HEAD", 4) == 0))
        return refuse(501);
    return find(path);
}

static bool discard(int client) {
    static char rest[65536];
    ssize_t n = recv(client, rest, sizeof rest, MSG_DONTWAIT);
    return n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR));
}

/* Waits until the client takes more; what it sends meanwhile is thrown away. */
static void wait_for_room(int client, bool *listens) {
    struct pollfd one = {.fd = client, .events = POLLOUT};
    if (*listens)
        one.events |= POLLIN;
    if (poll(&one, 1, -1) == -1)
        _exit(1);
    if (one.revents & POLLERR)
        _exit(0);
    if (*listens && (one.revents & POLLIN))
        *listens = discard(client);
}

static void answer(int client, struct answer a, bool body) {
    char text[512], note[64];
    int length = 0;
    if (a.status != 200)
        a.length = sprintf(note, "%d %s\n", a.status, words_of(a.status));
    length = sprintf(text, "HTTP/1.0 %d %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\n\r\n",
                     a.status, words_of(a.status), a.type, (long long)a.length);
    if (body && a.status != 200)
        length += sprintf(text + length, "%s", note);

    bool listens = true;
    for (int done = 0; done < length;) {
        ssize_t n = send(client, text + done, (size_t)(length - done), MSG_DONTWAIT);
        if (n == -1 && errno != EAGAIN)
            _exit(0);
        if (n == -1)
            wait_for_room(client, &listens);
        else
            done += (int)n;
    }
    for (off_t at = 0; body && a.status == 200 && at < a.length;) {
        off_t left = a.length - at;
        ssize_t n = sendfile(client, a.file, &at, left < AT_ONCE ? (size_t)left : AT_ONCE);
        if (n == 0 || (n == -1 && errno != EAGAIN))
            _exit(0);
        if (n == -1)
            wait_for_room(client, &listens);
    }
}

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void part(int client) {
    shutdown(client, SHUT_WR);
    long long until = now() + PATIENCE;
    struct pollfd one = {.fd = client, .events = POLLIN};
    for (long long left; (left = until - now()) > 0;)
        if (poll(&one, 1, (int)left) != 1 || !discard(client))
            break;
}

static _Noreturn void serve(int client) {
    static char request[MAX_REQUEST];
    size_t used = 0;
    const char *empty = NULL;
    while (used < sizeof request && empty == NULL) {
        ssize_t n = recv(client, request + used, sizeof request - used, 0);
        if (n == -1 || (n == 0 && used == 0))
            _exit(0);
        if (n == 0)
            break;
        used += (size_t)n;
        empty = memmem(request, used, "\r\n\r\n", 4);
    }
    struct answer a = refuse(400);
    if (empty != NULL) {
        const char *line_end = memmem(request, used, "\r\n", 2);
        a = consider(request, (size_t)(line_end - request));
    }
    int flags = fcntl(client, F_GETFL);
    if (fcntl(client, F_SETFL, flags | O_NONBLOCK) == -1)
        _exit(1);
    answer(client, a, used < 5 || memcmp(request, "HEAD ", 5) != 0);
    part(client);
    _exit(0);
}

int main(int argc, char *argv[]) {
    char *end = NULL;
    long port = argc == 3 && *argv[1] >= '0' && *argv[1] <= '9' ? strtol(argv[1], &end, 10) : 0;
    if (port < 1 || port > UINT16_MAX || *end != '\0') {
        fputs("usage: server PORT FOLDER\n", stderr);
        return 2;
    }
    folder = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder == -1)
        err(1, "%s", argv[2]);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (door == -1 || setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == -1 ||
        bind(door, (struct sockaddr *)&here, sizeof here) == -1 || listen(door, SOMAXCONN) == -1)
        err(1, "port %ld", port);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* nobody has to be waited for */
    pid_t parent = getpid();
    for (;;) {
        int client = accept4(door, NULL, NULL, SOCK_CLOEXEC);
        if (client == -1) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                poll(NULL, 0, 100);
            else if (errno == EBADF || errno == EINVAL)
                err(1, "accept");
            continue;
        }
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent)
                _exit(1);
            close(door);
            serve(client);
        }
        if (child == -1)
            warn("fork");
        close(client);
    }
}
