/* Waits, and lets itself be attacked. */
#include <stdio.h>
#include <unistd.h>

int main(void) {
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
