/*
 * bank NAME make ACCOUNTS MONEY | transfer FROM TO AMOUNT | halfway FROM TO AMOUNT | total |
 *           run WORKERS TRANSFERS
 *
 * Accounts in a POSIX shared memory object. Whoever is killed in the middle of a transfer leaves
 * the lock taken and the money gone; the next one is told, finishes the transfer, and goes on.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MODE = 0660, MADE = 1, WORKERS = 16, MIN_ACCOUNTS = 2, MAX_ACCOUNTS = 1000, EXIT_USAGE = 2 };
enum { NOBODY = WORKERS }; /* a transfer that is no worker's */

/*
 * What is to be, before it is: the balances after a transfer, and not what to add to them. To put
 * them in place twice does no harm.
 */
struct plan {
    _Atomic bool made;
    _Atomic uint32_t worker, from, to;
    _Atomic uint64_t done;
    _Atomic int64_t from_balance, to_balance;
};

/*
 * Atomic for the sake of the next owner: he must find the stores of one who was killed in the order
 * in which they stand here, and the compiler may change that of others.
 */
struct bank {
    _Atomic uint32_t state;
    uint32_t accounts;
    _Atomic uint64_t repairs;
    alignas(64) _Atomic uint64_t done[WORKERS];
    /* From here on ours, up to byte 4096. */
    pthread_mutex_t lock;
    struct plan plan;
    alignas(4096) _Atomic int64_t balances[];
};
static_assert(offsetof(struct bank, repairs) == 8 && offsetof(struct bank, done) == 64 &&
                  offsetof(struct bank, balances) == 4096,
              "layout");

static noreturn void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static noreturn void refuse(const char *why) {
    fprintf(stderr, "bank: %s\n", why);
    exit(EXIT_FAILURE);
}

static noreturn void usage(const char *why) {
    fprintf(stderr,
            "bank: %s\n"
            "usage: bank NAME make ACCOUNTS MONEY | transfer FROM TO AMOUNT |\n"
            "            halfway FROM TO AMOUNT | total | run WORKERS TRANSFERS\n",
            why);
    exit(EXIT_USAGE);
}

/* The pthread functions return their error and leave errno alone. */
static void must(int error, const char *what) {
    errno = error;
    if (error != 0)
        die(what);
}

static unsigned long number(const char *text, unsigned long min, unsigned long max) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < min || value > max)
        usage("a number is not one, or out of its range");
    return value;
}

static size_t bytes_of(size_t accounts) {
    return offsetof(struct bank, balances) + accounts * sizeof(int64_t);
}

/* A lock for several processes; when its owner dies, the kernel gives it to the next one. */
static int make_lock(pthread_mutex_t *lock) {
    pthread_mutexattr_t how;
    int error = pthread_mutexattr_init(&how);
    if (error == 0)
        error = pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
    if (error == 0)
        error = pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
    return error == 0 ? pthread_mutex_init(lock, &how) : error;
}

/* What went wrong, or 0. Returns on every path, so that the caller can clean up. */
static int prepare(int fd, uint32_t accounts, int64_t money) {
    int error = posix_fallocate(fd, 0, (off_t)bytes_of(accounts));
    if (error != 0)
        return error;
    struct bank *bank = mmap(NULL, bytes_of(accounts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bank == MAP_FAILED)
        return errno;
    error = make_lock(&bank->lock);
    bank->accounts = accounts;
    for (uint32_t i = 0; i < accounts; i++)
        bank->balances[i] = money;
    if (error == 0)
        bank->state = MADE; /* last of all */
    return error;
}

static void make(const char *name, uint32_t accounts, int64_t money) {
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, MODE);
    if (fd == -1)
        die("bank: shm_open");
    int error = prepare(fd, accounts, money);
    if (error != 0 && shm_unlink(name) == -1)
        perror("bank: shm_unlink");
    must(error, "bank: no bank was made");
}

