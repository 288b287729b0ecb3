/*
 * reaper N COMMAND [ARGUMENT]...
 *
 * Keeps N processes of COMMAND, tells of the end of each, and meanwhile copies lines from its
 * standard input to its standard output. At the end of its input it ends the processes, too.
 *
 * SIGCHLD wakes it through a pipe to itself: its handler does nothing but write a byte.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 100, LINE_BYTES = 1024, EXIT_USAGE = 2, EXIT_NOT_FOUND = 127 };

struct line {
    char bytes[LINE_BYTES];
    size_t length;
};

static pid_t children[MOST]; /* those that run; the first `running` of them */
static int running;
static int to_self[2];

static void signal_all(int signo) {
    for (int i = 0; i < running; i++)
        kill(children[i], signo); /* not waited for yet: its id is nobody else's */
}

/* Ends the program, and does not leave its children behind. */
static void die(const char *what) {
    perror(what);
    signal_all(SIGKILL);
    while (wait(NULL) > 0)
        ;
    exit(EXIT_FAILURE);
}

/* Many signals may come as one, but never none: one byte says that something is to be done. */
static void on_child(int signo) {
    (void)signo;
    int saved = errno; /* of whatever was interrupted */
    if (write(to_self[1], "", 1) == -1) {
        /* the pipe is full of bytes that say the same */
    }
    errno = saved;
}

static void catch_children(void) {
    if (pipe2(to_self, O_CLOEXEC | O_NONBLOCK) == -1)
        die("reaper: pipe2");
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGCHLD, &action, NULL) == -1)
        die("reaper: sigaction");
}

static void flush(void) {
    if (fflush(stdout) == EOF)
        die("reaper: standard output");
}

/* In the child: the command, without the input that is ours. */
static void become(char *command[]) {
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing == -1 || dup2(nothing, STDIN_FILENO) == -1) {
        perror("reaper: /dev/null");
        _exit(EXIT_FAILURE);
    }
    execvp(command[0], command);
    perror(command[0]);
    _exit(EXIT_NOT_FOUND);
}

static void start(char *command[]) {
    pid_t pid = fork();
    if (pid == -1)
        die("reaper: fork");
    if (pid == 0)
        become(command);
    children[running++] = pid;
    printf("started %d\n", pid);
    flush();
}

static void forget(pid_t pid) {
    for (int i = 0; i < running; i++)
        if (children[i] == pid) {
            children[i] = children[--running];
            return;
        }
}

/* Waits for all that have ended, and for no other: one signal may stand for twenty of them. */
static void reap(void) {
    char bytes[64];
    while (read(to_self[0], bytes, sizeof bytes) > 0)
        ; /* before waiting: who ends after that writes another one */
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        forget(pid);
        if (WIFEXITED(status))
            printf("ended %d exit %d\n", pid, WEXITSTATUS(status));
        else
            printf("ended %d signal %d\n", pid, WTERMSIG(status));
    }
    flush();
}

/* Prints the lines that standard input has now, keeps what is half a line. False at its end. */
static bool copy(struct line *line) {
    ssize_t got = read(STDIN_FILENO, line->bytes + line->length, LINE_BYTES - line->length);
    if (got == -1)
        die("reaper: standard input");
    line->length += (size_t)got;
    char *end = memrchr(line->bytes, '\n', line->length);
    size_t whole = end == NULL ? 0 : (size_t)(end + 1 - line->bytes);
    if (whole == 0 && line->length == LINE_BYTES) {
        errno = EMSGSIZE;
        die("reaper: a line");
    }
    fwrite(line->bytes, 1, whole, stdout);
    flush();
    line->length -= whole;
    memmove(line->bytes, line->bytes + whole, line->length);
    return got > 0;
}

/* Until the input is at its end and the last child has been waited for. */
static void serve(void) {
    struct line line = {.length = 0};
    for (bool more = true; more || running > 0;) {
        struct pollfd ready[] = {
            {.fd = more ? STDIN_FILENO : -1, .events = POLLIN}, /* poll() skips -1 */
            {.fd = to_self[0], .events = POLLIN},
        };
        if (poll(ready, 2, -1) == -1) {
            if (errno != EINTR) /* SA_RESTART does not hold for poll(): signal(7) */
                die("reaper: poll");
            continue;
        }
        if (ready[1].revents != 0)
            reap();
        if (ready[0].revents != 0 && !copy(&line)) {
            more = false;
            signal_all(SIGTERM);
            signal_all(SIGCONT); /* one that is stopped would not see it otherwise */
        }
    }
}

int main(int argc, char *argv[]) {
    char *end = "";
    long n = argc > 2 && isdigit((unsigned char)*argv[1]) ? strtol(argv[1], &end, 10) : 0;
    if (n < 1 || n > MOST || *end != '\0') {
        fprintf(stderr, "usage: reaper N COMMAND [ARGUMENT]...   (N from 1 to %d)\n", MOST);
        return EXIT_USAGE;
    }
    catch_children(); /* before there are any */
    for (int i = 0; i < n; i++)
        start(argv + 2);
    serve();
    return EXIT_SUCCESS;
}
