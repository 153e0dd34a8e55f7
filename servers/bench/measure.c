/* SPDX-License-Identifier: MIT */
/*
 * The frame around each row: its thread, its partner, the clock.
 */
#include "bench.h"
#include "lib/cpio.h"
#include "lib/error.h"
#include "lib/memory.h"
#include "lib/spawn.h"
#include "lib/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES (2 * PAGE_SIZE)
#define THREADS 4u
#define FPU_VALUE 0x0123456789abcdefu

uint64_t bench_container;
uint64_t bench_endpoint;

static uint64_t done;    /* endpoint: the measured thread has come to its end */
static uint64_t spent;   /* ticks */
static uint64_t entries; /* measured by themselves; 0: spent is the sum of all, else the most */
static uint64_t only = ENTRIES_ALL; /* which of them a profile is of */
static uint64_t longest;            /* which of them, from 0 */
static int warming;                 /* 1: what is done now does not count */
static const char *lost;            /* what a measured thread failed at */
static int64_t lost_status;
static unsigned char stacks[THREADS][STACK_BYTES] __attribute__((aligned(16)));
static int message_there[THREADS];

static inline uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* A profile sets breakpoints here. They slow down all of their page, so they have one. */
#define MARK __attribute__((noinline, aligned(PAGE_SIZE)))
MARK void bench_begin(void) { __asm__ volatile("" : : : "memory"); }
__attribute__((noinline)) void bench_end(void) { __asm__ volatile("" : : : "memory"); }

uint64_t measure_begin_if(uint64_t counts)
{
    if (counts)
        bench_begin();
    return ticks();
}

MARK uint64_t measure_counts(void) { return !warming && (only == ENTRIES_ALL || only == entries); }
uint64_t measure_begin(void) { return measure_begin_if(measure_counts()); }

void measure_end(uint64_t began)
{
    uint64_t end = ticks();
    if (measure_counts())
        bench_end();
    spent += end - began;
}

void measure_end_longest(uint64_t began)
{
    uint64_t end = ticks();
    if (measure_counts())
        bench_end();
    if (end - began > spent) {
        spent = end - began;
        longest = entries;
    }
    entries++;
}

static void give_up(const char *what, int64_t status)
{
    printf("bench: %s: %s\n", what, atm_error_text(status));
    exit(1);
}

/* A measured thread has no console: its message page is another one. The main thread speaks for
   it. */
uint64_t bench_must(const char *what, int64_t status, uint64_t result)
{
    if (status >= 0)
        return result;
    if (done == 0)
        give_up(what, status);
    lost = what;
    lost_status = status;
    atm_signal(done, 1);
    atm_thread_exit();
    __builtin_trap();
}

uint64_t bench_must_call(const char *what, struct atm_result result)
{
    return bench_must(what, result.status, result.r[0]);
}

void bench_destroy(uint64_t handle)
{
    int64_t status;
    do
        status = atm_destroy(handle).status;
    while (status == -ERR_AGAIN);
    bench_must("destroy", status, 0);
    atm_handle_close(handle);
}

struct atm_message *bench_message(uint64_t n)
{
    return (struct atm_message *)(uintptr_t)(MESSAGES_VA + n * PAGE_SIZE);
}

uint64_t bench_thread(uint64_t n, void (*entry)(uint64_t argument), uint64_t argument)
{
    uint64_t message = (uintptr_t)bench_message(n);
    if (!message_there[n])
        bench_must("map", memory_map(0, message, 1, PAGE_READ | PAGE_WRITE), 0);
    message_there[n] = 1;
    uint64_t top = (uintptr_t)(stacks[n] + STACK_BYTES - 8);
    return MUST("thread_create",
                atm_thread_create(0, (uintptr_t)entry, top, argument, SETUP(PRIORITY, 0), message));
}

void fpu_touch(void)
{
    const uint64_t value = FPU_VALUE;
    __asm__ volatile("movq %0, %%xmm0\n\tmovq %0, %%xmm15" : : "r"(value));
}

