/* Takes memory until there is none. */
#include <stdlib.h>
#include <string.h>

int main(void) {
    for (;;) {
        char *megabyte = malloc(1 << 20);

        if (megabyte)
            explicit_bzero(megabyte, 1 << 20);
    }
}
