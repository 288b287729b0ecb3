/*
 * draw socket|memory [HOST]:N X Y
 *
 * Draws the pictures that come on standard input on display N, one after another at the same place:
 * sends their pixels through the socket, or has the X server fetch them from shared memory.
 */
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "x11.h"

enum { MODE = 0660, MAX_SIDE = 2000, MAX_DISPLAY = 999, MAX_PLACE = 9999, EXIT_USAGE = 2 };
enum { DEPTH = 24, BITS_PER_PIXEL = 32, UNIT = 4, CHANNELS = 3, CHANNEL_MAX = 255 };

struct picture {
    int x, y; /* of its left upper corner on the window */
    unsigned width, height;
    unsigned char *rgb;
};

struct display {
    int fd;
    uint32_t root, gc, segment; /* the window that we draw on, and the names that we give */
    size_t max_request;         /* bytes */
    uint8_t shm;                /* the opcode of MIT-SHM */
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void fail(const char *why) {
    fprintf(stderr, "draw: %s\n", why);
    exit(EXIT_FAILURE);
}

static void usage(void) {
    fprintf(stderr, "usage: draw socket|memory [HOST]:N X Y < PICTURES\n");
    exit(EXIT_USAGE);
}

static int number(const char *text, int max) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value > max)
        usage();
    return (int)value;
}

/* --- Bytes: a stream hands over as many as it likes --- */

static void send_all(int fd, const void *data, size_t length) {
    const char *rest = data;
    while (length > 0) {
        ssize_t sent = send(fd, rest, length, MSG_NOSIGNAL);
        if (sent == -1 && errno != EINTR)
            die("draw: send");
        if (sent > 0) {
            rest += sent;
            length -= (size_t)sent;
        }
    }
}

static void receive_all(int fd, void *data, size_t length) {
    char *rest = data;
    while (length > 0) {
        ssize_t got = recv(fd, rest, length, 0);
        if (got == 0)
            fail("the X server has closed the connection");
        if (got == -1 && errno != EINTR)
            die("draw: recv");
        if (got > 0) {
            rest += got;
            length -= (size_t)got;
        }
    }
}

static void skip(int fd, size_t length) {
    char unwanted[256];
    while (length > 0) {
        size_t piece = length < sizeof unwanted ? length : sizeof unwanted;
        receive_all(fd, unwanted, piece);
        length -= piece;
    }
}

static size_t filled_up(size_t length) {
    return (length + UNIT - 1) / UNIT * UNIT;
}

/* --- The way to the server --- */

/* An abstract name begins with a NUL and ends where the address ends: there is no NUL behind it. */
static int connect_here(int n) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int written =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "/tmp/.X11-unix/X%d", n);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)written);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd == -1)
        die("draw: socket");
    if (connect(fd, (struct sockaddr *)&address, length) == -1)
        die("draw: connect");
    return fd;
}

/* The first address of the host at which somebody listens. */
static int connect_there(const char *host, int n) {
    char port[12];
    snprintf(port, sizeof port, "%d", TCP_PORT + n);
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found;
    int problem = getaddrinfo(host, port, &wanted, &found);
    if (problem != 0)
        fail(gai_strerror(problem));
    int fd = -1;
    for (struct addrinfo *one = found; one != NULL && fd == -1; one = one->ai_next) {
        fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (fd != -1 && connect(fd, one->ai_addr, one->ai_addrlen) == -1) {
            int why = errno;
            close(fd);
            errno = why;
            fd = -1;
        }
    }
    if (fd == -1)
        die("draw: connect");
    freeaddrinfo(found);
    return fd;
}

static int connect_to(char *name) {
    char *colon = strchr(name, ':');
    if (colon == NULL)
        usage();
    int n = number(colon + 1, MAX_DISPLAY);
    *colon = '\0';
    return colon == name ? connect_here(n) : connect_there(name, n);
}

/* --- What the server says --- */

static void check_accepted(int fd, const struct setup_reply *reply) {
    if (reply->status == SETUP_ACCEPTED)
        return;
    char reason[UINT8_MAX];
    receive_all(fd, reason, reply->reason_length);
    fprintf(stderr, "draw: the X server refuses: %.*s\n", reply->reason_length, reason);
    exit(EXIT_FAILURE);
}

/* Whether images of the depth that we know lie as we lay them. Reads all formats. */
static bool knows_our_format(int fd, unsigned formats) {
    bool known = false;
    for (unsigned i = 0; i < formats; i++) {
        struct format format;
        receive_all(fd, &format, sizeof format);
        known |= format.depth == DEPTH && format.bits_per_pixel == BITS_PER_PIXEL;
    }
    return known;
}

static struct display introduce(int fd) {
    const struct setup_request hello = {.byte_order = 'l', .major = 11};
    struct setup_reply reply;
    struct setup setup;
    struct screen screen;
    send_all(fd, &hello, sizeof hello);
    receive_all(fd, &reply, sizeof reply);
    check_accepted(fd, &reply);

