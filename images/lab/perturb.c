/*
 * perturb.o: linked into a program that was compiled with -fsanitize=thread, in place of libtsan.
 *
 * A race that is lost once in a thousand runs can't be judged by running a program. The compiler
 * calls a function before every access to memory; these here give the processor away at random
 * before those that go to memory which other processes may share (mmap() with MAP_SHARED, shmat()),
 * so that others get in between as often as not. IPCLAB_PERTURB is the seed: the same seed gives
 * the same choices in the same order.
 *
 * IPCLAB_DEATHS is for programs whose processes may be killed at any time, numbers with commas
 * between them: the first one is for the program itself, the next one for the first child that it
 * forks, and so on. A process kills itself right before its access of that number to such memory,
 * counted from its start; 0, and none, is never.
 *
 * Without both nothing happens.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RANGES = 64, YIELD_ONE_IN = 4, SLEEP_ONE_IN = 16, SHORTEST_NS = 1000, LONGEST_NS = 100000 };

struct range {
    _Atomic uintptr_t begin, end; /* end 0: free */
};

static struct range shared[RANGES];
static _Atomic uint64_t drawn; /* how many numbers were drawn */
static uint64_t seed;
static bool on;
static _Atomic unsigned forks;
static const char *deaths; /* the variable; NULL for none */
static uint64_t death;     /* which access this process does not live to make; 0: none */
static _Atomic uint64_t accesses;

/* splitmix64 by Steele, Lea and Flood: a good number out of any counter. */
static uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t draw(void) {
    return mixed(seed +
                 0x9e3779b97f4a7c15u * atomic_fetch_add_explicit(&drawn, 1, memory_order_relaxed));
}

static void count_fork(void) {
    atomic_fetch_add(&forks, 1);
}

static void choose_death(unsigned process) {
    const char *text = deaths;
    for (; text != NULL && process > 0; process--)
        text = (text = strchr(text, ',')) == NULL ? NULL : text + 1;
    death = text == NULL ? 0 : strtoull(text, NULL, 10);
    atomic_store(&accesses, 0);
}

/* A child goes another way than its parent and its siblings, the same one in every run. */
static void reseed(void) {
    seed = mixed(seed ^ atomic_load(&forks));
    atomic_store(&drawn, 0);
    choose_death(atomic_load(&forks));
}

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("IPCLAB_PERTURB");
    deaths = getenv("IPCLAB_DEATHS");
    if (text == NULL && deaths == NULL)
        return;
    on = text != NULL;
    seed = on ? mixed(strtoull(text, NULL, 10)) : 0;
    choose_death(0);
    if (pthread_atfork(count_fork, NULL, reseed) != 0)
        abort();
}

static bool is_shared(uintptr_t address) {
    for (int i = 0; i < RANGES; i++)
        if (address < atomic_load_explicit(&shared[i].end, memory_order_acquire) &&
            address >= atomic_load_explicit(&shared[i].begin, memory_order_relaxed))
            return true;
    return false;
}

static void perturb(const volatile void *address) {
    if ((!on && death == 0) || !is_shared((uintptr_t)address))
        return;
    if (death > 0 && atomic_fetch_add_explicit(&accesses, 1, memory_order_relaxed) + 1 == death)
        kill(getpid(), SIGKILL);
    if (!on)
        return;
    uint64_t number = draw();
    if (number % SLEEP_ONE_IN == 0) {
        long ns = SHORTEST_NS + (long)((number >> 32) % (LONGEST_NS - SHORTEST_NS));
        nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
    } else if (number % YIELD_ONE_IN == 0) {
        sched_yield();
    }
}

/* Which memory is shared is told by the calls that map it: ours come before the C library's. */

static void note(void *begin, size_t size) {
    for (int i = 0; i < RANGES; i++) {
        uintptr_t none = 0;
        /* Of two threads that want this one, the first gets it: no address is below 1. */
        if (atomic_compare_exchange_strong(&shared[i].end, &none, 1)) {
            atomic_store(&shared[i].begin, (uintptr_t)begin);
            atomic_store(&shared[i].end, (uintptr_t)begin + size);
            return;
        }
    }
}

