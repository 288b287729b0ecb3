/* Kills whom it may, which is itself, too. */
#include <signal.h>
#include <stdio.h>

int main(void) {
    kill(-1, SIGKILL);
    kill(1, SIGKILL);
    kill(0, SIGKILL);
    puts("done");
}
