/* Leaves one of everything that outlives a process. */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void leave_a_socket_file(const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    strcpy(name.sun_path, path);
    bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof name);
}

static void leave_a_locked_tree(void) {
    mkdir("/tmp/tree", 0700);
    close(open("/tmp/tree/secret", O_CREAT | O_WRONLY, 0));
    chmod("/tmp/tree", 0);
}

int main(void) {
    shmget(5678, 4096, IPC_CREAT | 0600);
    shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0);
    semget(5678, 1, IPC_CREAT | 0);
    msgget(5678, IPC_CREAT | 0);
    close(shm_open("/left", O_CREAT | O_RDWR, 0));
    sem_open("/left", O_CREAT, 0600, 0);
    mq_open("/left", O_CREAT | O_RDWR, 0, NULL);
    mkfifo("/ipc/left.fifo", 0600);
    leave_a_socket_file("/ipc/left.socket");
    leave_a_locked_tree();
    symlink("/etc/passwd", "/tmp/link");
    close(open("/ipc/\x1b[31m\n\xff", O_CREAT | O_WRONLY, 0600));
    puts("done");
}
