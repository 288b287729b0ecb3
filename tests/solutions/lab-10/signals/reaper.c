/*
 * reaper N COMMAND [ARGUMENT]...: keeps N processes and tells of the end of each. No SIGCHLD, no
 * handler and no mask: one thread waits for children, one prints what it has found, one copies
 * lines. A child is taken under a lock, so that nobody else's process id is ever sent SIGTERM.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 100, CANT_EXECUTE = 127 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int started, ended, alive;
    pid_t alive_pids[MOST];
    siginfo_t ends[MOST];
} children = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

static void end_all(void) {
    for (int i = 0; i < children.alive; i++) {
        kill(children.alive_pids[i], SIGTERM);
        kill(children.alive_pids[i], SIGCONT);
    }
}

static void fail(const char *what) {
    warn("%s", what);
    pthread_mutex_trylock(&children.lock);
    end_all();
    _exit(1);
}

static void put(const char *bytes, size_t n) {
    pthread_mutex_lock(&output);
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes, n);
        if (done == -1 && errno != EINTR)
            fail("standard output");
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        }
    }
    pthread_mutex_unlock(&output);
}

static void become(char **command) {
    close(STDIN_FILENO);
    if (open("/dev/null", O_RDONLY) != STDIN_FILENO) {
        warn("/dev/null");
        _exit(CANT_EXECUTE);
    }
    if (close_range(STDERR_FILENO + 1, ~0U, 0) == -1) {
        warn("close_range");
        _exit(CANT_EXECUTE);
    }
    execvp(command[0], command);
    warn("%s", command[0]);
    _exit(CANT_EXECUTE);
}

/* WNOWAIT: the process stays a zombie, and its id its own, until the lock is taken. */
static void *wait_for_children(void *none) {
    pthread_mutex_lock(&children.lock);
    while (children.alive > 0) {
        siginfo_t found;
        pthread_mutex_unlock(&children.lock);
        while (waitid(P_ALL, 0, &found, WEXITED | WNOWAIT) == -1)
            if (errno != EINTR)
                fail("waitid");
        pthread_mutex_lock(&children.lock);
        while (waitid(P_PID, (id_t)found.si_pid, &found, WEXITED) == -1)
            if (errno != EINTR)
                fail("waitid");
        for (int i = 0; i < children.alive; i++) {
            if (children.alive_pids[i] == found.si_pid) {
                children.alive_pids[i] = children.alive_pids[--children.alive];
                children.ends[children.ended++] = found;
                pthread_cond_signal(&children.changed);
                break;
            }
        }
    }
    pthread_mutex_unlock(&children.lock);
    return none;
}

static void *tell_of_ends(void *none) {
    for (int told = 0; told < children.started; told++) {
        pthread_mutex_lock(&children.lock);
        while (told == children.ended)
            pthread_cond_wait(&children.changed, &children.lock);
        siginfo_t end = children.ends[told];
        pthread_mutex_unlock(&children.lock);
        char line[80];
        put(line, (size_t)sprintf(line, "ended %d %s %d\n", end.si_pid,
                                  end.si_code == CLD_EXITED ? "exit" : "signal", end.si_status));
    }
    return none;
}

int main(int argc, char **argv) {
    long n = 0;
    if (argc >= 3 && argv[1][strspn(argv[1], "0123456789")] == '\0')
        n = strtol(argv[1], NULL, 10);
    if (n < 1 || n > MOST) {
        fprintf(stderr, "usage: reaper N COMMAND [ARGUMENT]...   (N from 1 to %d)\n", MOST);
        return 2;
    }
    signal(SIGCHLD, SIG_DFL); /* ignored, children would end without telling how */
    for (; children.started < n; children.started++) {
        pid_t pid = fork();
        if (pid == -1)
            fail("fork");
        if (pid == 0)
            become(argv + 2);
        children.alive_pids[children.alive++] = pid;
        char line[40];
        put(line, (size_t)sprintf(line, "started %d\n", pid));
    }

    pthread_t waiter, teller;
    errno = pthread_create(&waiter, NULL, wait_for_children, NULL);
    if (errno == 0)
        errno = pthread_create(&teller, NULL, tell_of_ends, NULL);
    if (errno != 0)
        fail("pthread_create");

    char *line = NULL;
    size_t room = 0;
    for (ssize_t length; (length = getline(&line, &room, stdin)) > 0;)
        put(line, (size_t)length);
    if (ferror(stdin))
        fail("standard input");
    free(line);

    pthread_mutex_lock(&children.lock);
    end_all();
    pthread_mutex_unlock(&children.lock);
    pthread_join(waiter, NULL);
    pthread_join(teller, NULL);
    return 0;
}
