#include "sockpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READING, WRITING, FIRST_OTHER = 3, MOST_DESCRIPTORS = 1024, EXIT_CANNOT_START = 127 };

static pid_t command_of[MOST_DESCRIPTORS]; /* by the descriptor that leads to it; 0 for none */

/* Closes without a change of errno: what went wrong before is what the caller must know. */
static void give_up(const int ends[2]) {
    int why = errno;
    close(ends[READING]);
    close(ends[WRITING]);
    errno = why;
}

/*
 * Close-on-exec, so that no other command inherits an end: as long as anybody has it open, the
 * other end never sees the end of file.
 */
static int sock_pair(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

int sock_pipe(int ends[2]) {
    if (sock_pair(ends) == -1)
        return -1;
    /* The kernel does the rest at the other end: from there nothing can be read any more. */
    if (shutdown(ends[READING], SHUT_WR) == -1) {
        give_up(ends);
        return -1;
    }
    return 0;
}

/* dup2() of a descriptor to itself would do nothing, and leave it close-on-exec. */
static bool put_in_place(int fd, int place) {
    return fd == place ? fcntl(fd, F_SETFD, 0) != -1 : dup2(fd, place) != -1;
}

/* What is in the place that the input gets moves away before, or there would be none of it left. */
static bool put_both_in_place(int input, int output) {
    if (output == STDIN_FILENO)
        output = fcntl(output, F_DUPFD, FIRST_OTHER);
    return output != -1 && put_in_place(input, STDIN_FILENO) && put_in_place(output, STDOUT_FILENO);
}

pid_t sock_spawn(const char *command, int input, int output) {
    pid_t child = fork();
    if (child != 0)
        return child;
    if (put_both_in_place(input, output) && close_range(FIRST_OTHER, ~0U, 0) == 0)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(EXIT_CANNOT_START); /* exit() would print what our parent has in its buffers */
}

int sock_popen(const char *command, const char *mode) {
    bool both = strcmp(mode, "r+") == 0, reads = both || strcmp(mode, "r") == 0;
    if (!reads && strcmp(mode, "w") != 0) {
        errno = EINVAL;
        return -1;
    }
    int ends[2];
    if ((both ? sock_pair(ends) : sock_pipe(ends)) == -1)
        return -1;
    int ours = ends[reads ? READING : WRITING], theirs = ends[reads ? WRITING : READING];
    pid_t child = -1;
    if (ours >= MOST_DESCRIPTORS)
        errno = EMFILE;
    else
        child = sock_spawn(command, reads && !both ? STDIN_FILENO : theirs,
                           reads ? theirs : STDOUT_FILENO);
    if (child == -1) {
        give_up(ends);
        return -1;
    }
    command_of[ours] = child;
    /* Or we would be among those who keep the file from ending. */
    return close(theirs) == 0 ? ours : -1;
}

int sock_pclose(int fd) {
    if (fd < 0 || fd >= MOST_DESCRIPTORS || command_of[fd] == 0) {
        errno = EBADF;
        return -1;
    }
    int status;
    pid_t child = command_of[fd];
    command_of[fd] = 0;
    if (close(fd) == -1 || waitpid(child, &status, 0) == -1)
        return -1;
    return status;
}
