/* pipe(), popen() and pclose() once more, made of socketpair(). All give -1 and errno on failure.
 */
#ifndef SOCKPIPE_H
#define SOCKPIPE_H

#include <sys/types.h>

/* As pipe(): what is written to ends[1] is read from ends[0], and no byte goes the other way. */
int sock_pipe(int ends[2]);

/*
 * Starts `sh -c COMMAND` with these descriptors as its standard input and output, its caller's
 * standard error, and no others. The command's process id.
 */
pid_t sock_spawn(const char *command, int input, int output);

/*
 * Starts `sh -c COMMAND` and gives a descriptor that is joined to it: with mode "r" to its standard
 * output, with "w" to its standard input, with "r+" to both.
 */
int sock_popen(const char *command, const char *mode);

/* Closes what sock_popen() gave, waits for its command, and gives the status that wait() gives. */
int sock_pclose(int fd);

#endif
