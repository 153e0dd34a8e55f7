/* SPDX-License-Identifier: MIT */
/*
 * Rows: two processes that hand the processor to and fro without messages, faults, and interrupts.
 */
#include "bench.h"
#include "edu.h"
#include "lib/sys.h"

#define MANY 20000u

static uint64_t partner; /* process */
static uint64_t pong;    /* endpoint: the partner's answers */

static void partner_make(const char *mode)
{
    bench_endpoint = MUST("endpoint_create", atm_endpoint_create(0));
    pong = MUST("endpoint_create", atm_endpoint_create(0));
    partner = bench_partner(mode, pong);
}
static void yield_make(void) { partner_make("yield"); }
static void signal_make(void) { partner_make("signal"); }
static void fault_make(void) { partner_make("fault"); }
static void partner_end(void)
{
    bench_destroy(partner);
    bench_destroy(bench_endpoint);
    bench_destroy(pong);
}

static void yield_pingpong(uint64_t rounds) { LOOP(rounds, atm_yield()); }

static void signal_pingpong(uint64_t rounds)
{
    const uint64_t to = bench_endpoint, from = pong;
    MUST("signal", atm_signal(to, 1));
    MUST("receive", atm_receive(from, 0));
    LOOP(rounds, atm_signal(to, 1); atm_receive(from, 0));
}

/* Each answer lets the partner run into its next fault. */
static void fault_roundtrip(uint64_t rounds)
{
    const uint64_t e = bench_endpoint;
    struct atm_result r = atm_receive(e, 0);
    bench_must("receive a fault", r.status == 0 && (r.r[1] & TAG_FAULT) != 0 ? 0 : -ERR_MESSAGE, 0);
    LOOP(rounds, atm_reply_receive(e, TAG(FAULT_RESUME, 0, 0), 0, 0, 0, 0));
    MUST("reply", atm_reply(0, TAG(FAULT_RESUME, 0, 0), 0, 0, 0, 0));
}

static volatile struct bench_shared *shared(void)
{
    return (volatile struct bench_shared *)SHARED_VA;
}

static void interrupt_make(void)
{
    partner_make("interrupt");
    MUST("map", atm_map(0, SHARED_VA, 1, PAGE_READ | PAGE_WRITE));
    MUST("share", atm_share(0, SHARED_VA, partner, SHARED_VA, 1, PAGE_READ | PAGE_WRITE));
    edu_open(partner, pong);
}
static void interrupt_end(void)
{
    partner_end();
    MUST("unmap", atm_unmap(0, SHARED_VA, 1, 0));
}

/* From the partner's store that makes the device interrupt it to this thread, which waits. */
static void interrupt(uint64_t rounds)
{
    if (!shared()->go)
        MUST("call", atm_call_bare(bench_endpoint, 0));
    shared()->go = 1;
    for (uint64_t i = 0; i < rounds; i++) {
        shared()->counts = measure_counts();
        struct atm_result r = atm_receive(pong, 0);
        measure_end(shared()->began);
        bench_must("receive", r.status, 0);
        edu_acknowledge();
    }
}

const struct bench_row rows_event[] = {{.name = "yield_pingpong",
                                        .rounds = MANY,
                                        .prepare = yield_make,
                                        .run = yield_pingpong,
                                        .finish = partner_end},
                                       {.name = "signal_pingpong",
                                        .rounds = MANY,
                                        .prepare = signal_make,
                                        .run = signal_pingpong,
                                        .finish = partner_end},
                                       {.name = "fault_roundtrip",
                                        .rounds = MANY,
                                        .prepare = fault_make,
                                        .run = fault_roundtrip,
                                        .finish = partner_end},
                                       {.name = "interrupt",
                                        .rounds = 2000,
                                        .prepare = interrupt_make,
                                        .run = interrupt,
                                        .finish = interrupt_end,
                                        .possible = edu_find},
                                       {0}};
