/* Stops, and waits for somebody to go on. */
#include <signal.h>
#include <stdio.h>

int main(void) {
    raise(SIGSTOP);
    puts("done");
}