static void forget(const void *begin) {
    for (int i = 0; i < RANGES; i++)
        if (atomic_load(&shared[i].end) > 1 && atomic_load(&shared[i].begin) == (uintptr_t)begin)
            atomic_store(&shared[i].end, 0);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    void *mapped = (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
    if (mapped != MAP_FAILED && (flags & MAP_TYPE) != MAP_PRIVATE)
        note(mapped, size);
    return mapped;
}

void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

int munmap(void *address, size_t size) {
    forget(address);
    return (int)syscall(SYS_munmap, address, size);
}

void *shmat(int shmid, const void *address, int flags) {
    void *attached = (void *)syscall(SYS_shmat, shmid, address, flags);
    struct shmid_ds about;
    if (attached != (void *)-1 && shmctl(shmid, IPC_STAT, &about) == 0)
        note(attached, about.shm_segsz);
    return attached;
}

int shmdt(const void *address) {
    forget(address);
    return (int)syscall(SYS_shmdt, address);
}

/* What the compiler calls. Names and types are those of libtsan. */

void __tsan_init(void) {}
void __tsan_func_entry(void *caller) {
    (void)caller;
}
void __tsan_func_exit(void) {}
void __tsan_read_range(const void *address, size_t size) {
    (void)size;
    perturb(address);
}
void __tsan_write_range(void *address, size_t size) {
    (void)size;
    perturb(address);
}

#define ACCESS(name)                                                                               \
    void __tsan_##name(void *address) {                                                            \
        perturb(address);                                                                          \
    }
#define ACCESSES(size)                                                                             \
    ACCESS(read##size)                                                                             \
    ACCESS(write##size)                                                                            \
    ACCESS(unaligned_read##size)                                                                   \
    ACCESS(unaligned_write##size)                                                                  \
    ACCESS(volatile_read##size)                                                                    \
    ACCESS(volatile_write##size)                                                                   \
    ACCESS(unaligned_volatile_read##size)                                                          \
    ACCESS(unaligned_volatile_write##size)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

/* Atomic accesses are calls as a whole. The strongest order serves for all. */
#define FETCH(bits, type, name)                                                                    \
    type __tsan_atomic##bits##_fetch_##name(volatile type *address, type value, int order) {       \
        (void)order;                                                                               \
        perturb(address);                                                                          \
        return __atomic_fetch_##name(address, value, __ATOMIC_SEQ_CST);                            \
    }
#define COMPARE_EXCHANGE(bits, type, strength, is_weak)                                            \
    int __tsan_atomic##bits##_compare_exchange_##strength(                                         \
        volatile type *address, type *expected, type desired, int success, int failure) {          \
        (void)success;                                                                             \
        (void)failure;                                                                             \
        perturb(address);                                                                          \
        return __atomic_compare_exchange_n(address, expected, desired, is_weak, __ATOMIC_SEQ_CST,  \
                                           __ATOMIC_SEQ_CST);                                      \
    }
#define ATOMICS(bits, type)                                                                        \
    type __tsan_atomic##bits##_load(const volatile type *address, int order) {                     \
        (void)order;                                                                               \
        perturb(address);                                                                          \
        return __atomic_load_n(address, __ATOMIC_SEQ_CST);                                         \
    }                                                                                              \
    void __tsan_atomic##bits##_store(volatile type *address, type value, int order) {              \
        (void)order;                                                                               \
        perturb(address);                                                                          \
        __atomic_store_n(address, value, __ATOMIC_SEQ_CST);                                        \
    }                                                                                              \
    type __tsan_atomic##bits##_exchange(volatile type *address, type value, int order) {           \
        (void)order;                                                                               \
        perturb(address);                                                                          \
        return __atomic_exchange_n(address, value, __ATOMIC_SEQ_CST);                              \
    }                                                                                              \
    FETCH(bits, type, add)                                                                         \
    FETCH(bits, type, sub)                                                                         \
    FETCH(bits, type, and)                                                                         \
    FETCH(bits, type, or)                                                                          \
    FETCH(bits, type, xor)                                                                         \
    FETCH(bits, type, nand)                                                                        \
    COMPARE_EXCHANGE(bits, type, strong, 0)                                                        \
    COMPARE_EXCHANGE(bits, type, weak, 1)
ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

void __tsan_atomic_thread_fence(int order) {
    (void)order;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
void __tsan_atomic_signal_fence(int order) {
    (void)order;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
