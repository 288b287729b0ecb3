/*
 * meet offer KEY NAME DIR TOKEN | look KEY NAME DIR | predict MISSING
 *
 * Offers a token through six kinds of objects, looks for it in them from another place, and
 * predicts which of them two places share that have one thing less in common.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MODE = 0660, ROOM = 64, LONGEST_PATH = 80, EXIT_USAGE = 2 };

/* How an object is called that is found by a name. */
struct names {
    key_t key;
    char object[ROOM];       /* of shared memory and of a queue: /NAME */
    char fifo[LONGEST_PATH]; /* a path */
    struct sockaddr_un file, abstract;
    socklen_t file_length, abstract_length;
};

static _Noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static _Noreturn void usage(const char *why) {
    fprintf(stderr,
            "meet: %s\n"
            "usage: meet offer KEY NAME DIR TOKEN | look KEY NAME DIR | predict "
            "ipc|net|files|nothing\n",
            why);
    exit(EXIT_USAGE);
}

static struct names names_of(const char *key, const char *name, const char *dir) {
    struct names all = {.file = {.sun_family = AF_UNIX}, .abstract = {.sun_family = AF_UNIX}};
    char *end;
    errno = 0;
    unsigned long number = strtoul(key, &end, 10);
    if (!isdigit((unsigned char)*key) || *end != '\0' || errno != 0 || number < 1 ||
        number > INT_MAX)
        usage("KEY is a number above zero");
    if (strlen(name) < 1 || strlen(name) > 32 || strlen(dir) > 32)
        usage("NAME and DIR have at most 32 characters");
    all.key = (key_t)number;
    snprintf(all.object, sizeof all.object, "/%s", name);
    snprintf(all.fifo, sizeof all.fifo, "%s/%s.fifo", dir, name);
    snprintf(all.file.sun_path, sizeof all.file.sun_path, "%s/%s.sock", dir, name);
    all.file_length = sizeof all.file;
    /* An abstract name begins with a NUL, and ends where the length says so: unix(7). */
    strcpy(all.abstract.sun_path + 1, name);
    all.abstract_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    return all;
}

/* What was made so far: on any way out, exit() or the end of main(), that much is removed. */
static struct {
    struct names names;
    int segment;
    bool object, queue, fifo, file;
} made = {.segment = -1};

static void remove_all(void) {
    if (made.segment != -1)
        shmctl(made.segment, IPC_RMID, NULL);
    if (made.object)
        shm_unlink(made.names.object);
    if (made.queue)
        mq_unlink(made.names.object);
    if (made.fifo)
        unlink(made.names.fifo);
    if (made.file)
        unlink(made.names.file.sun_path);
}

static void make_segment(const struct names *names, const char *token) {
    made.segment = shmget(names->key, ROOM, IPC_CREAT | IPC_EXCL | MODE);
    if (made.segment == -1)
        die("meet: shmget");
    char *memory = shmat(made.segment, NULL, 0);
    if (memory == (void *)-1)
        die("meet: shmat");
    strcpy(memory, token);
    if (shmdt(memory) == -1)
        die("meet: shmdt");
}

static void make_object(const struct names *names, const char *token) {
    int fd = shm_open(names->object, O_RDWR | O_CREAT | O_EXCL, MODE);
    if (fd == -1)
        die("meet: shm_open");
    made.object = true;
    if (write(fd, token, strlen(token)) != (ssize_t)strlen(token) || close(fd) == -1)
        die("meet: shared memory object");
}

static void make_queue(const struct names *names, const char *token) {
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = ROOM};
    mqd_t queue = mq_open(names->object, O_WRONLY | O_CREAT | O_EXCL, MODE, &attributes);
    if (queue == (mqd_t)-1)
        die("meet: mq_open");
    made.queue = true;
    if (mq_send(queue, token, strlen(token), 0) == -1 || mq_close(queue) == -1)
        die("meet: mq_send");
}

/* Opened for both, it needs no reader, and what was written stays in it as long as it is open. */
static void make_fifo(const struct names *names, const char *token) {
    if (mkfifo(names->fifo, MODE) == -1)
        die("meet: mkfifo");
    made.fifo = true;
    int fd = open(names->fifo, O_RDWR | O_CLOEXEC);
    if (fd == -1 || write(fd, token, strlen(token)) != (ssize_t)strlen(token))
        die("meet: FIFO");
}

static int make_listener(const struct sockaddr_un *address, socklen_t length, bool *is_file) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        die("meet: socket");
    if (bind(fd, (const struct sockaddr *)address, length) == -1)
        die("meet: bind");
    if (is_file != NULL) {
        *is_file = true;
        if (chmod(address->sun_path, MODE) == -1)
            die("meet: chmod");
    }
    if (listen(fd, SOMAXCONN) == -1)
        die("meet: listen");
    return fd;
}