    receive_all(fd, &setup, sizeof setup);
    size_t vendor = filled_up(setup.vendor_length);
    skip(fd, vendor);
    bool known = knows_our_format(fd, setup.formats);
    receive_all(fd, &screen, sizeof screen);
    skip(fd, (size_t)reply.length * UNIT - sizeof setup - vendor -
                 setup.formats * sizeof(struct format) - sizeof screen);
    if (!known || screen.root_depth != DEPTH || setup.image_byte_order != 0)
        fail("the display's pixels are not those that I know");

    uint32_t lowest = setup.id_mask & -setup.id_mask;
    return (struct display){
        .fd = fd,
        .root = screen.root,
        .gc = setup.id_base,
        .segment = setup.id_base | lowest,
        .max_request = (size_t)setup.max_request * UNIT,
    };
}

/* The next answer. Errors on the way are noted, events passed over. */
static struct said await_answer(int fd, unsigned *error) {
    for (;;) {
        struct said said;
        receive_all(fd, &said, sizeof said);
        if (said.code == SAYS_ERROR)
            *error = said.error;
        if (said.code == SAYS_ANSWER) {
            skip(fd, (size_t)said.length * UNIT);
            return said;
        }
    }
}

/* Waits until the server has done all that it was asked for. The number of an error, 0 if there was
 * none. */
static unsigned settle(const struct display *display) {
    const struct get_input_focus question = {.opcode = GET_INPUT_FOCUS,
                                             .length = sizeof question / UNIT};
    send_all(display->fd, &question, sizeof question);
    unsigned error = 0;
    await_answer(display->fd, &error);
    return error;
}

static void settle_well(const struct display *display) {
    unsigned error = settle(display);
    if (error != 0) {
        fprintf(stderr, "draw: the X server says error %u\n", error);
        exit(EXIT_FAILURE);
    }
}

static struct display open_display(char *name) {
    struct display display = introduce(connect_to(name));
    const struct create_gc request = {.opcode = CREATE_GC,
                                      .length = sizeof request / UNIT,
                                      .gc = display.gc,
                                      .drawable = display.root};
    send_all(display.fd, &request, sizeof request);
    return display;
}

/* --- Pictures --- */

/* Whether there is another picture. It has the size of the one before, if there was one. */
static bool read_picture(struct picture *picture) {
    int first = getchar();
    if (first == EOF && !ferror(stdin))
        return false;
    unsigned width, height, max;
    if (first != 'P' || scanf("6 %u %u %u", &width, &height, &max) != CHANNELS ||
        getchar() != '\n' || max != CHANNEL_MAX || width < 1 || width > MAX_SIDE || height < 1 ||
        height > MAX_SIDE)
        fail("this is no picture that I know");
    if (picture->rgb == NULL) {
        picture->width = width;
        picture->height = height;
        picture->rgb = malloc((size_t)width * height * CHANNELS);
        if (picture->rgb == NULL)
            die("draw: malloc");
    }
    if (width != picture->width || height != picture->height)
        fail("a picture has another size than the first");
    size_t pixels = (size_t)width * height;
    if (fread(picture->rgb, CHANNELS, pixels, stdin) != pixels)
        fail("a picture ends too early");
    return true;
}

/* The pixels as the server wants them, 0x00RRGGBB with the least significant byte first. */
static void convert(const struct picture *picture, unsigned char *pixels) {
    size_t count = (size_t)picture->width * picture->height;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *rgb = picture->rgb + i * CHANNELS;
        const unsigned char bgr0[UNIT] = {rgb[2], rgb[1], rgb[0], 0};
        memcpy(pixels + i * UNIT, bgr0, UNIT);
    }
}

/* --- Through the socket --- */

static void put_rows(const struct display *display, const struct picture *picture,
                     const unsigned char *pixels, unsigned first, unsigned rows) {
    size_t row = (size_t)picture->width * UNIT;
    const struct put_image request = {
        .opcode = PUT_IMAGE,
        .format = Z_PIXMAP,
        .length = (uint16_t)((sizeof request + rows * row) / UNIT),
        .drawable = display->root,
        .gc = display->gc,
        .width = (uint16_t)picture->width,
        .height = (uint16_t)rows,
        .x = (int16_t)picture->x,
        .y = (int16_t)(picture->y + (int)first),
        .depth = DEPTH,
    };
    send_all(display->fd, &request, sizeof request);
    send_all(display->fd, pixels + first * row, rows * row);
}

/* In as many requests as it takes: none may be longer than the server allows. */
static void put_picture(const struct display *display, const struct picture *picture,
                        const unsigned char *pixels) {
    size_t fit = (display->max_request - sizeof(struct put_image)) / UNIT / picture->width;
    for (unsigned first = 0; first < picture->height; first += (unsigned)fit) {
        unsigned left = picture->height - first;
        put_rows(display, picture, pixels, first, left < fit ? left : (unsigned)fit);
    }
}

