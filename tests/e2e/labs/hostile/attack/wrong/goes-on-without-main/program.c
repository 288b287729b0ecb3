/* Its first thread ends and the others go on: the kernel shows a zombie that can't be waited for.
 */
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static void *stay(void *nothing) {
    for (;;)
        pause();
    return nothing;
}

int main(void) {
    pthread_t thread;
    for (int i = 0; i < 50; i++)
        pthread_create(&thread, NULL, stay, NULL);
    pthread_exit(NULL);
}
