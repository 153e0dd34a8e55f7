/* SPDX-License-Identifier: MIT */
/*
 * What the host's own Linux takes for what the hosted system does: native ROW ROUNDS prints nanoseconds for one. All
 * processes run on one CPU, as the hosted kernel and its programs do. `native tsc 0` prints ticks of the time-stamp counter
 * a second.
 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAGE 4096u
#define TSC_TIME 200000000u /* ns */

static void must(const char *what, long result)
{
    if (result >= 0)
        return;
    perror(what);
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;
    must("clock_gettime", clock_gettime(CLOCK_MONOTONIC, &t));
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A process that does body for ever; it ends with this one's last round. */
static pid_t other(void (*body)(void))
{
    pid_t child = fork();
    must("fork", child);
    if (child == 0)
        for (;;)
            body();
    return child;
}

static void other_end(pid_t child)
{
    must("kill", kill(child, SIGKILL));
    must("waitpid", waitpid(child, NULL, 0));
}

static void getpid_row(void) { syscall(SYS_getpid); }

static int to[2], from[2];
static void bytes(int out, int in)
{
    char byte = 0;
    must("write", write(out, &byte, 1));
    must("read", read(in, &byte, 1));
}
static void pipe_row(void) { bytes(to[1], from[0]); }
static void pipe_other(void)
{
    char byte;
    must("read", read(to[0], &byte, 1));
    must("write", write(from[1], &byte, 1));
}

static atomic_uint *turn; /* 0: this process, 1: the other */
static void futex_pass(unsigned mine)
{
    atomic_store(turn, 1 - mine);
    must("futex", syscall(SYS_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0));
    while (atomic_load(turn) != mine)
        syscall(SYS_futex, turn, FUTEX_WAIT, 1 - mine, NULL, NULL, 0);
}
static void futex_row(void) { futex_pass(0); }
static void futex_other(void)
{
    while (atomic_load(turn) != 1)
        syscall(SYS_futex, turn, FUTEX_WAIT, 0, NULL, NULL, 0);
    futex_pass(1);
}

static int event_to, event_from;
static void eventfd_write_row(void) { must("eventfd", eventfd_write(event_to, 1)); }
static void eventfd_row(void)
{
    eventfd_t bits;
    must("eventfd", eventfd_write(event_to, 1));
    must("eventfd", eventfd_read(event_from, &bits));
}
static void eventfd_other(void)
{
    eventfd_t bits;
    must("eventfd", eventfd_read(event_to, &bits));
    must("eventfd", eventfd_write(event_from, 1));
}

/* A page that exists, mapped and unmapped again. */
static int memory;
static void shared_row(void)
{
    void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, memory, 0);
    must("mmap", page == MAP_FAILED ? -1 : munmap(page, PAGE));
}
static void fresh_row(void)
{
    void *page =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    must("mmap", page == MAP_FAILED ? -1 : munmap(page, PAGE));
}

static void exec_row(void)
{
    pid_t child = fork();
    must("fork", child);
    if (child == 0) {
        execl("/bin/echo", "echo", "-n", (char *)NULL);
        _exit(127);
    }
    int status;
    must("waitpid", waitpid(child, &status, 0));
    must("/bin/echo", status == 0 ? 0 : -1);
}

static void prepare(void)
{
    must("pipe", pipe(to));
    must("pipe", pipe(from));
    turn = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must("mmap", turn == MAP_FAILED ? -1 : 0);
    must("eventfd", event_to = eventfd(0, 0));
    must("eventfd", event_from = eventfd(0, 0));
    must("memfd_create", memory = memfd_create("page", 0));
    must("ftruncate", ftruncate(memory, PAGE));
}

static const struct {
    const char *name;
    void (*row)(void);
    void (*other)(void);
} rows[] = {{"getpid", getpid_row, NULL},
            {"pipe", pipe_row, pipe_other},
            {"futex", futex_row, futex_other},
            {"eventfd_write", eventfd_write_row, NULL},
            {"eventfd", eventfd_row, eventfd_other},
            {"mmap_shared", shared_row, NULL},
            {"mmap_fresh", fresh_row, NULL},
            {"fork_exec", exec_row, NULL}};

static void measure(void (*row)(void), void (*partner)(void), unsigned long rounds)
{
    pid_t child = partner == NULL ? 0 : other(partner);
    for (unsigned long i = 0; i < rounds / 10 + 1; i++)
        row();
    uint64_t begin = now();
    for (unsigned long i = 0; i < rounds; i++)
        row();
    printf("%.1f\n", (double)(now() - begin) / (double)rounds);
    if (child != 0)
        other_end(child);
}

static void tsc(void)
{
    uint64_t begin = now(), ticks = __rdtsc();
    while (now() - begin < TSC_TIME)
        ;
    printf("%.0f\n", (double)(__rdtsc() - ticks) * 1e9 / (double)(now() - begin));
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    must("sched_setaffinity", sched_setaffinity(0, sizeof here, &here));
    if (argc == 3 && strcmp(argv[1], "tsc") == 0) {
        tsc();
        return 0;
    }
    prepare();
    for (size_t i = 0; rounds != 0 && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, argv[1]) == 0) {
            measure(rows[i].row, rows[i].other, rounds);
            return 0;
        }
    fprintf(stderr, "usage: native ROW ROUNDS\n");
    return 2;
}
