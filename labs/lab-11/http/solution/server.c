/*
 * server PORT FOLDER
 *
 * Serves the files of FOLDER over HTTP/1.0: a connection is one request and its answer. Each client
 * has a thread, which may wait as long as it likes without holding up the others.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MAX_HEAD = 8192, PIECE = 65536, LINGER_S = 2, EXIT_USAGE = 2 };
enum {
    OK = 200,
    BAD_REQUEST = 400,
    FORBIDDEN = 403,
    NOT_FOUND = 404,
    SERVER_ERROR = 500,
    NOT_IMPLEMENTED = 501
};

struct request {
    bool head;                /* only the head of the answer is wanted */
    char path[MAX_HEAD + 16]; /* below the folder, without a slash in front; room for index.html */
};

struct file {
    int fd;
    off_t size;
};

static int folder; /* what is served */

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* ---- the request ---- */

/*
 * Receives up to the empty line; false when the client ends before it, or has sent MAX_HEAD bytes
 * without one. What is in `head` then is a string.
 */
static bool receive_head(int client, char head[MAX_HEAD + 1], size_t *length) {
    *length = 0;
    while (*length < MAX_HEAD) {
        ssize_t received = recv(client, head + *length, MAX_HEAD - *length, 0);
        if (received <= 0)
            return false;
        *length += (size_t)received;
        head[*length] = '\0';
        /* The empty line may have come in two pieces: look from the beginning. */
        if (memmem(head, *length, "\r\n\r\n", 4) != NULL)
            return true;
    }
    return false;
}

static int hex_digit(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    return found == NULL ? -1 : (int)(found - digits);
}

/* Puts the bytes in place of their %XX; false when two digits are missing or make a NUL. */
static bool decode(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        char byte = *from;
        if (byte == '%') {
            int high = hex_digit(from[1]), low = high == -1 ? -1 : hex_digit(from[2]);
            if (low == -1 || (high == 0 && low == 0))
                return false;
            byte = (char)(high << 4 | low);
            from += 2;
        }
        *to++ = byte;
    }
    *to = '\0';
    return true;
}

/* The path below the folder that a target such as /a%20b/?q means; false when it means none. */
static bool take_path(const char *target, char *path) {
    if (target[0] != '/')
        return false;
    size_t length = strcspn(target, "?");
    memcpy(path, target + 1, length - 1);
    path[length - 1] = '\0';
    if (!decode(path))
        return false;
    length = strlen(path);
    if (length == 0 || path[length - 1] == '/')
        strcpy(path + length, "index.html");
    return true;
}

/* Cuts the word up to `end` off a line; NULL when `end` is not there, or the word is empty. */
static char *word(char **line, const char *end) {
    char *begin = *line, *stop = strstr(begin, end);
    if (stop == NULL || stop == begin)
        return NULL;
    *stop = '\0';
    *line = stop + strlen(end);
    return begin;
}

/* What is asked for in the first line of `head`, METHOD TARGET VERSION; or what is wrong with it.
 */
static int understand(char *head, size_t length, struct request *request) {
    char *line = head;
    char *end = strstr(head, "\r\n");
    if (end == NULL || strlen(head) < length) /* a NUL would hide what comes after it */
        return BAD_REQUEST;
    end[2] = '\0';
    char *method = word(&line, " "), *target = word(&line, " "), *version = word(&line, "\r\n");
    if (method == NULL || target == NULL || version == NULL)
        return BAD_REQUEST;
    if (strcmp(version, "HTTP/1.0") != 0 && strcmp(version, "HTTP/1.1") != 0)
        return BAD_REQUEST;
    if (!take_path(target, request->path))
        return BAD_REQUEST;
    request->head = strcmp(method, "HEAD") == 0;
    return request->head || strcmp(method, "GET") == 0 ? OK : NOT_IMPLEMENTED;
}

/* ---- the file ---- */

/*
 * Opens what `path` names below the folder. The kernel follows neither `..` nor a link out of it
 * (RESOLVE_BENEATH): between a test of ours and an open() the files could have changed.
 */