/* --- Through shared memory --- */

/* The opcode of MIT-SHM, 0 if the server does not have it. */
static uint8_t find_shm(const struct display *display) {
    struct {
        struct query_extension head;
        char name[8];
    } request = {
        .head = {.opcode = QUERY_EXTENSION,
                 .length = sizeof request / UNIT,
                 .name_length = strlen("MIT-SHM")},
        .name = "MIT-SHM",
    };
    send_all(display->fd, &request, sizeof request);
    unsigned error = 0;
    struct said answer = await_answer(display->fd, &error);
    return answer.present ? answer.opcode : 0;
}

/*
 * A segment that goes with the last process that is attached. Linux lets others attach by its id
 * all the same, shmctl(2). Elsewhere the server must have attached before it may be marked; then
 * all ways in between must clean up.
 */
static unsigned char *make_segment(size_t size, int *shmid) {
    *shmid = shmget(IPC_PRIVATE, size, IPC_CREAT | MODE);
    if (*shmid == -1)
        die("draw: shmget");
    void *memory = shmat(*shmid, NULL, 0);
    int why = errno;
    if (shmctl(*shmid, IPC_RMID, NULL) == -1)
        die("draw: shmctl");
    errno = why;
    if (memory == (void *)-1)
        die("draw: shmat");
    return memory;
}

/* Memory that the server has attached, too; NULL if it has not, because it can't or does not want
 * to. */
static unsigned char *share_memory(struct display *display, size_t size) {
    display->shm = find_shm(display);
    if (display->shm == 0)
        return NULL;
    int shmid;
    unsigned char *memory = make_segment(size, &shmid);
    const struct shm_attach request = {.opcode = display->shm,
                                       .shm_opcode = SHM_ATTACH,
                                       .length = sizeof request / UNIT,
                                       .segment = display->segment,
                                       .shmid = (uint32_t)shmid,
                                       .read_only = true};
    send_all(display->fd, &request, sizeof request);
    if (settle(display) == 0)
        return memory;
    if (shmdt(memory) == -1)
        die("draw: shmdt");
    return NULL;
}

static void show_memory(const struct display *display, const struct picture *picture) {
    const struct shm_put_image request = {
        .opcode = display->shm,
        .shm_opcode = SHM_PUT_IMAGE,
        .length = sizeof request / UNIT,
        .drawable = display->root,
        .gc = display->gc,
        .total_width = (uint16_t)picture->width,
        .total_height = (uint16_t)picture->height,
        .source_width = (uint16_t)picture->width,
        .source_height = (uint16_t)picture->height,
        .x = (int16_t)picture->x,
        .y = (int16_t)picture->y,
        .depth = DEPTH,
        .format = Z_PIXMAP,
        .segment = display->segment,
    };
    send_all(display->fd, &request, sizeof request);
}

static void forget_memory(const struct display *display, void *memory) {
    const struct shm_detach request = {.opcode = display->shm,
                                       .shm_opcode = SHM_DETACH,
                                       .length = sizeof request / UNIT,
                                       .segment = display->segment};
    send_all(display->fd, &request, sizeof request);
    settle_well(display);
    if (shmdt(memory) == -1)
        die("draw: shmdt");
}

/* --- Together --- */

static void say(unsigned long count, const char *way) {
    if (printf("picture %lu through %s\n", count, way) < 0 || fflush(stdout) == EOF)
        die("draw: standard output");
}

/* The first picture, which has been read, and all that follow. */
static void draw_all(struct display *display, struct picture *picture, bool wants_memory) {
    size_t size = (size_t)picture->width * picture->height * UNIT;
    unsigned char *shared = wants_memory ? share_memory(display, size) : NULL;
    unsigned char *pixels = shared != NULL ? shared : malloc(size);
    if (pixels == NULL)
        die("draw: malloc");
    unsigned long count = 0;
    do {
        convert(picture, pixels);
        if (shared != NULL)
            show_memory(display, picture);
        else
            put_picture(display, picture, pixels);
        /* Until it has answered the server may read what the next picture overwrites. */
        settle_well(display);
        say(++count, shared != NULL ? "memory" : "the socket");
    } while (read_picture(picture));
    if (shared != NULL)
        forget_memory(display, shared);
    else
        free(pixels);
}

int main(int argc, char *argv[]) {
    if (argc != 5 || (strcmp(argv[1], "socket") != 0 && strcmp(argv[1], "memory") != 0))
        usage();
    struct picture picture = {.x = number(argv[3], MAX_PLACE), .y = number(argv[4], MAX_PLACE)};
    struct display display = open_display(argv[2]);
    if (!read_picture(&picture))
        fail("there is no picture");
    draw_all(&display, &picture, strcmp(argv[1], "memory") == 0);
    free(picture.rgb);
    if (close(display.fd) == -1)
        die("draw: close");
    return EXIT_SUCCESS;
}
