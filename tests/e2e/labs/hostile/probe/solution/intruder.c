/*
 * intruder - tries what nobody's program may do, and prints for each attempt `done` or the name of
 * the error.
 *
 *     intruder process PID...      signals, tracing, memory, files in /proc
 *     intruder kernel              privileges, namespaces, devices, calls that are not for
 * everybody intruder objects             more of each IPC object, and of memory, than one may have
 *     intruder read PATH...
 *     intruder write PATH...
 *     intruder execute PATH...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <net/ethernet.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *deed, long result) {
    printf("%s %s\n", deed, result == -1 ? strerrorname_np(errno) : "done");
    fflush(stdout);
}

static void tell_of(const char *deed, const char *object, long result) {
    const char *how = result == -1 ? strerrorname_np(errno) : "done";

    printf("%s %s %s\n", deed, object, how);
    fflush(stdout);
}

/* What is done to another process is done with its files in /proc, too. */
static void attack_files(pid_t victim) {
    const struct {
        const char *name;
        int flags;
    } files[] = {{"mem", O_RDWR},     {"environ", O_RDONLY}, {"maps", O_RDONLY},
                 {"fd/0", O_RDONLY},  {"fd/1", O_WRONLY},    {"root/tmp", O_RDONLY},
                 {"cwd/.", O_RDONLY}, {"exe", O_RDONLY},     {"oom_score_adj", O_WRONLY},
                 {"ns/mnt", O_RDONLY}};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];

        snprintf(path, sizeof path, "/proc/%d/%s", victim, files[i].name);
        tell(files[i].name, open(path, files[i].flags));
    }
}

static void attack(pid_t victim) {
    char byte = 0;
    const struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    const struct rlimit none = {0, 0};
    const struct sched_param idle = {0};
    const int handle = (int)syscall(SYS_pidfd_open, victim, 0);

    tell("PTRACE_SEIZE", ptrace(PTRACE_SEIZE, victim, NULL, NULL));
    tell("PTRACE_ATTACH", ptrace(PTRACE_ATTACH, victim, NULL, NULL));
    tell("process_vm_readv", process_vm_readv(victim, &here, 1, &there, 1, 0));
    tell("process_vm_writev", process_vm_writev(victim, &here, 1, &there, 1, 0));
    tell("prlimit", prlimit(victim, RLIMIT_NOFILE, &none, NULL));
    tell("setpriority", setpriority(PRIO_PROCESS, (id_t)victim, 19));
    tell("sched_setscheduler", sched_setscheduler(victim, SCHED_IDLE, &idle));
    tell("pidfd_getfd", syscall(SYS_pidfd_getfd, handle, 0, 0));
    attack_files(victim);
    tell("SIGTERM", kill(victim, SIGTERM));
    tell("SIGSTOP", kill(victim, SIGSTOP));
    tell("SIGKILL", kill(victim, SIGKILL));
    tell("pidfd SIGKILL", syscall(SYS_pidfd_send_signal, handle, SIGKILL, NULL, 0));
}

static void become_another(void) {
    tell("setuid 0", setresuid(0, 0, 0));
    tell("setuid peer", setresuid(1999, 1999, 1999));
    tell("setgid 0", setresgid(0, 0, 0));
    tell("setgroups", setgroups(0, NULL));
    setfsuid(0);
    tell("setfsuid 0", setfsuid(-1) == 0 ? 0 : (errno = EPERM, -1));
    tell("chroot", chroot("/tmp"));
    tell("sethostname", sethostname("owned", 5));
    tell("nice", setpriority(PRIO_PROCESS, 0, -1));
    tell("mlockall", setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){1UL << 40, 1UL << 40}));
}

