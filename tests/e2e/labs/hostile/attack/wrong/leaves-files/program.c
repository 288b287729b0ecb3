/* Leaves two files and a folder, with a file in it, that are no channel. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    close(open("/tmp/left", O_CREAT | O_WRONLY, 0600));
    close(open("/ipc/left", O_CREAT | O_WRONLY, 0660));
    mkdir("/ipc/folder", 0700);
    close(open("/ipc/folder/inside", O_CREAT | O_WRONLY, 0600));
    puts("done");
}