static struct bank *open_bank(const char *name) {
    int fd = shm_open(name, O_RDWR, 0);
    if (fd == -1)
        die("bank: shm_open");
    struct stat status;
    if (fstat(fd, &status) == -1)
        die("bank: fstat");
    if (status.st_size < (off_t)bytes_of(MIN_ACCOUNTS))
        refuse("the object is too small for a bank");
    struct bank *bank =
        mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bank == MAP_FAILED)
        die("bank: mmap");
    if (close(fd) == -1)
        die("bank: close");
    if (bank->state != MADE || bytes_of(bank->accounts) != (size_t)status.st_size)
        refuse("the object is no bank");
    return bank;
}

static void stop_halfway(void) {
    if (puts("halfway") == EOF || fflush(stdout) == EOF)
        die("bank: standard output");
    while (getchar() != EOF)
        ;
}

/* Puts a plan in place: the one who made it does that, and whoever finds it after his death. */
static void carry_out(struct bank *bank, bool stops) {
    struct plan *plan = &bank->plan;
    bank->balances[plan->from] = plan->from_balance;
    if (stops)
        stop_halfway();
    bank->balances[plan->to] = plan->to_balance;
    if (plan->worker != NOBODY)
        bank->done[plan->worker] = plan->done;
    plan->made = false;
}

/* A lock whose owner was killed is ours, and with it what he has left. */
static void repair(struct bank *bank) {
    bank->repairs++;
    if (bank->plan.made)
        carry_out(bank, false);
    must(pthread_mutex_consistent(&bank->lock), "bank: pthread_mutex_consistent");
}

static void enter(struct bank *bank) {
    int error = pthread_mutex_lock(&bank->lock);
    if (error == EOWNERDEAD)
        repair(bank);
    else
        must(error, "bank: pthread_mutex_lock");
}

static void leave(struct bank *bank) {
    must(pthread_mutex_unlock(&bank->lock), "bank: pthread_mutex_unlock");
}

/* Plans a transfer, inside the lock. Until it is made, nothing has happened. */
static void make_plan(struct bank *bank, uint32_t from, uint32_t to, int64_t amount,
                      uint32_t worker) {
    struct plan *plan = &bank->plan;
    plan->from = from;
    plan->to = to;
    plan->from_balance = bank->balances[from] - amount;
    plan->to_balance = bank->balances[to] + amount;
    plan->worker = worker;
    if (worker != NOBODY)
        plan->done = bank->done[worker] + 1;
    plan->made = true;
}

static void transfer(struct bank *bank, unsigned long from, unsigned long to, int64_t amount,
                     bool stops) {
    if (from >= bank->accounts || to >= bank->accounts)
        refuse("there is no such account");
    enter(bank);
    make_plan(bank, (uint32_t)from, (uint32_t)to, amount, NOBODY);
    carry_out(bank, stops);
    leave(bank);
}

static void total(struct bank *bank) {
    int64_t sum = 0;
    enter(bank);
    for (uint32_t i = 0; i < bank->accounts; i++)
        sum += bank->balances[i];
    leave(bank);
    printf("total %" PRId64 "\n", sum);
}

/* Whether there was one more for this worker to do. Which one it was, only the object knows. */
static bool do_next(struct bank *bank, uint32_t worker, uint64_t transfers) {
    enter(bank);
    uint64_t k = bank->done[worker];
    if (k < transfers) {
        uint32_t from = (uint32_t)((worker + k) % bank->accounts);
        make_plan(bank, from, (from + 1) % bank->accounts, (int64_t)(1 + k % 5), worker);
        carry_out(bank, false);
    }
    leave(bank);
    return k < transfers;
}

/* The processes of a run, as their parent knows them. */
struct crew {
    struct bank *bank;
    uint64_t transfers;
    uint32_t workers;
    sigset_t usual; /* the signals that were blocked before the parent began to wait for some */
    pid_t pids[WORKERS]; /* 0: none */
    unsigned long restarts;
};

