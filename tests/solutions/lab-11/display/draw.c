/*
 * draw socket|memory [HOST]:N X Y
 *
 * Listens while it talks: whatever the server says meanwhile is taken off the socket at once. The
 * segment is marked for removal before the server hears of it, so that nothing has to clean up.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "x11.h"

enum { MAX_DISPLAY = 999, MAX_PLACE = 9999, MAX_SIDE = 2000 };

static int server;
static uint32_t root, gc, segment, max_request;
static struct said answer; /* the last one */
static unsigned answers, errors;
static bool may_fail; /* an error is an answer to ShmAttach */

static _Noreturn void usage(void) {
    fputs("usage: draw socket|memory [HOST]:N X Y < PICTURES\n", stderr);
    exit(2);
}

static unsigned number(const char *text, unsigned max) {
    unsigned value = 0;
    const char *c = text;
    for (; isdigit((unsigned char)*c) && value <= max; c++)
        value = value * 10 + (unsigned)(*c - '0');
    if (c == text || *c != '\0' || value > max)
        usage();
    return value;
}

/* --- The connection --- */

static void call_unix(unsigned display) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int n = snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "/tmp/.X11-unix/X%u", display);
    server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server == -1 ||
        connect(server, (struct sockaddr *)&to,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == -1)
        err(1, "display %u", display);
}

static void call_tcp(const char *host, unsigned display) {
    char port[16];
    sprintf(port, "%u", TCP_PORT + display);
    struct addrinfo *all, want = {.ai_socktype = SOCK_STREAM};
    int error = getaddrinfo(host, port, &want, &all);
    if (error != 0)
        errx(1, "%s: %s", host, gai_strerror(error));
    server = -1;
    for (struct addrinfo *a = all; a != NULL && server == -1; a = a->ai_next) {
        server = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (server != -1 && connect(server, a->ai_addr, a->ai_addrlen) == -1) {
            int why = errno;
            close(server);
            server = -1;
            errno = why;
        }
    }
    if (server == -1)
        err(1, "%s, port %s", host, port);
    freeaddrinfo(all);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* Takes what the server has said, as far as it is there. */
static void hear(void) {
    static union {
        struct said said;
        char bytes[sizeof(struct said)];
    } in;
    static size_t used;
    static size_t skip; /* of what follows an answer */
    char pieces[4096];
    ssize_t n = recv(server, pieces, sizeof pieces, MSG_DONTWAIT);
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n == -1)
        err(1, "server");
    if (n == 0)
        errx(1, "the server has closed the connection");
    for (size_t at = 0; at < (size_t)n;) {
        size_t left = (size_t)n - at;
        if (skip > 0) {
            size_t part = left < skip ? left : skip;
            skip -= part;
            at += part;
        } else {
            size_t part = left < sizeof in - used ? left : sizeof in - used;
            memcpy(in.bytes + used, pieces + at, part);
            at += part;
            used += part;
            if (used < sizeof in)
                continue;
            used = 0;
            if (in.said.code == SAYS_ANSWER)
                skip = 4 * (size_t)in.said.length;
            if (in.said.code == SAYS_ERROR && !may_fail)
                errx(1, "the server answers with error %u", in.said.error);
            if (in.said.code == SAYS_ERROR)
                errors++;
        }
        if (skip == 0 && used == 0 && in.said.code == SAYS_ANSWER) {
            answer = in.said;
            answers++;
            in.said.code = UINT8_MAX;
        }
    }
}

static void wait_for(short events) {
    struct pollfd one = {.fd = server, .events = events};
    if (poll(&one, 1, -1) == -1 && errno != EINTR)
        err(1, "poll");
    if (one.revents & (POLLIN | POLLHUP | POLLERR))
        hear();
}

/* Says a request, and bytes that belong to it. */
static void say(const void *request, size_t size, const void *more, size_t more_size) {
    struct iovec parts[] = {{(void *)request, size}, {(void *)more, more_size}};
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t n = sendmsg(server, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n == -1 && errno != EAGAIN && errno != EINTR)
            err(1, "server");
        if (n == -1) {
            wait_for(POLLIN | POLLOUT);
            continue;
        }
        for (int i = 0; i < 2; i++) {
            size_t part = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + part;
            parts[i].iov_len -= part;
            n -= (ssize_t)part;
        }
    }
}

