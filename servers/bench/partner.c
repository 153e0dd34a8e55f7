/* SPDX-License-Identifier: MIT */
/*
 * The other side of measured calls and faults: one thread made for it, while the main thread of the
 * process waits for good.
 */
#include "bench.h"
#include "edu.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <stdlib.h>
#include <string.h>

#define WINDOW_PAGES 256u /* where pages of messages land */
#define ITEMS_MAX 512u    /* handles that may come between two LABEL_DROPs */

static uint64_t back; /* endpoint */
static uint64_t self; /* handle of the thread that works */

void partner_echo(uint64_t endpoint)
{
    struct atm_result r = atm_receive(endpoint, 0);
    while (r.status == 0)
        r = atm_reply_receive(endpoint, r.r[1] & ~(uint64_t)TAG_CALL, r.r[2], r.r[3], r.r[4],
                              r.r[5]);
    __builtin_trap();
}

static void echo_fpu(uint64_t endpoint)
{
    fpu_touch();
    partner_echo(endpoint);
}

/* Answers calls that carry a page each; the next one lands behind it. */
static void take_pages(uint64_t endpoint)
{
    struct atm_message *m = bench_message(OTHER);
    m->receive_va = PLACE_VA;
    m->receive_pages = 1;
    /* The page table stays when the window is empty. */
    atm_map(0, PLACE_VA + WINDOW_PAGES * PAGE_SIZE, 1, PAGE_READ);
    struct atm_result r = atm_receive(endpoint, 0);
    while (r.status == 0) {
        m->receive_va += PAGE_SIZE;
        if (TAG_LABEL(r.r[1]) == LABEL_DROP) {
            for (uint64_t va = PLACE_VA; va < m->receive_va - PAGE_SIZE; va += PAGE_SIZE)
                atm_unmap(0, va, 1, 0);
            m->receive_va = PLACE_VA;
        }
        r = atm_reply_receive(endpoint, 0, 0, 0, 0, 0);
    }
    __builtin_trap();
}

/* Answers calls that carry a handle each. */
static void take_handles(uint64_t endpoint)
{
    static uint64_t taken[ITEMS_MAX];
    uint64_t count = 0;
    const struct atm_message *m = bench_message(OTHER);
    struct atm_result r = atm_receive(endpoint, 0);
    while (r.status == 0) {
        if (TAG_LABEL(r.r[1]) == LABEL_DROP)
            while (count > 0)
                atm_handle_close(taken[--count]);
        else
            taken[count++] = m->item[0].value;
        r = atm_reply_receive(endpoint, 0, 0, 0, 0, 0);
    }
    __builtin_trap();
}

/* Faults at the same instruction for ever. */
static void fault(uint64_t endpoint)
{
    (void)endpoint;
    for (;;)
        __asm__ volatile("ud2");
}

static void yield(uint64_t endpoint)
{
    (void)endpoint;
    for (;;)
        atm_yield();
}

/* Answers event bits with event bits. */
static void signal(uint64_t endpoint)
{
    while (atm_receive(endpoint, 0).status == 0)
        atm_signal(back, 1);
    __builtin_trap();
}

/* Interrupts itself for ever, once it is told that all is ready. Whoever waits for the interrupt has
   a higher priority, and so comes before the next time. */
static void interrupt(uint64_t endpoint)
{
    volatile struct bench_shared *shared = (volatile struct bench_shared *)SHARED_VA;
    atm_receive(endpoint, 0);
    atm_priority(self, PRIORITY - 1);
    atm_reply(0, 0, 0, 0, 0, 0);
    for (;;) {
        shared->began = measure_begin_if(shared->counts);
        edu_raise();
    }
}

static const struct {
    const char *name;
    void (*run)(uint64_t endpoint);
} modes[] = {{"echo", partner_echo},    {"echo-fpu", echo_fpu},  {"pages", take_pages},
             {"handles", take_handles}, {"fault", fault},        {"yield", yield},
             {"signal", signal},        {"interrupt", interrupt}};

_Noreturn void partner_run(const char *mode)
{
    if (strcmp(mode, PARTNER_END) == 0)
        exit(0);
    uint64_t endpoint = startup_handle("serve");
    back = startup_handle("back");
    uint64_t idle = atm_endpoint_create(0).r[0];
    /* Whoever started this may set up the fault handler first. */
    atm_call(endpoint, 0, 0, 0, 0, 0);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(mode, modes[i].name) == 0) {
            self = bench_thread(OTHER, modes[i].run, endpoint);
            atm_receive(idle, 0);
        }
    exit(1);
}
