/*
 * segment make KEY BYTES MODE | show ID | mode ID MODE | remove ID
 *
 * Makes a System V shared memory segment, shows what the kernel has written down about one, changes
 * who may use it, and removes it. It never attaches one.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

enum { PERMISSIONS = 0777, EXIT_USAGE = 2 };

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void usage(const char *why) {
    fprintf(stderr,
            "segment: %s\n"
            "usage: segment make KEY BYTES MODE | show ID | mode ID MODE | remove ID\n",
            why);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text, int base, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, base);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value > max)
        usage("KEY, BYTES and ID are numbers, MODE is an octal one up to 777");
    return value;
}

static unsigned long mode_in(const char *text) {
    return number(text, 8, PERMISSIONS);
}

/* What the kernel has written down. The id and not the key: a segment that is removed has no key.
 */
static struct shmid_ds status_of(int id) {
    struct shmid_ds about;
    if (shmctl(id, IPC_STAT, &about) == -1)
        die("segment: shmctl");
    return about;
}

static void make(key_t key, size_t bytes, unsigned long mode) {
    int id = shmget(key, bytes, IPC_CREAT | IPC_EXCL | (int)mode);
    if (id == -1)
        die("segment: shmget");
    printf("id %d\n", id);
}

static void show_time(const char *name, time_t when) {
    if (when == 0) /* it has not happened yet */
        printf("%s -\n", name);
    else
        printf("%s %lld\n", name, (long long)when);
}

static void show(int id) {
    struct shmid_ds about = status_of(id);
    const struct ipc_perm *access = &about.shm_perm;
    printf("key 0x%08x\n", (unsigned)access->__key);
    printf("id %d\n", id);
    printf("owner %u:%u\n", access->uid, access->gid);
    printf("creator %u:%u\n", access->cuid, access->cgid);
    printf("mode %04o\n", access->mode & PERMISSIONS); /* beside them the kernel keeps its flags */
    printf("status %s\n", access->mode & SHM_DEST ? "dest" : "-");
    printf("bytes %zu\n", about.shm_segsz);
    printf("attached %lu\n", (unsigned long)about.shm_nattch);
    printf("creator-pid %d\n", about.shm_cpid);
    printf("last-pid %d\n", about.shm_lpid);
    show_time("attach-time", about.shm_atime);
    show_time("detach-time", about.shm_dtime);
    show_time("change-time", about.shm_ctime);
}

static void change_mode(int id, unsigned long mode) {
    struct shmid_ds wanted = status_of(id); /* IPC_SET sets the owner, too: leave him as he is */
    wanted.shm_perm.mode = (unsigned short)mode;
    if (shmctl(id, IPC_SET, &wanted) == -1)
        die("segment: shmctl");
}

/* Nobody finds the segment by its key any more; those who are attached keep it till they detach. */
static void destroy(int id) {
    if (shmctl(id, IPC_RMID, NULL) == -1)
        die("segment: shmctl");
}

int main(int argc, char *argv[]) {
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "make") == 0 && argc == 5)
        make((key_t)number(argv[2], 0, UINT_MAX), number(argv[3], 10, LONG_MAX), mode_in(argv[4]));
    else if (strcmp(command, "show") == 0 && argc == 3)
        show((int)number(argv[2], 10, INT_MAX));
    else if (strcmp(command, "mode") == 0 && argc == 4)
        change_mode((int)number(argv[2], 10, INT_MAX), mode_in(argv[3]));
    else if (strcmp(command, "remove") == 0 && argc == 3)
        destroy((int)number(argv[2], 10, INT_MAX));
    else
        usage("there is no such command with so many arguments");
    if (fflush(stdout) == EOF)
        die("segment: standard output");
    return EXIT_SUCCESS;
}
