/*
 * post USER SUBJECT [COMMAND [ARGUMENT]...]
 *
 * Mails a text to USER: what COMMAND says, or else our own standard input. A pipe leads from the
 * command to us, another one from us to mail(1).
 *
 * Manual pages: pipe(2), pipe(7), fork(2), dup2(2), exec(3), waitpid(2), sigaction(2)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { READING, WRITING, EXIT_USAGE = 2 };

/* Says which call failed and why, and ends the program. In which of the processes may it be used?
 */
static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

int main(int argc, char *argv[]) {
    if (argc < 3) {
        fprintf(stderr, "usage: post USER SUBJECT [COMMAND [ARGUMENT]...]\n");
        return EXIT_USAGE;
    }
    (void)argv;
    errno = ENOSYS; /* in place of your part */
    die("post: nothing is done yet");
}