static void await_answer(unsigned before) {
    while (answers == before)
        wait_for(POLLIN);
}

static void until_done(void) {
    unsigned before = answers;
    struct get_input_focus ask = {.opcode = GET_INPUT_FOCUS, .length = 1};
    say(&ask, sizeof ask, NULL, 0);
    await_answer(before);
}

/* --- The introduction --- */

static void get(void *to, size_t n) {
    ssize_t done = n == 0 ? 0 : recv(server, to, n, MSG_WAITALL);
    if (done == -1)
        err(1, "server");
    if ((size_t)done != n)
        errx(1, "the server has closed the connection");
}

static void introduce(void) {
    struct setup_request hello = {.byte_order = 'l', .major = 11};
    say(&hello, sizeof hello, NULL, 0);
    struct setup_reply reply;
    get(&reply, sizeof reply);
    size_t n = 4 * (size_t)reply.length;
    char *all = malloc(n + 1);
    if (all == NULL)
        err(1, "memory");
    get(all, n);
    if (reply.status != SETUP_ACCEPTED)
        errx(1, "the server says: %.*s", (int)(reply.reason_length < n ? reply.reason_length : n),
             all);
    struct setup setup;
    if (n < sizeof setup)
        errx(1, "the server's introduction is too short");
    memcpy(&setup, all, sizeof setup);
    size_t formats = sizeof setup + (setup.vendor_length + 3u) / 4 * 4;
    size_t screens = formats + setup.formats * sizeof(struct format);
    struct screen screen;
    if (setup.screens < 1 || n < screens + sizeof screen)
        errx(1, "the server's introduction is too short");
    bool bits = false;
    for (size_t i = 0; i < setup.formats; i++) {
        struct format f;
        memcpy(&f, all + formats + i * sizeof f, sizeof f);
        bits |= f.depth == 24 && f.bits_per_pixel == 32;
    }
    memcpy(&screen, all + screens, sizeof screen);
    if (!bits || setup.image_byte_order != 0 || screen.root_depth != 24)
        errx(1, "the display has no pixels of 24 bits in 32, least significant byte first");
    uint32_t low = setup.id_mask & -setup.id_mask, rest = setup.id_mask & ~low;
    root = screen.root;
    gc = setup.id_base | low;
    segment = setup.id_base | (rest & -rest);
    max_request = setup.max_request;
    free(all);
    struct create_gc create = {.opcode = CREATE_GC, .length = 4, .gc = gc, .drawable = root};
    say(&create, sizeof create, NULL, 0);
}

static uint8_t query_shm(void) {
    static const char name[8] = "MIT-SHM";
    struct query_extension ask = {.opcode = QUERY_EXTENSION, .length = 4, .name_length = 7};
    unsigned before = answers;
    say(&ask, sizeof ask, name, sizeof name);
    await_answer(before);
    return answer.present == 1 ? answer.opcode : 0;
}

/* --- Pictures --- */

/* The segment, attached by the server, too; NULL if it can't. */
static uint8_t *share(uint8_t opcode, size_t size) {
    int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0660);
    if (id == -1)
        err(1, "shmget");
    void *pixels = shmat(id, NULL, 0);
    int error = errno;
    shmctl(id, IPC_RMID, NULL); /* Linux lets others attach it by its number all the same */
    errno = error;
    if (pixels == (void *)-1)
        err(1, "shmat");
    struct shm_attach attach = {.opcode = opcode,
                                .shm_opcode = SHM_ATTACH,
                                .length = 4,
                                .segment = segment,
                                .shmid = (uint32_t)id,
                                .read_only = 1};
    may_fail = true;
    say(&attach, sizeof attach, NULL, 0);
    until_done();
    may_fail = false;
    if (errors == 0)
        return pixels;
    if (shmdt(pixels) == -1)
        err(1, "shmdt");
    return NULL;
}

