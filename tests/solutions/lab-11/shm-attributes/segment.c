/* segment make KEY BYTES MODE | show ID | mode ID MODE | remove ID: a small ipcs and ipcrm. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <time.h>

static int usage(void) {
    fputs("usage: segment make KEY BYTES MODE\n"
          "       segment show ID\n"
          "       segment mode ID MODE\n"
          "       segment remove ID\n",
          stderr);
    return 2;
}

/* Digits of the base and nothing else: no sign, no space, no more than `most`. */
static bool parse(const char *s, unsigned base, uint64_t most, uint64_t *out) {
    const char *digits = "0123456789abcdef";
    if (*s == '\0')
        return false;
    for (*out = 0; *s != '\0'; s++) {
        char low = *s >= 'A' && *s <= 'F' ? (char)(*s + 'a' - 'A') : *s;
        const char *at = strchr(digits, low);
        if (at == NULL || at - digits >= (int)base)
            return false;
        if (*out > (most - (uint64_t)(at - digits)) / base)
            return false;
        *out = *out * base + (uint64_t)(at - digits);
    }
    return true;
}

static bool parse_key(const char *s, uint64_t *out) {
    bool hex = strncasecmp(s, "0x", 2) == 0;
    return parse(hex ? s + 2 : s, hex ? 16 : 10, UINT32_MAX, out);
}

static void print_time(const char *label, time_t when) {
    if (when == 0)
        printf("%s -\n", label);
    else
        printf("%s %jd\n", label, (intmax_t)when);
}

static int cmd_make(char **arg) {
    uint64_t key, bytes, mode;
    if (!parse_key(arg[0], &key) || !parse(arg[1], 10, LONG_MAX, &bytes) ||
        !parse(arg[2], 8, 0777, &mode))
        return usage();
    int id = shmget((key_t)key, bytes, IPC_CREAT | IPC_EXCL | (int)mode);
    if (id == -1)
        err(1, "shmget key 0x%08jx", (uintmax_t)key);
    printf("id %d\n", id);
    return 0;
}

static int cmd_show(char **arg) {
    uint64_t id;
    struct shmid_ds ds;
    if (!parse(arg[0], 10, INT_MAX, &id))
        return usage();
    if (shmctl((int)id, IPC_STAT, &ds) == -1)
        err(1, "IPC_STAT of %s", arg[0]);
    const struct ipc_perm *p = &ds.shm_perm;
    printf("key 0x%08x\n", (unsigned)p->__key);
    printf("id %d\n", (int)id);
    printf("owner %u:%u\n", p->uid, p->gid);
    printf("creator %u:%u\n", p->cuid, p->cgid);
    printf("mode %04o\n", (unsigned)p->mode & 0777u);
    printf("status %s\n", p->mode & SHM_DEST ? "dest" : "-");
    printf("bytes %zu\n", ds.shm_segsz);
    printf("attached %ju\n", (uintmax_t)ds.shm_nattch);
    printf("creator-pid %d\n", ds.shm_cpid);
    printf("last-pid %d\n", ds.shm_lpid);
    print_time("attach-time", ds.shm_atime);
    print_time("detach-time", ds.shm_dtime);
    print_time("change-time", ds.shm_ctime);
    return 0;
}

static int cmd_mode(char **arg) {
    uint64_t id, mode;
    struct shmid_ds ds;
    if (!parse(arg[0], 10, INT_MAX, &id) || !parse(arg[1], 8, 0777, &mode))
        return usage();
    if (shmctl((int)id, IPC_STAT, &ds) == -1)
        err(1, "IPC_STAT of %s", arg[0]);
    ds.shm_perm.mode = (unsigned short)mode;
    if (shmctl((int)id, IPC_SET, &ds) == -1)
        err(1, "IPC_SET of %s", arg[0]);
    return 0;
}

static int cmd_remove(char **arg) {
    uint64_t id;
    if (!parse(arg[0], 10, INT_MAX, &id))
        return usage();
    if (shmctl((int)id, IPC_RMID, NULL) == -1)
        err(1, "IPC_RMID of %s", arg[0]);
    return 0;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int args;
        int (*run)(char **);
    } commands[] = {
        {"make", 3, cmd_make},
        {"show", 1, cmd_show},
        {"mode", 2, cmd_mode},
        {"remove", 1, cmd_remove},
    };
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 == commands[i].args)
            return commands[i].run(argv + 2);
    return usage();
}
