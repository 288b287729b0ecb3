/*
 * pipeline [-f] [-i FILE] [-o FILE | -a FILE] COMMAND [ARGUMENT]... ['|' COMMAND [ARGUMENT]...]...
 *
 * Runs commands side by side, each one's standard output joined to the next one's standard input,
 * in a process group of their own, as a shell does. Tells with which statuses they have ended.
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

enum {
    READING,
    WRITING,
    MOST = 100,
    MODE = 0666, /* less the umask */
    SIGNALLED = 128,
    EXIT_USAGE = 2,
    EXIT_NOT_EXECUTABLE = 126,
    EXIT_NOT_FOUND = 127
};

struct job {
    char **commands[MOST]; /* each one's words, with NULL at the end */
    int count;
    const char *input, *output; /* files, or NULL for our own standard input and output */
    int flags;                  /* how the output is opened */
    bool fail;                  /* with any command's status, not only with the last one's */
    pid_t children[MOST];       /* 0 when it has been waited for */
    int statuses[MOST];
    int started, running;
    pid_t group; /* the first child's process id */
};

static void usage(void) {
    fprintf(stderr,
            "usage: pipeline [-f] [-i FILE] [-o FILE | -a FILE] COMMAND [ARGUMENT]... "
            "['|' COMMAND [ARGUMENT]...]...\nwith at most %d commands\n",
            MOST);
    exit(EXIT_USAGE);
}

/* ---- the arguments ---- */

static void set_output(struct job *job, const char *file, int flags) {
    if (job->output != NULL)
        usage();
    job->output = file;
    job->flags = O_WRONLY | O_CREAT | O_CLOEXEC | flags;
}

/* Cuts the words at each `|`, which becomes the NULL at the end of a command. */
static void cut(struct job *job, char *words[]) {
    while (*words != NULL) {
        if (strcmp(*words, "|") == 0 || job->count == MOST)
            usage();
        job->commands[job->count++] = words;
        while (*words != NULL && strcmp(*words, "|") != 0)
            words++;
        if (*words == NULL)
            return;
        *words++ = NULL;
    }
    usage(); /* there is no command, or none behind the last `|` */
}

static void parse(struct job *job, int argc, char *argv[]) {
    int option;
    while ((option = getopt(argc, argv, "+fi:o:a:")) != -1) { /* +: up to the first command */
        if (option == 'f')
            job->fail = true;
        else if (option == 'i' && job->input == NULL)
            job->input = optarg;
        else if (option == 'o')
            set_output(job, optarg, O_TRUNC);
        else if (option == 'a')
            set_output(job, optarg, O_APPEND);
        else
            usage();
    }
    cut(job, argv + optind);
}

/* ---- waiting ---- */

/* Blocked, these wait for sigwait(), and none comes between a look and the sleep after it. */
static sigset_t block_signals(sigset_t *before) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &signals, before) == -1) {
        perror("pipeline: sigprocmask");
        exit(EXIT_FAILURE);
    }
    return signals;
}

/* As a shell tells it. */
static int told(int status) {
    return WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Waits for all that have ended: one SIGCHLD may stand for several. */
static void reap(struct job *job) {
    int status;
    for (int i = 0; i < job->started; i++)
        if (job->children[i] != 0 && waitpid(job->children[i], &status, WNOHANG) > 0) {
            job->statuses[i] = told(status);
            job->children[i] = 0;
            job->running--;
        }
}

/* As long as one of the group has not been waited for, the group's number is nobody else's. */
static void pass_on(const struct job *job, int signo) {
    kill(-job->group, signo);
    kill(-job->group, SIGCONT); /* who is stopped would not see it */
}

static void wait_for_all(struct job *job, const sigset_t *signals) {
    while (job->running > 0) {
        int signo;
        sigwait(signals, &signo);
        if (signo == SIGCHLD)
            reap(job);
        else
            pass_on(job, signo);
    }
}

/* ---- starting ---- */

/* Half a pipeline is none: ends what has been started. */
static void give_up(const struct job *job, const char *what) {
    perror(what);
    if (job->started > 0)
        kill(-job->group, SIGKILL);
    for (int i = 0; i < job->started; i++)
        waitpid(job->children[i], NULL, 0);
    exit(EXIT_FAILURE);
}

/* In the child. Both the child and its parent do this: nobody knows who of them comes first. */
static _Noreturn void become(char *argv[], pid_t group, int input, int output,
                             const sigset_t *mask) {
    if (setpgid(0, group) == -1 || dup2(input, STDIN_FILENO) == -1 ||
        dup2(output, STDOUT_FILENO) == -1 || sigprocmask(SIG_SETMASK, mask, NULL) == -1) {
        perror("pipeline");
        _exit(EXIT_NOT_EXECUTABLE);
    }
    execvp(argv[0], argv);
    int status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
    perror(argv[0]);
    _exit(status);
}

static void start(struct job *job, int input, int output, const sigset_t *mask) {
    char **argv = job->commands[job->started];
    pid_t child = fork();
    if (child == -1)
        give_up(job, "pipeline: fork");
    if (child == 0)
        become(argv, job->group, input, output, mask);
    if (job->group == 0)
        job->group = child;
    setpgid(child, job->group); /* fails when the child was first and executes its program */
    job->children[job->started++] = child;
    job->running++;
}

/* Closes what a command has now, and we don't need: or others would wait for our end of it. */
static void let_go(int fd) {
    if (fd > STDERR_FILENO)
        close(fd);
}

/* All of them, from the first one: input, output and a pipe are all that is ever open. */
static void start_all(struct job *job, int input, int output, const sigset_t *mask) {
    while (job->started < job->count - 1) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) == -1)
            give_up(job, "pipeline: pipe2");
        start(job, input, ends[WRITING], mask);
        let_go(ends[WRITING]);
        let_go(input);
        input = ends[READING];
    }
    start(job, input, output, mask);
    let_go(input);
    let_go(output);
}

static int opened(const char *file, int flags) {
    int fd = open(file, flags, MODE);
    if (fd == -1) {
        perror(file);
        exit(EXIT_FAILURE);
    }
    return fd;
}

/* Prints all statuses. The one that is ours. */
static int report(const struct job *job) {
    int failed = 0;
    fprintf(stderr, "status");
    for (int i = 0; i < job->count; i++) {
        fprintf(stderr, " %d", job->statuses[i]);
        if (job->statuses[i] != 0)
            failed = job->statuses[i];
    }
    fprintf(stderr, "\n");
    return job->fail ? failed : job->statuses[job->count - 1];
}

int main(int argc, char *argv[]) {
    static struct job job;
    sigset_t before;
    parse(&job, argc, argv);
    int input = job.input == NULL ? STDIN_FILENO : opened(job.input, O_RDONLY | O_CLOEXEC);
    int output = job.output == NULL ? STDOUT_FILENO : opened(job.output, job.flags);
    sigset_t signals = block_signals(&before);
    start_all(&job, input, output, &before);
    wait_for_all(&job, &signals);
    return report(&job);
}