static void leave_namespaces(void) {
    const struct {
        const char *name;
        int flag;
    } kinds[] = {{"user", CLONE_NEWUSER},    {"mnt", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
                 {"net", CLONE_NEWNET},      {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
                 {"cgroup", CLONE_NEWCGROUP}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        tell_of("unshare", kinds[i].name, unshare(kinds[i].flag));
    tell("clone user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, NULL, NULL, 0));
    tell("mount", mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
    tell("remount", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    tell("umount", umount2("/tmp", MNT_DETACH));
    tell("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
}

static void make_things(void) {
    tell("mknod device", mknod("/tmp/disk", S_IFBLK | 0600, makedev(254, 0)));
    tell("set-uid file", mknod("/tmp/suid", S_IFREG | 06777, 0));
    tell("raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    tell("packet socket", socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
    tell("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
}

static void use_rare_calls(void) {
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event};
    union bpf_attr program = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER};
    struct io_uring_params ring = {0};
    char handle[128] = {0};

    tell("io_uring_setup", syscall(SYS_io_uring_setup, 1, &ring));
    tell("bpf", syscall(SYS_bpf, BPF_PROG_LOAD, &program, sizeof program));
    tell("perf_event_open", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
    tell("userfaultfd", syscall(SYS_userfaultfd, 0));
    tell("add_key", syscall(SYS_add_key, "user", "x", "x", 1, KEY_SPEC_USER_KEYRING));
    tell("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
    tell("init_module", syscall(SYS_init_module, "", 0, ""));
    tell("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    tell("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, handle, O_RDONLY));
    tell("reboot", reboot(RB_DISABLE_CAD));
    tell("swapoff", swapoff("/tmp/none"));
    tell("settimeofday", settimeofday(&(struct timeval){0}, NULL));
    tell("syslog", syscall(SYS_syslog, 3, handle, sizeof handle));
    tell("iopl", syscall(SYS_iopl, 3));
}

static void take_more_than_there_is(void) {
    struct mq_attr huge = {.mq_maxmsg = 10000, .mq_msgsize = 1 << 24};

    tell("segment of 1 GiB", shmget(IPC_PRIVATE, 1UL << 30, IPC_CREAT | 0600));
    tell("set of 1000 semaphores", semget(IPC_PRIVATE, 1000, IPC_CREAT | 0600));
    tell("queue of 10000 messages", mq_open("/huge", O_CREAT | O_RDWR, 0600, &huge));
    for (int i = 0; i < 5000; i++)
        if (shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) == -1)
            break;
    tell("segments", shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
    for (int i = 0; i < 5000; i++)
        if (msgget(IPC_PRIVATE, IPC_CREAT | 0600) == -1)
            break;
    tell("queues", msgget(IPC_PRIVATE, IPC_CREAT | 0600));
    tell("core", setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}));
    tell("files", setrlimit(RLIMIT_NOFILE, &(struct rlimit){1 << 20, 1 << 20}));
    tell("file size", setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}));
    tell("POSIX queues", setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){1 << 30, 1 << 30}));
}

static long execute(const char *path) {
    int status;
    const pid_t child = fork();

    if (child == 0) {
        execl(path, path, (char *)NULL);
        _exit(errno);
    }
    if (child == -1 || waitpid(child, &status, 0) == -1)
        return -1;
    errno = WEXITSTATUS(status);
    return errno ? -1 : 0;
}

int main(int argc, char **argv) {
    const char *deed = argc > 1 ? argv[1] : "";

    if (strcmp(deed, "kernel") == 0) {
        become_another();
        leave_namespaces();
        make_things();
        use_rare_calls();
    }
    if (strcmp(deed, "objects") == 0)
        take_more_than_there_is();
    for (int i = 2; i < argc; i++) {
        if (strcmp(deed, "process") == 0)
            attack(atoi(argv[i]));
        if (strcmp(deed, "read") == 0)
            tell_of(deed, argv[i], open(argv[i], O_RDONLY));
        if (strcmp(deed, "write") == 0)
            tell_of(deed, argv[i], open(argv[i], O_WRONLY | O_CREAT, 0600));
        if (strcmp(deed, "execute") == 0)
            tell_of(deed, argv[i], execute(argv[i]));
    }
    return 0;
}
