/*
 * bank NAME make ACCOUNTS MONEY | transfer FROM TO AMOUNT | halfway FROM TO AMOUNT | total |
 *           run WORKERS TRANSFERS
 * What was there before is written down, and the next owner undoes what was begun. The parent
 * of the workers sleeps in poll(), on a descriptor for its signals and one for each worker.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORKERS = 16, NOBODY = MAX_WORKERS, HEAD = 4096 };

struct bank {
    _Atomic uint32_t state;
    uint32_t accounts;
    _Atomic uint64_t repairs;
    alignas(64) _Atomic uint64_t done[MAX_WORKERS];
    pthread_mutex_t lock;
    /* While `begun` is 1, the balances and the count may be half changed; these are the old ones.
     */
    alignas(64) _Atomic uint32_t begun;
    uint32_t from, to, worker;
    int64_t old_from, old_to;
    uint64_t old_done;
    alignas(HEAD) _Atomic int64_t balances[];
};
_Static_assert(offsetof(struct bank, done) == 64 && offsetof(struct bank, balances) == HEAD,
               "layout");

static struct bank *bank;

static void undo(void) {
    if (bank->begun == 0)
        return;
    bank->balances[bank->from] = bank->old_from;
    bank->balances[bank->to] = bank->old_to;
    if (bank->worker != NOBODY)
        bank->done[bank->worker] = bank->old_done;
    bank->begun = 0;
}

static void lock(void) {
    errno = pthread_mutex_lock(&bank->lock);
    if (errno == EOWNERDEAD) {
        undo();
        bank->repairs = bank->repairs + 1;
        errno = pthread_mutex_consistent(&bank->lock);
    }
    if (errno != 0)
        err(1, "the lock");
}

static void unlock(void) {
    errno = pthread_mutex_unlock(&bank->lock);
    if (errno != 0)
        err(1, "pthread_mutex_unlock");
}

static bool halfway(void) {
    char buf[4096];
    ssize_t n;
    if (puts("halfway") == EOF || fflush(stdout) == EOF)
        return false;
    while ((n = read(STDIN_FILENO, buf, sizeof buf)) > 0 || (n == -1 && errno == EINTR))
        ;
    return n == 0;
}

/* With the lock. False, and nothing is done, if it was to stop halfway and could not. */
static bool move(uint32_t from, uint32_t to, int64_t amount, uint32_t worker, bool stops) {
    bank->from = from;
    bank->to = to;
    bank->worker = worker;
    bank->old_from = bank->balances[from];
    bank->old_to = bank->balances[to];
    if (worker != NOBODY)
        bank->old_done = bank->done[worker];
    bank->begun = 1; /* from here on it is undone */
    bank->balances[from] = bank->old_from - amount;
    if (stops && !halfway()) {
        int error = errno;
        undo();
        errno = error;
        return false;
    }
    bank->balances[to] = bank->old_to + amount;
    if (worker != NOBODY)
        bank->done[worker] = bank->old_done + 1;
    bank->begun = 0; /* from here on it is done */
    return true;
}

static void make(const char *name, uint32_t accounts, int64_t money) {
    umask(0);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0660);
    if (fd == -1)
        err(1, "shm_open %s", name);
    size_t bytes = HEAD + accounts * sizeof bank->balances[0];
    pthread_mutexattr_t how;
    int error = posix_fallocate(fd, 0, (off_t)bytes);
    if (error == 0) {
        bank = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        error = bank == MAP_FAILED ? errno : pthread_mutexattr_init(&how);
    }
    if (error == 0)
        error = pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    if (error == 0)
        error = pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    if (error == 0)
        error = pthread_mutex_init(&bank->lock, &how);
    if (error != 0) {
        shm_unlink(name);
        errno = error;
        err(1, "making %s", name);
    }
    bank->accounts = accounts;
    for (uint32_t i = 0; i < accounts; i++)
        bank->balances[i] = money;
    bank->state = 1;
}

static void open_bank(const char *name) {
    int fd = shm_open(name, O_RDWR, 0);
    struct stat st;
    if (fd == -1 || fstat(fd, &st) == -1)
        err(1, "%s", name);
    if (st.st_size < HEAD + 16)
        errx(1, "%s is too small for a bank", name);
    bank = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bank == MAP_FAILED)
        err(1, "mmap");
    close(fd);
    if (bank->state != 1 || st.st_size != HEAD + (off_t)bank->accounts * 8)
        errx(1, "%s is no bank", name);
}

static void transfer(uintmax_t from, uintmax_t to, int64_t amount, bool stops) {
    if (from >= bank->accounts || to >= bank->accounts)
        errx(1, "there are %" PRIu32 " accounts only", bank->accounts);
    lock();
    bool done = move((uint32_t)from, (uint32_t)to, amount, NOBODY, stops);
    int error = errno;
    unlock();
    errno = error;
    if (!done)
        err(1, "halfway");
}

