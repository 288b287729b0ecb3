/*
 * measure receive MECHANISM PLACE BLOCK COUNT SEED
 * measure send MECHANISM PLACE BLOCK COUNT SEED [PAUSE]
 * measure memory BLOCK COUNT SEED
 *
 * How fast blocks go from process to process. README.md says what to write.
 */
#include <stdio.h>

int main(int argc, char *argv[]) {
    (void)argv;
    printf("%d arguments\n", argc - 1);
    return 1;
}
