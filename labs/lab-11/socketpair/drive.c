/*
 * drive
 *
 * Calls the functions of sockpipe.h, each by itself, as the lines of its standard input say, and
 * prints after each what it gave, and errno:
 *
 *     pipe                   both ends, or -1
 *     spawn INPUT OUTPUT COMMAND
 *     popen MODE COMMAND
 *     pclose FD
 *     wait PID               the status that waitpid() gives
 *     open                   a descriptor that is no business of the library
 *     no-more-processes      from now on fork() fails
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "sockpipe.h"

static void answer(int result) {
    printf("%d %d\n", result, errno);
}

static void obey(char *line) {
    char mode[8], what[32] = "";
    int input, output, command = 0, ends[2], status;
    sscanf(line, "%31s", what);
    errno = 0;
    if (strcmp(what, "pipe") == 0 && sock_pipe(ends) == -1)
        answer(-1);
    else if (strcmp(what, "pipe") == 0)
        printf("%d %d\n", ends[0], ends[1]);
    else if (sscanf(line, "spawn %d %d %n", &input, &output, &command) == 2 && command > 0)
        answer(sock_spawn(line + command, input, output));
    else if (sscanf(line, "popen %7s %n", mode, &command) == 1 && command > 0)
        answer(sock_popen(line + command, mode));
    else if (sscanf(line, "pclose %d", &input) == 1)
        answer(sock_pclose(input));
    else if (sscanf(line, "wait %d", &input) == 1)
        answer(waitpid(input, &status, 0) == -1 ? -1 : status);
    else if (strcmp(what, "open") == 0)
        answer(open("/dev/null", O_RDONLY));
    else if (strcmp(what, "no-more-processes") == 0)
        answer(setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}));
    else
        exit(EXIT_FAILURE);
}

int main(void) {
    char line[1024];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        obey(line);
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