static int open_beneath(const char *path) {
    /* O_NONBLOCK: the open() of a FIFO would wait for somebody who writes to it. */
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

static int status_for(int error) {
    switch (error) {
    case EACCES:
        return FORBIDDEN;
    case EMFILE: /* it may well be there: it is we who have no room */
    case ENFILE:
    case ENOMEM:
        return SERVER_ERROR;
    default:
        return NOT_FOUND;
    }
}

static int find(const char *path, struct file *file) {
    struct stat status;
    file->fd = open_beneath(path);
    if (file->fd == -1)
        return status_for(errno);
    if (fstat(file->fd, &status) == -1 || !S_ISREG(status.st_mode)) {
        close(file->fd);
        return NOT_FOUND;
    }
    file->size = status.st_size;
    return OK;
}

static const char *type_of(const char *path) {
    static const char *const types[][2] = {
        {".html", "text/html"},     {".txt", "text/plain"}, {".css", "text/css"},
        {".js", "text/javascript"}, {".png", "image/png"},
    };
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(ending, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

/* ---- the answer ---- */

static bool send_all(int client, const char *next, size_t length, int flags) {
    while (length > 0) {
        /* One client that has gone must not end us: no SIGPIPE, but EPIPE. */
        ssize_t sent = send(client, next, length, flags | MSG_NOSIGNAL);
        if (sent == -1)
            return false;
        next += sent;
        length -= (size_t)sent;
    }
    return true;
}

static const char *reason(int status) {
    switch (status) {
    case OK:
        return "OK";
    case BAD_REQUEST:
        return "Bad Request";
    case FORBIDDEN:
        return "Forbidden";
    case NOT_FOUND:
        return "Not Found";
    case NOT_IMPLEMENTED:
        return "Not Implemented";
    default:
        return "Internal Server Error";
    }
}

static bool send_head(int client, int status, const char *type, off_t length) {
    char head[256];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.0 %d %s\r\nContent-Type: %s\r\nContent-Length: %jd\r\n\r\n", status,
                        reason(status), type, (intmax_t)length);
    /* MSG_MORE: the body follows, let both travel together. It does not hold back for long. */
    return send_all(client, head, (size_t)size, MSG_MORE);
}

/* As many bytes as were announced, though the file may have grown meanwhile, or shrunk. */
static void send_file(int client, struct file file) {
    char piece[PIECE];
    while (file.size > 0) {
        size_t most = file.size < PIECE ? (size_t)file.size : PIECE;
        ssize_t got = read(file.fd, piece, most);
        if (got <= 0 || !send_all(client, piece, (size_t)got, 0))
            return; /* the client will miss the rest */
        file.size -= got;
    }
}

static void refuse(int client, int status, bool head) {
    const char *text = reason(status);
    if (send_head(client, status, "text/plain", (off_t)strlen(text)) && !head)
        send_all(client, text, strlen(text), 0);
}

static void answer(int client) {
    char head[MAX_HEAD + 1];
    struct request request = {.head = false};
    struct file file;
    size_t length;
    int status = BAD_REQUEST;
    if (receive_head(client, head, &length))
        status = understand(head, length, &request);
    else if (length == 0)
        return; /* it has asked for nothing */
    if (status == OK)
        status = find(request.path, &file);
    if (status != OK) {
        refuse(client, status, request.head);
        return;
    }
    if (send_head(client, OK, type_of(request.path), file.size) && !request.head)
        send_file(client, file);
    close(file.fd);
}

/*
 * Ends the connection. A close() with bytes of the client's unread is a reset, which may overtake
 * the answer and take it from the client: say that nothing more comes, and wait until it goes.
 */
static void hang_up(int client) {
    char unread[4096];
    const struct timeval patience = {.tv_sec = LINGER_S};
    time_t deadline = time(NULL) + LINGER_S;
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (shutdown(client, SHUT_WR) == 0)
        while (time(NULL) < deadline && recv(client, unread, sizeof unread, 0) > 0)
            ;
    close(client);
}

/* ---- the clients ---- */

static void *serve(void *argument) {
    int client = *(int *)argument;
    free(argument);
    answer(client);
    hang_up(client);
    return NULL;
}

/* Gives the client a thread; without the means to do so it is the client that has to go. */
static void take_in(int client, const pthread_attr_t *detached) {
    pthread_t thread;
    int *argument = malloc(sizeof *argument); /* one for each: the next accept() comes soon */
    if (argument != NULL) {
        *argument = client;
        if (pthread_create(&thread, detached, serve, argument) == 0)
            return;
        free(argument);
    }
    fprintf(stderr, "server: no thread for a client\n");
    close(client);
}

static uint16_t port_number(const char *text) {
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || port < 1 || port > UINT16_MAX) {
        fprintf(stderr, "server: PORT is a number from 1 to 65535\n");
        exit(EXIT_USAGE);
    }
    return (uint16_t)port;
}

static int listen_on(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_ANY); /* every address of this host */
    const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        die("server: socket");
    /* We close first, so our end stays in TIME_WAIT for a minute: it must not keep the next one
     * out. */
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        die("server: setsockopt");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        die("server: bind");
    if (listen(listener, SOMAXCONN) == -1)
        die("server: listen");
    return listener;
}

int main(int argc, char *argv[]) {
    if (argc != 3) {
        fprintf(stderr, "usage: server PORT FOLDER\n");
        return EXIT_USAGE;
    }
    uint16_t port = port_number(argv[1]);
    folder = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder == -1)
        die("server: FOLDER");
    pthread_attr_t detached; /* nobody waits for the threads */
    if (pthread_attr_init(&detached) != 0 ||
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) != 0)
        die("server: pthread_attr");

    int listener = listen_on(port);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client != -1) {
            take_in(client, &detached);
        } else {
            perror("server: accept"); /* out of descriptors, say: some client will leave */
            sleep(1);
        }
    }
}
