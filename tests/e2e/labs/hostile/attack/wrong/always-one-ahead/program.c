/* Whoever looks at it sees a process that has just ended. */
#include <unistd.h>

int main(void) {
    for (;;)
        if (fork() > 0)
            _exit(0);
}
