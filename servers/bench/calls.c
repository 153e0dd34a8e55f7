/* SPDX-License-Identifier: MIT */
/*
 * Rows: calls that need no other thread, and calls with their answers.
 */
#include "bench.h"
#include "lib/sys.h"

#define MANY 20000u
#define BATCH 250u /* calls with an item between two clearings; fits the partner's window */

static uint64_t partner; /* process */
static uint64_t other;   /* thread of this process */

static void endpoint_make(void)
{
    bench_endpoint = MUST("endpoint_create", atm_endpoint_create(0));
}
static void endpoint_end(void) { bench_destroy(bench_endpoint); }

static void nop(uint64_t rounds) { LOOP(rounds, atm_nop()); }
static void yield(uint64_t rounds) { LOOP(rounds, atm_yield()); }
static void poll(uint64_t rounds)
{
    const uint64_t e = bench_endpoint;
    LOOP(rounds, atm_receive(e, TAG_NONBLOCK));
}
static void signal(uint64_t rounds)
{
    const uint64_t e = bench_endpoint;
    LOOP(rounds, atm_signal(e, 1));
}

const struct bench_row rows_simple[] = {
    {.name = "nop", .rounds = MANY, .run = nop},
    {.name = "yield", .rounds = MANY, .run = yield},
    {.name = "poll", .rounds = MANY, .prepare = endpoint_make, .run = poll, .finish = endpoint_end},
    {.name = "signal", .rounds = MANY, .prepare = endpoint_make, .run = signal, .finish = endpoint_end},
    {0}};

static void partner_make(const char *mode)
{
    endpoint_make();
    partner = bench_partner(mode, 0);
}
static void echo_make(void) { partner_make("echo"); }
static void echo_fpu_make(void) { partner_make("echo-fpu"); }
static void pages_make(void)
{
    partner_make("pages");
    MUST("map", atm_map(0, SOURCE_VA, 1, PAGE_READ | PAGE_WRITE));
}
static void handles_make(void) { partner_make("handles"); }
static void partner_end(void)
{
    bench_destroy(partner);
    endpoint_end();
}
static void pages_end(void)
{
    MUST("unmap", atm_unmap(0, SOURCE_VA, 1, 0));
    partner_end();
}

static void within_make(void)
{
    endpoint_make();
    other = bench_thread(OTHER, partner_echo, bench_endpoint);
}
static void within_end(void)
{
    bench_destroy(other);
    endpoint_end();
}

static void call_bare(uint64_t rounds)
{
    const uint64_t e = bench_endpoint;
    MUST("call", atm_call_bare(e, 0));
    LOOP(rounds, atm_call_bare(e, 0));
}
static void call_4words(uint64_t rounds)
{
    const uint64_t e = bench_endpoint;
    LOOP(rounds, atm_call(e, TAG(0, 4, 0), 1, 2, 3, 4));
    struct atm_result r = atm_call(e, TAG(0, 4, 0), 1, 2, 3, 4);
    bench_must("4 words come back", r.status == 0 && r.r[5] == 4 ? 0 : -ERR_MESSAGE, 0);
}
static void call_10words(uint64_t rounds)
{
    const uint64_t e = bench_endpoint;
    LOOP(rounds, atm_call(e, TAG(0, 10, 0), 1, 2, 3, 4));
    struct atm_result r = atm_call(e, TAG(0, 10, 0), 1, 2, 3, 4);
    bench_must("10 words come back", r.status == 0 && TAG_WORDS(r.r[1]) == 10 ? 0 : -ERR_MESSAGE, 0);
}

/* Calls with one item each. What came is unmapped or closed after each batch, which is not
   measured. */
static void call_item(uint64_t rounds)
{
    const uint64_t e = bench_endpoint;
    for (uint64_t done = 0; done < rounds; done += BATCH) {
        uint64_t now = rounds - done < BATCH ? rounds - done : BATCH;
        MUST("call", atm_call_bare(e, TAG(0, 0, 1)));
        MUST("call", atm_call_bare(e, TAG(LABEL_DROP, 0, 0)));
        LOOP(now, atm_call_bare(e, TAG(0, 0, 1)));
        MUST("call", atm_call_bare(e, TAG(0, 0, 1)));
        MUST("call", atm_call_bare(e, TAG(LABEL_DROP, 0, 0)));
    }
}
static void call_page(uint64_t rounds)
{
    bench_message(MEASURED)->item[0] = (struct atm_item){ITEM_PAGE, SOURCE_VA, PAGE_READ, 0};
    call_item(rounds);
}
static void call_handle(uint64_t rounds)
{
    bench_message(MEASURED)->item[0] =
        (struct atm_item){ITEM_HANDLE, bench_endpoint, RIGHT_SEND | RIGHT_COPY, 0};
    call_item(rounds);
}

const struct bench_row rows_call[] = {{.name = "call_reply_2as",
                                       .rounds = MANY,
                                       .prepare = echo_make,
                                       .run = call_bare,
                                       .finish = partner_end},
                                      {.name = "call_reply_fpu",
                                       .rounds = MANY,
                                       .prepare = echo_fpu_make,
                                       .run = call_bare,
                                       .finish = partner_end,
                                       .fpu = 1},
                                      {.name = "call_reply_4words",
                                       .rounds = MANY,
                                       .prepare = echo_make,
                                       .run = call_4words,
                                       .finish = partner_end},
                                      {.name = "call_reply_10words",
                                       .rounds = MANY,
                                       .prepare = echo_make,
                                       .run = call_10words,
                                       .finish = partner_end},
                                      {.name = "call_reply_1as",
                                       .rounds = MANY,
                                       .prepare = within_make,
                                       .run = call_bare,
                                       .finish = within_end},
                                      {.name = "call_reply_page",
                                       .rounds = MANY,
                                       .prepare = pages_make,
                                       .run = call_page,
                                       .finish = pages_end},
                                      {.name = "call_reply_handle",
                                       .rounds = MANY,
                                       .prepare = handles_make,
                                       .run = call_handle,
                                       .finish = partner_end},
                                      {0}};
