/*
 * pipe(), popen() and pclose() made of socketpair(). Commands are started by posix_spawn(), which
 * tells its caller if the child could not do one of the steps before its exec.
 */
#include "sockpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The commands of sock_popen() that nobody has waited for. */
struct open_command {
    struct open_command *next;
    int fd;
    pid_t pid;
};
static struct open_command *commands;

static void close_keeping_errno(int fd) {
    int error = errno;
    close(fd);
    errno = error;
}

int sock_pipe(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
        return -1;
    if (shutdown(ends[0], SHUT_WR) == -1) {
        close_keeping_errno(ends[0]);
        close_keeping_errno(ends[1]);
        return -1;
    }
    return 0;
}

pid_t sock_spawn(const char *command, int input, int output) {
    char *words[] = {"sh", "-c", (char *)command, NULL};
    posix_spawnattr_t how;
    posix_spawn_file_actions_t steps;
    sigset_t signals;
    pid_t pid = -1;
    int spare = -1;
    if (output == 0 && input != 0) { /* it would be gone before it was in its place */
        output = spare = fcntl(output, F_DUPFD_CLOEXEC, 3);
        if (spare == -1)
            return -1;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);

    int error = posix_spawnattr_init(&how);
    if (error == 0) {
        error = posix_spawn_file_actions_init(&steps);
        if (error == 0) {
            error = posix_spawnattr_setsigdefault(&how, &signals);
            if (error == 0)
                error = posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF);
            if (error == 0)
                error = posix_spawn_file_actions_adddup2(&steps, input, 0);
            if (error == 0)
                error = posix_spawn_file_actions_adddup2(&steps, output, 1);
            if (error == 0)
                error = posix_spawn_file_actions_addclosefrom_np(&steps, 3);
            if (error == 0)
                error = posix_spawn(&pid, "/bin/sh", &steps, &how, words, environ);
            posix_spawn_file_actions_destroy(&steps);
        }
        posix_spawnattr_destroy(&how);
    }
    if (spare != -1)
        close(spare);
    if (error != 0)
        errno = error;
    return error == 0 ? pid : -1;
}

int sock_popen(const char *command, const char *mode) {
    int ends[2], ours, both = strcmp(mode, "r+") == 0;
    if (!both && strcmp(mode, "r") != 0 && strcmp(mode, "w") != 0) {
        errno = EINVAL;
        return -1;
    }
    struct open_command *new = malloc(sizeof *new);
    if (new == NULL)
        return -1;
    if (both ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) : sock_pipe(ends)) {
        free(new);
        return -1;
    }
    ours = mode[0] == 'r' ? 0 : 1;
    int theirs = ends[!ours];
    new->fd = ends[ours];
    new->pid = sock_spawn(command, both || ours == 1 ? theirs : STDIN_FILENO,
                          both || ours == 0 ? theirs : STDOUT_FILENO);
    close_keeping_errno(theirs);
    if (new->pid == -1) {
        close_keeping_errno(new->fd);
        free(new);
        return -1;
    }
    new->next = commands;
    commands = new;
    return new->fd;
}

int sock_pclose(int fd) {
    struct open_command **link = &commands;
    while (*link != NULL && (*link)->fd != fd)
        link = &(*link)->next;
    if (*link == NULL) {
        errno = EBADF;
        return -1;
    }
    struct open_command *found = *link;
    *link = found->next;
    pid_t pid = found->pid, ended;
    free(found);
    close(fd);
    int status;
    while ((ended = waitpid(pid, &status, 0)) == -1 && errno == EINTR)
        ;
    return ended == -1 ? -1 : status;
}