static void serve(int listener, const char *token) {
    int client = accept(listener, NULL, NULL);
    if (client == -1)
        return; /* it has gone again, which is its own affair */
    (void)!send(client, token, strlen(token), MSG_NOSIGNAL);
    close(client);
}

/* SIGTERM and SIGINT as something to read, so that one poll() waits for them, too. */
static int open_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
        die("meet: sigprocmask");
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd == -1)
        die("meet: signalfd");
    return fd;
}

static void offer(const struct names *names, const char *token) {
    int signals =
        open_signals(); /* first: from now on no signal ends us with objects left behind */
    made.names = *names;
    if (atexit(remove_all) != 0)
        die("meet: atexit");
    make_segment(names, token);
    make_object(names, token);
    make_queue(names, token);
    make_fifo(names, token);
    struct pollfd ready[] = {
        {.fd = signals, .events = POLLIN},
        {.fd = make_listener(&names->abstract, names->abstract_length, NULL), .events = POLLIN},
        {.fd = make_listener(&names->file, names->file_length, &made.file), .events = POLLIN},
    };
    if (puts("ready") == EOF || fflush(stdout) == EOF)
        die("meet: standard output");
    for (;;) {
        if (poll(ready, 3, -1) == -1)
            die("meet: poll");
        if (ready[0].revents)
            return;
        for (int i = 1; i < 3; i++)
            if (ready[i].revents)
                serve(ready[i].fd, token);
    }
}

/* Each of these puts a token into `token` (NUL included) and says whether there was one. */

static bool look_segment(const struct names *names, char *token) {
    int id = shmget(names->key, ROOM, 0);
    if (id == -1)
        return false;
    const char *memory = shmat(id, NULL, SHM_RDONLY);
    if (memory == (void *)-1)
        return false;
    snprintf(token, ROOM, "%s", memory);
    shmdt(memory);
    return *token != '\0';
}

static bool read_token(int fd, char *token) {
    ssize_t length = read(fd, token, ROOM - 1);
    close(fd);
    token[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static bool look_object(const struct names *names, char *token) {
    int fd = shm_open(names->object, O_RDONLY, 0);
    return fd != -1 && read_token(fd, token);
}

static bool look_queue(const struct names *names, char *token) {
    mqd_t queue = mq_open(names->object, O_RDONLY | O_NONBLOCK);
    if (queue == (mqd_t)-1)
        return false;
    ssize_t length = mq_receive(queue, token, ROOM, NULL);
    mq_close(queue);
    token[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static bool look_fifo(const struct names *names, char *token) {
    int fd = open(names->fifo, O_RDONLY | O_NONBLOCK); /* it must not wait for a writer */
    return fd != -1 && read_token(fd, token);
}

static bool look_socket(const struct sockaddr_un *address, socklen_t length, char *token) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd == -1)
        die("meet: socket");
    if (connect(fd, (const struct sockaddr *)address, length) == -1) {
        close(fd);
        return false;
    }
    return read_token(fd, token);
}

static void show(const char *kind, bool found, const char *token) {
    printf("%s %s\n", kind, found ? token : "-");
}

static void look(const struct names *names) {
    char token[ROOM];
    show("sysv-shm", look_segment(names, token), token);
    show("posix-shm", look_object(names, token), token);
    show("posix-mq", look_queue(names, token), token);
    show("abstract-socket", look_socket(&names->abstract, names->abstract_length, token), token);
    show("socket-file", look_socket(&names->file, names->file_length, token), token);
    show("fifo", look_fifo(names, token), token);
}

/* What two places need in common to find an object. */
static void predict(const char *missing) {
    static const struct {
        const char *kind, *needs;
    } rules[] = {
        {"sysv-shm", "ipc"},      {"posix-shm", "ipc"}, /* the mount of /dev/shm comes with it */
        {"posix-mq", "ipc"},      {"abstract-socket", "net"},
        {"socket-file", "files"}, {"fifo", "files"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        show(rules[i].kind, true, strcmp(rules[i].needs, missing) == 0 ? "no" : "yes");
}

static bool is_known(const char *missing) {
    static const char *const all[] = {"ipc", "net", "files", "nothing"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i], missing) == 0)
            return true;
    return false;
}

int main(int argc, char *argv[]) {
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "offer") == 0 && argc == 6 && *argv[5] != '\0' && strlen(argv[5]) < ROOM) {
        struct names names = names_of(argv[2], argv[3], argv[4]);
        offer(&names, argv[5]);
    } else if (strcmp(command, "look") == 0 && argc == 5) {
        struct names names = names_of(argv[2], argv[3], argv[4]);
        look(&names);
    } else if (strcmp(command, "predict") == 0 && argc == 3 && is_known(argv[2])) {
        predict(argv[2]);
    } else {
        usage("there is no such command with such arguments");
    }
    if (fflush(stdout) == EOF)
        die("meet: standard output");
    return EXIT_SUCCESS;
}
