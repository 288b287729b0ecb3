/* writer PATH NAME: each line of standard input goes into the FIFO by one write(). */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_name(const char *s) {
    size_t n = 0;
    while (isalpha((unsigned char)s[n]))
        n++;
    return s[n] == '\0' && n >= 1 && n <= 16;
}

int main(int argc, char **argv) {
    if (argc != 3 || !is_name(argv[2])) {
        fprintf(stderr, "usage: writer PATH NAME\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int fd = open(argv[1], O_WRONLY | O_CLOEXEC);
    struct stat st;
    if (fd == -1 || fstat(fd, &st) == -1)
        err(1, "%s", argv[1]);
    if (!S_ISFIFO(st.st_mode))
        errx(1, "%s is no FIFO", argv[1]);

    char out[PIPE_BUF];
    const size_t head = (size_t)sprintf(out, "%s: ", argv[2]);
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        if (line[n - 1] == '\n')
            n--;
        size_t total = head + (size_t)n + 1;
        if (total > sizeof out)
            errx(1, "a line of %zd bytes is too long", n);
        memcpy(out + head, line, (size_t)n);
        out[total - 1] = '\n';
        if (write(fd, out, total) != (ssize_t)total)
            err(errno == EPIPE ? 3 : 1, "%s", argv[1]);
    }
    if (ferror(stdin))
        err(1, "standard input");
    free(line);
    return close(fd) == 0 ? 0 : 1;
}
