/*
 * post USER SUBJECT [COMMAND [ARGUMENT]...]: mails a text.
 *
 * The bytes of COMMAND never come into this process: splice() moves them from pipe to pipe. The
 * first part lies in the second pipe already when mail is started.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT, IN };
enum { PART = 4096 }; /* no pipe holds less: the first part never has to wait for a reader */

static const int touched[] = {SIGPIPE, SIGCHLD, SIGTERM};
enum { TOUCHED = sizeof touched / sizeof *touched };
static struct sigaction inherited[TOUCHED];
static sigset_t inherited_mask, term;

/* Not reaped before SIGTERM is ignored: the number is nobody else's until then. */
static pid_t command;

static void pass_on(int sig) {
    int error = errno;
    kill(command, sig);
    errno = error;
}

static void take_signals(void) {
    sigprocmask(SIG_SETMASK, NULL, &inherited_mask);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    for (int i = 0; i < TOUCHED; i++) {
        struct sigaction new = {
            .sa_handler = touched[i] == SIGPIPE ? SIG_IGN : SIG_DFL,
        };
        sigaction(touched[i], &new, &inherited[i]);
    }
}

/* SIGTERM is blocked when it is called. */
static pid_t start(char *const argv[], int in, int out, int error) {
    pid_t pid = fork();
    if (pid == -1)
        err(1, "fork");
    if (pid > 0)
        return pid;
    for (int i = 0; i < TOUCHED; i++)
        sigaction(touched[i], &inherited[i], NULL);
    sigprocmask(SIG_SETMASK, &inherited_mask, NULL);
    if ((in != 0 && dup2(in, 0) == -1) || (error != 2 && dup2(error, 2) == -1) ||
        (out != 1 && dup2(out, 1) == -1))
        warn("dup2");
    else {
        execvp(argv[0], argv);
        warn("%s", argv[0]);
    }
    _exit(127);
}

/* The number of bytes, 0 at the end of the text, -1 if nobody reads. */
static ssize_t hand_on(int from, int to, bool pipes) {
    static char part[PART];
    ssize_t n;
    do
        n = pipes ? splice(from, NULL, to, NULL, 1 << 16, 0) : read(from, part, sizeof part);
    while (n == -1 && errno == EINTR);
    if (n == -1 && !(pipes && errno == EPIPE))
        err(1, "the text");
    for (ssize_t done = 0; !pipes && done < n;) {
        ssize_t w = write(to, part + done, (size_t)(n - done));
        if (w == -1 && errno == EPIPE)
            return -1;
        if (w == -1 && errno != EINTR)
            err(1, "the pipe to mail");
        done += w == -1 ? 0 : w;
    }
    return n;
}

static void say(const char *what, const char *name) {
    if (dprintf(1, "%s %s\n", what, name) < 0)
        err(1, "standard output");
}

static bool reap(pid_t pid, const char *name) {
    int status;
    while (waitpid(pid, &status, 0) == -1)
        if (errno != EINTR)
            err(1, "waitpid");
    bool ended = WIFEXITED(status);
    if (dprintf(1, "%s %s %d\n", name, ended ? "exit" : "signal",
                ended ? WEXITSTATUS(status) : WTERMSIG(status)) < 0)
        err(1, "standard output");
    return status == 0;
}

int main(int argc, char *argv[]) {
    if (argc < 3) {
        fprintf(stderr, "usage: post USER SUBJECT [COMMAND [ARGUMENT]...]\n");
        return 2;
    }
    close_range(3, ~0U, 0);
    take_signals();

    const bool have_command = argc > 3;
    int text = 0, letter[2], said[2];
    if (pipe2(letter, O_CLOEXEC) == -1 || (have_command && pipe2(said, O_CLOEXEC) == -1))
        err(1, "pipe");
    if (have_command) {
        say("run", argv[3]);
        command = start(argv + 3, 0, said[IN], said[IN]);
        close(said[IN]);
        text = said[OUT];
        struct sigaction pass = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
        sigaction(SIGTERM, &pass, NULL);
    }
    sigprocmask(SIG_UNBLOCK, &term, NULL);

    pid_t mail = 0;
    ssize_t n = hand_on(text, letter[IN], have_command);
    if (n > 0) {
        say("mail", argv[1]);
        sigprocmask(SIG_BLOCK, &term, NULL);
        mail = start((char *[]){"mail", "-s", argv[2], argv[1], NULL}, letter[OUT], 2, 2);
        sigprocmask(SIG_UNBLOCK, &term, NULL);
    }
    close(letter[OUT]);
    while (n > 0)
        n = hand_on(text, letter[IN], have_command);
    close(letter[IN]);
    if (have_command)
        close(text);

    bool good = true;
    if (have_command) {
        siginfo_t info;
        while (waitid(P_PID, (id_t)command, &info, WEXITED | WNOWAIT) == -1)
            if (errno != EINTR)
                err(1, "waitid");
        signal(SIGTERM, SIG_IGN);
        good = reap(command, argv[3]);
    }
    if (mail > 0)
        good = reap(mail, "mail") && good;
    return good ? 0 : 1;
}
