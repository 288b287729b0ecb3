/*
 * post USER SUBJECT [COMMAND [ARGUMENT]...]
 *
 * Mails a text to USER: what COMMAND says, or else our own standard input. A pipe leads from the
 * command to us, another one from us to mail(1).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READING, WRITING, PIECE = 4096, EXIT_USAGE = 2, EXIT_NOT_EXECUTED = 127 };

/* The command as long as it has not been waited for, and its process id is its own; else 0. */
static volatile sig_atomic_t command;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* ---- signals ---- */

static void pass_on(int signo) {
    int saved = errno; /* of whatever was interrupted */
    if (command != 0)
        kill(command, signo);
    errno = saved;
}

static bool block_sigterm(int how) {
    sigset_t sigterm;
    sigemptyset(&sigterm);
    sigaddset(&sigterm, SIGTERM);
    return sigprocmask(how, &sigterm, NULL) != -1;
}

/* SA_RESTART: read() and waitpid() go on after the signal, and write() says what it has taken. */
static bool handle(int signo, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(signo, &action, NULL) != -1;
}

/* ---- children ---- */

/* Close-on-exec: what dup2() makes of an end outlives exec, and the ends themselves don't. */
static void make_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) == -1)
        die("post: pipe2");
}

static void close_end(int end) {
    if (close(end) == -1)
        die("post: close");
}

/* Puts descriptors in the places of standard input, output and error. */
static bool put_in_place(int input, int output, int error) {
    return dup2(input, STDIN_FILENO) != -1 && dup2(output, STDOUT_FILENO) != -1 &&
           dup2(error, STDERR_FILENO) != -1;
}

/* What we have been given besides, we don't hand down: when exec succeeds, these are closed. */
static bool keep_three(void) {
    return close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

/* What our parent ignores or blocks would be ignored or blocked after exec, too. */
static bool reset_signals(void) {
    return handle(SIGPIPE, SIG_DFL) && handle(SIGTERM, SIG_DFL) && block_sigterm(SIG_UNBLOCK);
}

static _Noreturn void become(char *const argv[], int input, int output, int error) {
    if (put_in_place(input, output, error) && keep_three() && reset_signals())
        execvp(argv[0], argv);
    perror(argv[0]);
    _exit(EXIT_NOT_EXECUTED); /* exit() would print what our parent has in its buffers */
}

/* Starts a program with these descriptors as its standard input, output and error. */
static pid_t start(char *const argv[], int input, int output, int error) {
    pid_t child = fork();
    if (child == -1)
        die("post: fork");
    if (child == 0)
        become(argv, input, output, error);
    return child;
}

/* Waits for a child and tells how it has ended. Whether that was well. */
static bool ended_well(const char *name, pid_t child) {
    int status;
    if (waitpid(child, &status, 0) == -1)
        die("post: waitpid");
    if (WIFSIGNALED(status))
        printf("%s signal %d\n", name, WTERMSIG(status));
    else
        printf("%s exit %d\n", name, WEXITSTATUS(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- the command ---- */

/* Starts it; what it says can be read from the descriptor. */
static int start_command(char *const argv[]) {
    int ends[2];
    printf("run %s\n", argv[0]);
    make_pipe(ends);
    /* Blocked until we know whom to pass it on to. */
    if (!block_sigterm(SIG_BLOCK) || !handle(SIGTERM, pass_on))
        die("post: signals");
    command = start(argv, STDIN_FILENO, ends[WRITING], ends[WRITING]);
    if (!block_sigterm(SIG_UNBLOCK))
        die("post: signals");
    close_end(ends[WRITING]); /* or we would wait for our own end of file */
    return ends[READING];
}

static bool command_ended_well(const char *name) {
    siginfo_t info;
    pid_t child = command;
    /* With WNOWAIT it stays a zombie, and its process id nobody else's, until nobody is told. */
    if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == -1)
        die("post: waitid");
    command = 0;
    return ended_well(name, child);
}

/* ---- the letter ---- */

/* What can be read now, or sleeps until there is something; 0 at the end. */
static size_t take(int text, char piece[PIECE]) {
    ssize_t got = read(text, piece, PIECE);
    if (got == -1)
        die("post: read");
    return (size_t)got;
}

/* Whether somebody takes it: SIGPIPE is ignored, so that write() fails when nobody reads. */
static bool give(int letter, const char *piece, size_t size) {
    while (size > 0) {
        ssize_t taken = write(letter, piece, size);
        if (taken == -1 && errno == EPIPE)
            return false;
        if (taken == -1)
            die("post: write");
        piece += taken;
        size -= (size_t)taken;
    }
    return true;
}

static pid_t start_mail(char *user, char *subject, int *letter) {
    char *const argv[] = {"mail", "-s", subject, user, NULL};
    int ends[2];
    printf("mail %s\n", user);
    make_pipe(ends);
    pid_t mail = start(argv, ends[READING], STDERR_FILENO, STDERR_FILENO);
    close_end(ends[READING]); /* or we would not learn that nobody reads */
    *letter = ends[WRITING];
    return mail;
}

/* Mails all that comes out of `text`. The process id of mail; 0 if there was nothing to send. */
static pid_t send_text(int text, char *user, char *subject) {
    char piece[PIECE];
    size_t size = take(text, piece);
    if (size == 0)
        return 0;
    int letter;
    pid_t mail = start_mail(user, subject, &letter);
    while (size > 0 && give(letter, piece, size))
        size = take(text, piece);
    close_end(letter); /* mail(1) waits for the end of its input */
    return mail;
}

int main(int argc, char *argv[]) {
    if (argc < 3) {
        fprintf(stderr, "usage: post USER SUBJECT [COMMAND [ARGUMENT]...]\n");
        return EXIT_USAGE;
    }
    if (!handle(SIGPIPE, SIG_IGN))
        die("post: signals");
    bool has_command = argc > 3, well = true;
    int text = has_command ? start_command(argv + 3) : STDIN_FILENO;
    pid_t mail = send_text(text, argv[1], argv[2]);
    close_end(text); /* a command that goes on learns that nobody reads */
    if (has_command)
        well = command_ended_well(argv[3]);
    if (mail != 0)
        well = ended_well("mail", mail) && well;
    if (fflush(stdout) == EOF)
        die("post: standard output");
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