/* A number of a picture's head, with the character end behind it. */
static unsigned side(char end) {
    unsigned value = 0;
    int c;
    while (isdigit(c = getchar()) && value <= MAX_SIDE)
        value = value * 10 + (unsigned)(c - '0');
    if (c != end || value < 1 || value > MAX_SIDE)
        errx(1, "standard input: no size of a picture");
    return value;
}

static void expect(const char *text) {
    for (; *text != '\0'; text++)
        if (getchar() != *text)
            errx(1, "standard input: no picture");
}

static void send_pixels(const uint8_t *pixels, unsigned width, unsigned height, unsigned x,
                        unsigned y) {
    unsigned most = (max_request - 6) / width;
    if (max_request < 6 + width)
        errx(1, "the server takes no row of %u pixels", width);
    for (unsigned row = 0; row < height; row += most) {
        unsigned rows = height - row < most ? height - row : most;
        struct put_image put = {.opcode = PUT_IMAGE,
                                .format = Z_PIXMAP,
                                .length = (uint16_t)(6 + rows * width),
                                .drawable = root,
                                .gc = gc,
                                .width = (uint16_t)width,
                                .height = (uint16_t)rows,
                                .x = (int16_t)x,
                                .y = (int16_t)(y + row),
                                .depth = 24};
        say(&put, sizeof put, pixels + 4 * (size_t)row * width, 4 * (size_t)rows * width);
    }
}

int main(int argc, char *argv[]) {
    if (argc != 5 || (strcmp(argv[1], "socket") != 0 && strcmp(argv[1], "memory") != 0))
        usage();
    char *colon = strchr(argv[2], ':');
    if (colon == NULL)
        usage();
    unsigned display = number(colon + 1, MAX_DISPLAY);
    unsigned x = number(argv[3], MAX_PLACE), y = number(argv[4], MAX_PLACE);
    signal(SIGPIPE, SIG_IGN);
    *colon = '\0';
    if (colon == argv[2])
        call_unix(display);
    else
        call_tcp(argv[2], display);
    introduce();
    uint8_t opcode = *argv[1] == 'm' ? query_shm() : 0;

    unsigned width = 0, height = 0;
    uint8_t *pixels = NULL;
    bool shared = false;
    for (unsigned count = 1, c; (c = (unsigned)getchar()) != (unsigned)EOF; count++) {
        ungetc((int)c, stdin);
        expect("P6\n");
        unsigned w = side(' '), h = side('\n');
        expect("255\n");
        if (count == 1) {
            width = w, height = h;
            if (opcode != 0)
                pixels = share(opcode, 4 * (size_t)w * h);
            shared = pixels != NULL;
            if (!shared && (pixels = malloc(4 * (size_t)w * h)) == NULL)
                err(1, "memory");
        }
        if (w != width || h != height)
            errx(1, "standard input: picture %u has another size", count);
        static uint8_t row[3 * MAX_SIDE];
        uint8_t *to = pixels;
        for (unsigned i = 0; i < height; i++) {
            if (fread(row, 3, width, stdin) != width)
                errx(1, "standard input: picture %u is not complete", count);
            for (unsigned j = 0; j < width; j++) {
                *to++ = row[3 * j + 2];
                *to++ = row[3 * j + 1];
                *to++ = row[3 * j];
                *to++ = 0;
            }
        }
        if (shared) {
            struct shm_put_image show = {.opcode = opcode,
                                         .shm_opcode = SHM_PUT_IMAGE,
                                         .length = 10,
                                         .drawable = root,
                                         .gc = gc,
                                         .total_width = (uint16_t)width,
                                         .total_height = (uint16_t)height,
                                         .source_width = (uint16_t)width,
                                         .source_height = (uint16_t)height,
                                         .x = (int16_t)x,
                                         .y = (int16_t)y,
                                         .depth = 24,
                                         .format = Z_PIXMAP,
                                         .segment = segment};
            say(&show, sizeof show, NULL, 0);
        } else {
            send_pixels(pixels, width, height, x, y);
        }
        until_done();
        printf("picture %u through %s\n", count, shared ? "memory" : "the socket");
        if (fflush(stdout) == EOF)
            err(1, "standard output");
    }
    if (ferror(stdin))
        err(1, "standard input");
    if (pixels == NULL)
        errx(1, "standard input: no picture at all");
    return 0;
}
