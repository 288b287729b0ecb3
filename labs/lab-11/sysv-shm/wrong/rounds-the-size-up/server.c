/*
 * server KEY SIZE MESSAGE
 *
 * Makes a System V shared memory segment, leaves MESSAGE in it, waits until a client has replaced
 * the first byte by a mark, and removes the segment: also when SIGTERM or SIGINT ends the wait.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>

enum { MODE = 0660, MARK = '*', LOOK_EVERY_MS = 50, EXIT_USAGE = 2 };

static volatile sig_atomic_t stopped;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr, "server: %s\nusage: server KEY SIZE MESSAGE\n", why);
    exit(EXIT_USAGE);
}

/* A number from 1 to max, decimal or after 0x as ipcs prints it. Zero is IPC_PRIVATE: no key. */
static unsigned long number(const char *text, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 || value > max)
        usage("KEY and SIZE are numbers above zero");
    return value;
}

static void note_signal(int signo) {
    (void)signo;
    stopped = 1; /* the only thing that is safe to do here: the main program cleans up */
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = note_signal};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) == -1 || sigaction(SIGINT, &action, NULL) == -1)
        die("server: sigaction");
}

/* Whether the line went out now, and not when the buffer is full or the program ends. */
static bool say(const char *line) {
    return puts(line) != EOF && fflush(stdout) != EOF;
}

/* Whether a client has left its mark; false when a signal came first. */
static bool wait_for_mark(const atomic_char *first) {
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    while (atomic_load(first) != MARK) { /* atomic: another process changes it behind our back */
        /* A signal between this test and nanosleep() is noticed one pause later. */
        if (stopped || (nanosleep(&pause, NULL) == -1 && errno != EINTR))
            return false;
    }
    return true;
}

/* Whether a client took the message. Returns on every path, so that the caller can clean up. */
static bool serve(int shmid, const char *message) {
    char *segment = shmat(shmid, NULL, 0);
    if (segment == (void *)-1) {
        perror("server: shmat");
        return false;
    }
    strcpy(segment, message); /* with its NUL; main() made sure that it fits */
    bool marked = say("ready") && wait_for_mark((const atomic_char *)segment);
    if (shmdt(segment) == -1) {
        perror("server: shmdt");
        return false;
    }
    return marked;
}

int main(int argc, char *argv[]) {
    if (argc != 4)
        usage("three arguments are needed");
    key_t key = (key_t)number(argv[1], UINT_MAX);
    size_t size = number(argv[2], INT_MAX);
    const char *message = argv[3];
    if (strlen(message) >= size || *message == MARK)
        usage("MESSAGE and its NUL must fit into SIZE bytes, and not begin with the mark");

    catch_signals(); /* before the segment exists: from then on it is ours to remove */
    /* Mistake: the kernel rounds up to pages by itself, and remembers what was asked for. */
    int shmid = shmget(key, (size + 4095) / 4096 * 4096, IPC_CREAT | IPC_EXCL | MODE);
    if (shmid == -1)
        die("server: shmget");
    bool marked = serve(shmid, message);
    if (shmctl(shmid, IPC_RMID, NULL) == -1)
        die("server: shmctl");
    return marked && say("done") ? EXIT_SUCCESS : EXIT_FAILURE;
}