/* Ends all that still work. They may be anywhere in a transfer: the bank can bear that. */
static void stop(struct crew *crew) {
    for (uint32_t i = 0; i < crew->workers; i++)
        if (crew->pids[i] != 0 && kill(crew->pids[i], SIGKILL) == -1)
            perror("bank: kill");
    for (uint32_t i = 0; i < crew->workers; i++)
        if (crew->pids[i] != 0 && waitpid(crew->pids[i], NULL, 0) == -1)
            perror("bank: waitpid");
}

static void start(struct crew *crew, uint32_t worker) {
    pid_t pid = fork();
    if (pid == -1) {
        perror("bank: fork");
        stop(crew);
        exit(EXIT_FAILURE);
    }
    if (pid == 0) {
        if (sigprocmask(SIG_SETMASK, &crew->usual, NULL) == -1)
            die("bank: sigprocmask");
        while (do_next(crew->bank, worker, crew->transfers))
            ;
        _exit(EXIT_SUCCESS);
    }
    crew->pids[worker] = pid;
}

/* Notes the end of a worker; one that was killed is started again, to do the rest. */
static void note_end(struct crew *crew, pid_t pid, int status) {
    uint32_t worker = 0;
    while (crew->pids[worker] != pid)
        worker++;
    crew->pids[worker] = 0;
    if (WIFSIGNALED(status)) {
        crew->restarts++;
        start(crew, worker);
    } else if (WEXITSTATUS(status) != EXIT_SUCCESS) {
        stop(crew);
        refuse("a worker has failed");
    }
}

static bool anybody_works(const struct crew *crew) {
    for (uint32_t i = 0; i < crew->workers; i++)
        if (crew->pids[i] != 0)
            return true;
    return false;
}

/* Whether all is done; false when a signal came first. Sleeps while nothing happens. */
static bool watch(struct crew *crew, const sigset_t *awaited) {
    while (anybody_works(crew)) {
        int status, signo = sigwaitinfo(awaited, NULL);
        if (signo == SIGTERM || signo == SIGINT)
            return false;
        /* One SIGCHLD may stand for several ends. */
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            note_end(crew, pid, status);
    }
    return true;
}

static int run(struct bank *bank, uint32_t workers, uint64_t transfers) {
    struct crew crew = {.bank = bank, .workers = workers, .transfers = transfers};
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    /* Before the first one starts: a signal that comes between two waits stays pending. */
    if (sigprocmask(SIG_BLOCK, &awaited, &crew.usual) == -1)
        die("bank: sigprocmask");
    for (uint32_t i = 0; i < workers; i++)
        start(&crew, i);
    bool finished = watch(&crew, &awaited);
    if (!finished)
        stop(&crew);
    printf("restarts %lu\n", crew.restarts);
    return finished ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
    const char *name = argc > 1 ? argv[1] : "", *command = argc > 2 ? argv[2] : "";
    bool stops = strcmp(command, "halfway") == 0;
    int status = EXIT_SUCCESS;
    if (strcmp(command, "make") == 0 && argc == 5) {
        uint32_t accounts = (uint32_t)number(argv[3], MIN_ACCOUNTS, MAX_ACCOUNTS);
        make(name, accounts, (int64_t)number(argv[4], 0, INT_MAX));
    } else if ((stops || strcmp(command, "transfer") == 0) && argc == 6) {
        unsigned long from = number(argv[3], 0, ULONG_MAX);
        unsigned long to = number(argv[4], 0, ULONG_MAX);
        int64_t amount = (int64_t)number(argv[5], 1, INT_MAX);
        if (from == to)
            usage("FROM and TO are two accounts");
        transfer(open_bank(name), from, to, amount, stops);
    } else if (strcmp(command, "total") == 0 && argc == 3) {
        total(open_bank(name));
    } else if (strcmp(command, "run") == 0 && argc == 5) {
        uint32_t workers = (uint32_t)number(argv[3], 1, WORKERS);
        uint64_t transfers = number(argv[4], 1, INT64_MAX);
        status = run(open_bank(name), workers, transfers);
    } else {
        usage("there is no such command with so many arguments");
    }
    if (fflush(stdout) == EOF)
        die("bank: standard output");
    return status;
}