static void total(void) {
    uint64_t sum = 0;
    lock();
    for (uint32_t i = 0; i < bank->accounts; i++)
        sum += (uint64_t)bank->balances[i];
    unlock();
    printf("total %" PRId64 "\n", (int64_t)sum);
}

static _Noreturn void work(uint32_t me, uint64_t transfers) {
    for (;;) {
        lock();
        uint64_t k = bank->done[me], first = (me + k) % bank->accounts;
        if (k >= transfers) {
            unlock();
            _exit(0);
        }
        move((uint32_t)first, (uint32_t)((first + 1) % bank->accounts), 1 + (int64_t)(k % 5), me,
             false);
        unlock();
    }
}

static pid_t workers[MAX_WORKERS];
static struct pollfd watched[MAX_WORKERS + 1]; /* the last one is for the signals */

static bool start(uint32_t me, uint64_t transfers, const sigset_t *before) {
    pid_t parent = getpid();
    workers[me] = fork();
    if (workers[me] == 0) {
        close_range(3, UINT_MAX, 0);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
            _exit(1);
        sigprocmask(SIG_SETMASK, before, NULL);
        work(me, transfers);
    }
    watched[me].fd = workers[me] == -1 ? -1 : pidfd_open(workers[me], 0);
    watched[me].events = POLLIN;
    return watched[me].fd != -1;
}

static void end_workers(void) {
    for (int i = 0; i < MAX_WORKERS; i++)
        if (workers[i] > 0)
            kill(workers[i], SIGKILL);
    for (int i = 0; i < MAX_WORKERS; i++)
        if (workers[i] > 0)
            waitpid(workers[i], NULL, 0);
}

static void give_up(const char *what) {
    int error = errno;
    end_workers();
    errno = error;
    err(1, "%s", what);
}

static int run(uint32_t count, uint64_t transfers) {
    signal(SIGCHLD, SIG_DFL);
    sigset_t stop, before;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, &before);
    watched[count] = (struct pollfd){.fd = signalfd(-1, &stop, SFD_CLOEXEC), .events = POLLIN};
    if (watched[count].fd == -1)
        err(1, "signalfd");
    for (uint32_t i = 0; i < count; i++)
        if (!start(i, transfers, &before))
            give_up("starting a worker");

    uint64_t restarts = 0;
    bool stopped = false;
    for (uint32_t left = count; left > 0 && !stopped;) {
        if (poll(watched, count + 1, -1) == -1 && errno != EINTR)
            give_up("poll");
        stopped = watched[count].revents != 0;
        for (uint32_t i = 0; i < count && !stopped; i++) {
            int status;
            if (watched[i].revents == 0)
                continue;
            if (waitpid(workers[i], &status, 0) == -1)
                give_up("waitpid");
            close(watched[i].fd);
            watched[i].fd = -1;
            workers[i] = 0;
            if (WIFSIGNALED(status)) {
                restarts++;
                if (!start(i, transfers, &before))
                    give_up("starting a worker again");
            } else if (WEXITSTATUS(status) == 0) {
                left--;
            } else {
                end_workers();
                errx(1, "worker %" PRIu32 " has failed", i);
            }
        }
    }
    end_workers();
    printf("restarts %" PRIu64 "\n", restarts);
    return stopped ? 1 : 0;
}

static void usage(void) {
    fprintf(stderr, "usage: bank NAME make ACCOUNTS MONEY | transfer FROM TO AMOUNT |\n"
                    "                 halfway FROM TO AMOUNT | total | run WORKERS TRANSFERS\n");
    exit(2);
}

static uintmax_t number(const char *text, uintmax_t min, uintmax_t max) {
    char *end;
    errno = 0;
    uintmax_t n = strtoumax(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || n < min || n > max)
        usage();
    return n;
}

int main(int argc, char **argv) {
    int status = 0;
    const char *what = argc > 2 ? argv[2] : "";
    bool stops = strcmp(what, "halfway") == 0;
    if (argc == 5 && strcmp(what, "make") == 0) {
        uint32_t accounts = (uint32_t)number(argv[3], 2, 1000);
        make(argv[1], accounts, (int64_t)number(argv[4], 0, INT_MAX));
    } else if (argc == 6 && (stops || strcmp(what, "transfer") == 0)) {
        uintmax_t from = number(argv[3], 0, UINTMAX_MAX), to = number(argv[4], 0, UINTMAX_MAX);
        int64_t amount = (int64_t)number(argv[5], 1, INT_MAX);
        if (from == to)
            usage();
        open_bank(argv[1]);
        transfer(from, to, amount, stops);
    } else if (argc == 3 && strcmp(what, "total") == 0) {
        open_bank(argv[1]);
        total();
    } else if (argc == 5 && strcmp(what, "run") == 0) {
        uint32_t count = (uint32_t)number(argv[3], 1, MAX_WORKERS);
        uint64_t transfers = number(argv[4], 1, UINT64_MAX);
        open_bank(argv[1]);
        status = run(count, transfers);
    } else {
        usage();
    }
    if (fflush(stdout) == EOF || ferror(stdout))
        err(1, "standard output");
    return status;
}
