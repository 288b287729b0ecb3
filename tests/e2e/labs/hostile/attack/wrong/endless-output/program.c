/* Prints for ever. */
#include <string.h>
#include <unistd.h>

int main(void) {
    char text[1 << 16];

    memset(text, 'x', sizeof text);
    while (write(STDOUT_FILENO, text, sizeof text) > 0)
        ;
}
