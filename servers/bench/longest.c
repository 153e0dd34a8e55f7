/* SPDX-License-Identifier: MIT */
/*
 * Rows: the longest single entry into the kernel. Each is arranged to make bounded calls do as much
 * as they may; every call is measured by itself and the most is printed.
 */
#include "bench.h"
#include "lib/sys.h"

#define REPEATS 20u
#define FAR_STEP 0x8000000000u /* 512 GiB: needs tables of its own at every level */
#define DYING_PIECES 16u       /* entries that a process's end takes, about */
#define RW (PAGE_READ | PAGE_WRITE)

static uint64_t partner; /* process */

/* One call; gives its status, 0 or -ERR_AGAIN. */
#define ENTRY(call)                                                                                \
    __extension__({                                                                                \
        uint64_t began_ = measure_begin();                                                         \
        struct atm_result result_ = (call);                                                        \
        measure_end_longest(began_);                                                               \
        if (result_.status != -ERR_AGAIN)                                                          \
            bench_must(#call, result_.status, 0);                                                  \
        result_;                                                                                   \
    })

/* Pages far apart: every call makes or prunes tables of all levels. */
static uint64_t far_va(uint64_t round) { return (1 + round) * FAR_STEP; }

static void far_map(uint64_t va)
{
    for (uint64_t i = 0; i < PAGE_PIECE;)
        i += MUST("map", atm_map(0, va + i * PAGE_SIZE, PAGE_PIECE - i, RW));
}
static void far_unmap(uint64_t va)
{
    for (uint64_t i = 0; i < PAGE_PIECE;)
        i += MUST("unmap", atm_unmap(0, va + i * PAGE_SIZE, PAGE_PIECE - i, 0));
}

static void map(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        ENTRY(atm_map(0, far_va(i), MAP_PIECE, RW));
        for (uint64_t n = 0; n < MAP_PIECE;)
            n += MUST("unmap", atm_unmap(0, far_va(i) + n * PAGE_SIZE, MAP_PIECE - n, 0));
    }
}
static void share(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        far_map(far_va(i));
        ENTRY(atm_share(0, far_va(i), 0, far_va(i) + FAR_STEP / 2, PAGE_PIECE, RW));
        far_unmap(far_va(i) + FAR_STEP / 2);
        far_unmap(far_va(i));
    }
}
static void protect(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        far_map(far_va(i));
        ENTRY(atm_protect(0, far_va(i), PAGE_PIECE, PAGE_READ));
        far_unmap(far_va(i));
    }
}
static void unmap(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        far_map(far_va(i));
        ENTRY(atm_unmap(0, far_va(i), PAGE_PIECE, 0));
    }
}

static void superpage(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        while (ENTRY(atm_map(0, SUPERPAGE_VA, 1, RW | PAGE_SIZE_2M)).status != 0)
            ;
        ENTRY(atm_unmap(0, SUPERPAGE_VA, 1, PAGE_SIZE_2M));
    }
}

/* A process with full tables of handles and endpoints, many pages and threads. */
static uint64_t big_process(void)
{
    uint64_t process = MUST("process_create", atm_process_create(bench_container, 0, 0, 0, 0));
    for (uint64_t i = 0; i < ENDPOINTS_MAX; i++) {
        uint64_t e = MUST("endpoint_create", atm_endpoint_create(process));
        MUST("handle_copy", atm_handle_copy(process, e, RIGHTS_ALL, 0));
        atm_handle_close(e);
    }
    while (atm_handle_copy(process, process, RIGHT_READ, 0).status == 0)
        ;
    for (uint64_t i = 0; i < 64; i++)
        MUST("map", atm_map(process, PLACE_VA + i * 0x200000, MAP_PIECE / 4, RW));
    for (uint64_t i = 0; i < 16; i++)
        atm_handle_close(
            MUST("thread_create", atm_thread_create(process, PLACE_VA, 0, 0, SETUP_SUSPENDED, 0)));
    return process;
}

static void destroy(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t process = big_process();
        while (ENTRY(atm_destroy(process)).status != 0)
            ;
        atm_handle_close(process);
    }
}

/* A big process that has just ended by a fault: the kernel's next entries close its handles and
   endpoints, a piece each, beside what they are for. */
static uint64_t dying_process(void)
{
    uint64_t process = big_process();
    atm_handle_close(MUST("thread_create", atm_thread_create(process, SUPERPAGE_VA, 0, 0,
                                                             SETUP(PRIORITY + 1, 0), 0)));
    return process;
}

static void unmap_dying(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        for (uint64_t n = 0; n < DYING_PIECES; n++)
            far_map(far_va(n));
        uint64_t process = dying_process();
        for (uint64_t n = 0; n < DYING_PIECES; n++)
            ENTRY(atm_unmap(0, far_va(n), PAGE_PIECE, 0));
        bench_destroy(process);
    }
}

static void destroy_dying(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t process = big_process(), other = dying_process();
        while (ENTRY(atm_destroy(process)).status != 0)
            ;
        atm_handle_close(process);
        bench_destroy(other);
    }
}

/* A container goes with a process in it. */
static void container(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t c = ENTRY(atm_container_create(bench_container, 64, 1, 10, 0, 0)).r[0];
        uint64_t p = MUST("process_create", atm_process_create(c, 0, 0, 0, 0));
        while (ENTRY(atm_destroy(c)).status != 0)
            ;
        atm_handle_close(c);
        atm_handle_close(p);
    }
}

static void process_create(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++)
        bench_destroy(ENTRY(atm_process_create(bench_container, 0, 0, 0, 0)).r[0]);
}

/* The longest message, with all the items it may carry, there and back: two entries and more. */
static void message_make(void)
{
    bench_endpoint = MUST("endpoint_create", atm_endpoint_create(0));
    partner = bench_partner("echo", 0);
}
static void message_end(void)
{
    bench_destroy(partner);
    bench_destroy(bench_endpoint);
}
static void message(uint64_t rounds)
{
    struct atm_message *m = bench_message(MEASURED);
    for (uint64_t i = 0; i < rounds; i++) {
        for (uint64_t n = 0; n < MESSAGE_ITEMS_MAX; n++)
            m->item[n] = (struct atm_item){ITEM_HANDLE, partner, RIGHT_READ | RIGHT_COPY, 0};
        ENTRY(atm_call(bench_endpoint, TAG(0, MESSAGE_WORDS_MAX, MESSAGE_ITEMS_MAX), 0, 0, 0, 0));
        for (uint64_t n = 0; n < MESSAGE_ITEMS_MAX; n++)
            atm_handle_close(m->item[n].value);
    }
}

const struct bench_row rows_longest[] = {
    {.name = "longest_map", .rounds = REPEATS, .run = map},
    {.name = "longest_share", .rounds = REPEATS, .run = share},
    {.name = "longest_protect", .rounds = REPEATS, .run = protect},
    {.name = "longest_unmap", .rounds = REPEATS, .run = unmap},
    {.name = "longest_superpage", .rounds = 2, .run = superpage},
    {.name = "longest_destroy", .rounds = REPEATS, .run = destroy},
    {.name = "longest_unmap_dying", .rounds = 4, .run = unmap_dying},
    {.name = "longest_destroy_dying", .rounds = 4, .run = destroy_dying},
    {.name = "longest_container", .rounds = REPEATS, .run = container},
    {.name = "longest_process_create", .rounds = REPEATS, .run = process_create},
    {.name = "longest_call_of_two",
     .rounds = REPEATS,
     .prepare = message_make,
     .run = message,
     .finish = message_end},
    {0}};
