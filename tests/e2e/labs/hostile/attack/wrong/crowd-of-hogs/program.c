/* Takes all memory with many processes, each smaller than the agent and as dear to the kernel. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES = 60, SIZE = 4 << 20 };

static void become_as_dear_as_anybody(void) {
    const int score = open("/proc/self/oom_score_adj", O_WRONLY);

    if (score == -1 || write(score, "0", 1) != 1)
        exit(EXIT_FAILURE);
    close(score);
}

int main(void) {
    become_as_dear_as_anybody();
    for (int i = 1; i < PROCESSES; i++)
        if (fork() == 0)
            break;
    explicit_bzero(malloc(SIZE), SIZE);
    for (;;)
        pause();
}
