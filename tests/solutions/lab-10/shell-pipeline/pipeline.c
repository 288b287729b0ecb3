/*
 * pipeline [-f] [-i FILE] [-o FILE | -a FILE] COMMAND [ARGUMENT]... ['|' COMMAND [ARGUMENT]...]...
 *
 * The handler itself passes signals on, and SIGCHLD is of no interest: the commands are waited for
 * one after the other, the first one last, so that the number of the group stays theirs.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 100, USAGE = 2, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

struct command {
    char **words;
    pid_t pid;
};

static struct command commands[MOST];
static int count;
static sigset_t ours, before; /* the signals that we pass on; what was blocked at our start */

static _Noreturn void usage(void) {
    fputs("usage: pipeline [-f] [-i FILE] [-o FILE | -a FILE] COMMAND [ARGUMENT]... "
          "['|' COMMAND [ARGUMENT]...]...\n",
          stderr);
    exit(USAGE);
}

/* Cuts the words at each `|`, where a NULL ends the words of a command. */
static void split(char **words) {
    for (;; words++) {
        if (count == MOST || *words == NULL || strcmp(*words, "|") == 0)
            usage();
        commands[count++].words = words;
        while (*words != NULL && strcmp(*words, "|") != 0)
            words++;
        if (*words == NULL)
            return;
        *words = NULL;
    }
}

static void pass_on(int signal) {
    int kept = errno;
    kill(-commands[0].pid, signal);
    kill(-commands[0].pid, SIGCONT);
    errno = kept;
}

static _Noreturn void execute(const struct command *c, int in, int out) {
    setpgid(0, commands[0].pid); /* which is 0 in the first one: a group of its own */
    if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1)
        err(NOT_EXECUTABLE, "%s", c->words[0]);
    sigprocmask(SIG_SETMASK, &before, NULL);
    execvp(c->words[0], c->words);
    int why = errno;
    dprintf(STDERR_FILENO, "pipeline: %s: %s\n", c->words[0], strerror(why));
    _exit(why == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

static _Noreturn void give_up(const char *what) {
    int why = errno;
    for (int i = 0; i < count && commands[i].pid > 0; i++)
        kill(commands[i].pid, SIGKILL);
    for (int i = 0; i < count && commands[i].pid > 0; i++)
        waitpid(commands[i].pid, NULL, 0);
    errno = why;
    err(EXIT_FAILURE, "%s", what);
}

static void close_ours(int fd) {
    if (fd > STDERR_FILENO)
        close(fd);
}

/* All that is opened is close-on-exec: a command has only what dup2() gave it. */
static void start(int in, int out) {
    for (int i = 0; i < count; i++) {
        int ends[2] = {-1, out}; /* of the last one */
        if (i < count - 1 && pipe2(ends, O_CLOEXEC) == -1)
            give_up("pipe");
        pid_t pid = fork();
        if (pid == -1)
            give_up("fork");
        if (pid == 0)
            execute(&commands[i], in, ends[1]);
        commands[i].pid = pid;
        /* The child does so, too: whoever comes first. EACCES says that its program runs. */
        setpgid(pid, commands[0].pid);
        close_ours(in);
        close_ours(ends[1]);
        in = ends[0];
    }
}

static void wait_for_all(int statuses[]) {
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART, .sa_mask = ours};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigprocmask(SIG_UNBLOCK, &ours, NULL);
    for (int i = count; i-- > 0;) {
        siginfo_t end;
        waitid(P_PID, (id_t)commands[i].pid, &end, WEXITED | WNOWAIT);
        if (i == 0) /* from here on the number of the group may be somebody else's */
            sigprocmask(SIG_BLOCK, &ours, NULL);
        waitpid(commands[i].pid, NULL, 0);
        statuses[i] = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
    }
}

static int open_file(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0666);
    if (fd == -1)
        err(EXIT_FAILURE, "%s", path);
    return fd;
}

int main(int argc, char *argv[]) {
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC); /* what we have been left */

    const char *input = NULL, *output = NULL;
    int flags = 0;
    bool any = false;
    opterr = 0;
    for (int option; (option = getopt(argc, argv, "+fi:o:a:")) != -1;) {
        if (option == 'f')
            any = true;
        else if (option == 'i' && input == NULL)
            input = optarg;
        else if ((option == 'o' || option == 'a') && output == NULL) {
            output = optarg;
            flags = O_WRONLY | O_CREAT | (option == 'o' ? O_TRUNC : O_APPEND);
        } else
            usage();
    }
    split(argv + optind);
    int in = input != NULL ? open_file(input, O_RDONLY) : STDIN_FILENO;
    int out = output != NULL ? open_file(output, flags) : STDOUT_FILENO;
    start(in, out);

    int statuses[MOST], result = 0;
    wait_for_all(statuses);
    char line[sizeof "status\n" + 4 * MOST] = "status";
    size_t length = strlen(line);
    for (int i = 0; i < count; i++) {
        length += (size_t)sprintf(line + length, " %d", statuses[i]);
        if (statuses[i] != 0 || !any)
            result = statuses[i];
    }
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) == -1)
        return EXIT_FAILURE;
    return result;
}
