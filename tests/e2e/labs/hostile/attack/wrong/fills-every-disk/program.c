/* Fills all that it can write to: bytes, files, folders in folders; segments, sets and queues. */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 2000, DEEP = 300 };

static void fill(const char *folder) {
    static char text[1 << 16];
    char name[64];
    int file;

    snprintf(name, sizeof name, "%s/big", folder);
    file = open(name, O_CREAT | O_WRONLY, 0600);
    while (write(file, text, sizeof text) > 0)
        ;
    close(file);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%s/%d", folder, i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
}

static void dig(const char *folder) {
    if (chdir(folder) == -1)
        return;
    for (int i = 0; i < DEEP; i++)
        if (mkdir("d", 0700) == -1 || chdir("d") == -1)
            return;
}

static void take_all_objects(void) {
    char name[16];

    for (int i = 0; i < MANY; i++) {
        shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600);
        semget(IPC_PRIVATE, 100, IPC_CREAT | 0600);
        msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        snprintf(name, sizeof name, "/%d", i);
        mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
    }
}

int main(void) {
    const char *folders[] = {"/tmp", "/ipc", "/dev/shm"};

    dig("/tmp");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        fill(folders[i]);
    take_all_objects();
    puts("done");
}
