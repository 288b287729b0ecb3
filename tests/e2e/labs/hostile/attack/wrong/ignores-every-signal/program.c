/* Ends by no signal that it can ignore. */
#include <signal.h>
#include <unistd.h>

int main(void) {
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    for (;;)
        pause();
}