int fpu_is_kept(void)
{
    uint64_t low, high;
    __asm__ volatile("movq %%xmm0, %0\n\tmovq %%xmm15, %1" : "=r"(low), "=r"(high));
    return low == FPU_VALUE && high == FPU_VALUE;
}

static uint64_t rounds_wanted; /* 0: as many as the row says */

/* The measured thread; argument: address of the row. */
static void measured(uint64_t argument)
{
    const struct bench_row *row = (const struct bench_row *)(uintptr_t)argument;
    if (row->fpu)
        fpu_touch();
    warming = 1;
    row->run(row->rounds / 100 + 1);
    warming = 0;
    spent = 0;
    entries = 0;
    row->run(rounds_wanted);
    if (row->fpu && !fpu_is_kept())
        lost = "FPU state";
    atm_signal(done, 1);
    atm_thread_exit();
}

void bench_measure(const struct bench_row *row, uint64_t rounds, uint64_t entry)
{
    only = entry;
    uint64_t step = row->step != 0 ? row->step : 1;
    rounds_wanted = rounds != 0 ? (rounds + step - 1) / step * step : row->rounds;
    if (row->prepare != NULL)
        row->prepare();
    uint64_t end = MUST("endpoint_create", atm_endpoint_create(0));
    done = end;
    uint64_t thread = bench_thread(MEASURED, measured, (uintptr_t)row);
    struct atm_result r = atm_receive(end, 0);
    done = 0;
    bench_must("receive", r.status, 0);
    if (lost != NULL)
        give_up(lost, lost_status);
    atm_handle_close(thread);
    bench_destroy(end);
    if (row->finish != NULL)
        row->finish();
    uint64_t parts = entries != 0 ? 1 : rounds_wanted;
    printf("%s %lu\n", row->name, (spent + parts / 2) / parts);
    if (rounds != 0)
        printf("rounds %lu\nticks %lu\nlongest_at %lu\n", rounds_wanted, spent, longest);
    entries = 0;
}

/* This program's file, in the initial ramdisk. */
static struct cpio_file image(void)
{
    static struct cpio_file file;
    uint64_t bytes = 0;
    if (file.data != NULL)
        return file;
    while (atm_query(0, INITRD_VA + bytes).status == 0)
        bytes += PAGE_SIZE;
    if (!cpio_find((const void *)(uintptr_t)INITRD_VA, bytes, "bin/bench", &file)) {
        printf("bench: no bin/bench in the initial ramdisk, or no initial ramdisk\n");
        exit(1);
    }
    return file;
}

/* A second process of this program; gives its handle. */
static uint64_t start(const char *mode, uint64_t back, uint64_t death)
{
    const char *words[] = {"bench", "partner", mode, NULL};
    const struct spawn_handle handles[] = {{"serve", bench_endpoint, RIGHTS_ALL, 0},
                                           {"back", back, RIGHTS_ALL, 0}};
    struct cpio_file file = image();
    struct spawn s = {.name = "partner",
                      .image = file.data,
                      .bytes = file.bytes,
                      .container = bench_container,
                      .death_endpoint = death,
                      .death_bits = death != 0,
                      .priority = PRIORITY,
                      .arguments = words,
                      .handles = handles,
                      .handle_count = back == 0 ? 1 : 2};
    struct spawned out = spawn_program(&s);
    bench_must(out.step, out.status, 0);
    atm_handle_close(out.thread);
    return out.process;
}

uint64_t bench_partner(const char *mode, uint64_t back)
{
    uint64_t process = start(mode, back, 0);
    MUST("receive", atm_receive(bench_endpoint, 0));
    if (strcmp(mode, "fault") == 0)
        MUST("fault_handler", atm_fault_handler(process, bench_endpoint));
    MUST("reply", atm_reply(0, 0, 0, 0, 0, 0));
    return process;
}

void bench_program(void)
{
    uint64_t process = start(PARTNER_END, 0, bench_endpoint);
    MUST("receive", atm_receive(bench_endpoint, 0));
    bench_destroy(process);
}
