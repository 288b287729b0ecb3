/* Forks for ever; each child leaves the session, so that no signal to a group finds it. */
#include <unistd.h>

int main(void) {
    for (;;)
        if (fork() == 0)
            setsid();
}
