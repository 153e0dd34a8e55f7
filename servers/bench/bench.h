/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the benchmark share. Figures are differences of the time stamp counter: with
 * QEMU's -icount shift=0 one tick is one instruction.
 *
 * Each row of the table is measured in a thread of its own, made for it, which runs nothing but the
 * row's code; this program is compiled without vector instructions, so that thread has no FPU state
 * unless the row wants it to.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define PRIORITY 20u          /* of the threads that are measured */
#define PLACE_VA 0x40000000u  /* where pages are mapped and unmapped */
#define SOURCE_VA 0x80000000u /* pages that are shared */
#define SUPERPAGE_VA 0xc0000000u
#define MESSAGES_VA 0x50000000u /* message pages of threads */

/* Labels of calls to the partner. */
#define LABEL_DROP 1u /* unmap and close what came */

/* One row. prepare and finish run in the main thread, run in the measured one: it does the
   operation so many times, between measure_begin and measure_end. */
struct bench_row {
    const char *name;
    uint32_t rounds; /* that count; a hundredth of them is done before */
    uint32_t step;   /* only multiples of it can be done; 0: any number */
    void (*prepare)(void);
    void (*run)(uint64_t rounds);
    void (*finish)(void);
    int fpu;               /* 1: the thread has live FPU state */
    int (*possible)(void); /* NULL, or says whether this machine has what it needs */
};

extern const struct bench_row rows_simple[], rows_call[], rows_memory[], rows_object[],
    rows_event[], rows_longest[]; /* each ends with a row without a name */

extern uint64_t bench_container; /* handle: this program's */
extern uint64_t bench_endpoint;  /* of the row that is measured, if it has one */

/* What is measured is between these two. A profile begins and ends where bench_begin and bench_end
   are called, which is not so while the caches of the kernel become warm. */
uint64_t measure_begin(void);
uint64_t measure_counts(void); /* 1 unless caches become warm */
uint64_t measure_begin_if(uint64_t counts);
void measure_end(uint64_t began);
/* Keeps the most instead of the sum: for rows that ask for the longest. */
void measure_end_longest(uint64_t began);

#define LOOP(rounds, ...)                                                                          \
    do {                                                                                           \
        uint64_t began_ = measure_begin();                                                         \
        for (uint64_t left_ = (rounds); left_ != 0; left_--) {                                     \
            __VA_ARGS__;                                                                           \
        }                                                                                          \
        measure_end(began_);                                                                       \
    } while (0)

/* NULL: there is none of that name. */
const struct bench_row *bench_row_find(const char *name);

/* growth.c: makes up to so many objects of a kind and measures meanwhile; the program's status. */
int bench_growth(const char *kind, uint64_t most);

/* Measures one row and prints "name value". rounds: 0, as many as it says. entry: which one a profile
   is of, where the longest is asked for. */
#define ENTRIES_ALL UINT64_MAX
void bench_measure(const struct bench_row *row, uint64_t rounds, uint64_t entry);

/* Ends the program when a call failed that must not. Gives its first result. */
struct atm_result;
uint64_t bench_must(const char *what, int64_t status, uint64_t result);
#define MUST(name, call) bench_must_call(name, call)
uint64_t bench_must_call(const char *what, struct atm_result result);

/* Where this program and its partner share a page. */
#define SHARED_VA 0x70000000u
struct bench_shared {
    uint64_t go;     /* 1: the partner raises interrupts */
    uint64_t counts; /* measure_counts of the other side */
    uint64_t began;  /* measure_begin of the partner */
};

/* A second process of this program, which does mode; it has bench_endpoint as "serve" and back as
   "back". Gives its process handle. */
uint64_t bench_partner(const char *mode, uint64_t back);
/* Starts a process of this program that ends at once, and waits for its end. */
void bench_program(void);
#define PARTNER_END "end"

/* Destroys in this thread and closes the handle. */
void bench_destroy(uint64_t handle);

/* A thread of this process that runs entry(argument), with the n-th stack and message page, which
   are made if they are not there. Gives its handle. */
uint64_t bench_thread(uint64_t n, void (*entry)(uint64_t argument), uint64_t argument);
/* The message page of the n-th thread. */
struct atm_message *bench_message(uint64_t n);
#define MEASURED 0u /* n of the measured thread */
#define OTHER 1u

/* Makes vector state of this thread and checks that it is still there. */
void fpu_touch(void);
int fpu_is_kept(void);

/* partner.c: what the second process does. */
_Noreturn void partner_run(const char *mode);
/* The thread that answers each call with the words it got; argument: the endpoint. */
void partner_echo(uint64_t endpoint);

#endif
