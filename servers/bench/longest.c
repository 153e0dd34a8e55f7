/* SPDX-License-Identifier: MIT */
/*
 * The longest single entry into the kernel: each case is arranged to make a bounded call do as much
 * as it may, every call is measured by itself, and the maximum is printed, for each case and for
 * all.
 */
#include "bench.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <stdio.h>

#define REPEATS 20
#define FAR_STEP 0x8000000000u /* 512 GiB: needs tables of its own at every level */

static uint64_t longest;

/* Keeps the longest of one case. */
static void seen(uint64_t *most, uint64_t begin, uint64_t end)
{
    if (end - begin > *most)
        *most = end - begin;
}

static void case_print(const char *name, uint64_t most)
{
    bench_print(name, most, 1);
    if (most > longest)
        longest = most;
}

/* One call, measured into most. */
#define MEASURE(most, call)                                                                        \
    do {                                                                                           \
        uint64_t begin_ticks = ticks();                                                            \
        struct atm_result result_ = (call);                                                        \
        uint64_t end_ticks = ticks();                                                              \
        bench_must(#call, result_.status == -ERR_AGAIN ? 0 : result_.status, 0);                   \
        seen(&(most), begin_ticks, end_ticks);                                                     \
        again = result_.status == -ERR_AGAIN;                                                      \
    } while (0)

static void longest_memory(void)
{
    uint64_t map = 0, share = 0, protect = 0, unmap = 0;
    int again;
    for (uint64_t i = 1; i <= REPEATS; i++) {
        uint64_t va = i * FAR_STEP, copy = va + FAR_STEP / 2;
        const uint64_t half = (uint64_t)MAP_PIECE * PAGE_SIZE;
        MEASURE(map, atm_map(0, va, MAP_PIECE, PAGE_READ | PAGE_WRITE));
        MEASURE(map, atm_map(0, va + half, MAP_PIECE, PAGE_READ | PAGE_WRITE));
        MEASURE(share, atm_share(0, va, 0, copy, PAGE_PIECE, PAGE_READ | PAGE_WRITE));
        MEASURE(protect, atm_protect(0, va, PAGE_PIECE, PAGE_READ));
        MEASURE(unmap, atm_unmap(0, copy, PAGE_PIECE, 0));
        MEASURE(unmap, atm_unmap(0, va, PAGE_PIECE, 0));
    }
    case_print("longest_map", map);
    case_print("longest_share", share);
    case_print("longest_protect", protect);
    case_print("longest_unmap", unmap);
    (void)again;
}

static void longest_superpage(void)
{
    uint64_t most = 0;
    int again;
    do
        MEASURE(most, atm_map(0, SUPERPAGE_VA, 1, PAGE_READ | PAGE_WRITE | PAGE_SIZE_2M));
    while (again);
    MEASURE(most, atm_unmap(0, SUPERPAGE_VA, 1, PAGE_SIZE_2M));
    case_print("longest_superpage", most);
}

/* A process with full tables of handles and endpoints, many pages and threads. */
static uint64_t big_process(void)
{
    struct atm_result r = atm_process_create(bench_container, 0, 0, 0, 0);
    uint64_t process = bench_must("process_create", r.status, r.r[0]);
    for (uint64_t i = 0; i < ENDPOINTS_MAX; i++) {
        r = atm_endpoint_create(process);
        bench_must("endpoint_create", r.status, 0);
        atm_handle_copy(process, r.r[0], RIGHTS_ALL, 0);
        atm_handle_close(r.r[0]);
    }
    while (atm_handle_copy(process, process, RIGHT_READ, 0).status == 0)
        ;
    for (uint64_t i = 0; i < 64; i++)
        atm_map(process, PLACE_VA + i * 0x200000, MAP_PIECE / 4, PAGE_READ | PAGE_WRITE);
    for (uint64_t i = 0; i < 16; i++) {
        r = atm_thread_create(process, PLACE_VA, 0, 0, SETUP_SUSPENDED, 0);
        if (r.status == 0)
            atm_handle_close(r.r[0]);
    }
    return process;
}

static void longest_destroy(void)
{
    uint64_t most = 0, process = big_process();
    int again;
    do
        MEASURE(most, atm_destroy(process));
    while (again);
    atm_handle_close(process);
    case_print("longest_destroy", most);
}

/* The longest message, with all the items it may carry, there and back. */
static void longest_message(void)
{
    uint64_t most = 0;
    int again;
    struct atm_result r = atm_endpoint_create(0);
    uint64_t endpoint = bench_must("endpoint_create", r.status, r.r[0]);
    uint64_t partner = bench_partner("echo", endpoint);
    for (int i = 0; i < REPEATS; i++) {
        for (uint64_t n = 0; n < MESSAGE_ITEMS_MAX; n++)
            atm_message()->item[n] =
                (struct atm_item){ITEM_HANDLE, partner, RIGHT_READ | RIGHT_COPY, 0};
        MEASURE(most, atm_call(endpoint, TAG(0, MESSAGE_WORDS_MAX, MESSAGE_ITEMS_MAX), 0, 0, 0, 0));
        for (uint64_t n = 0; n < MESSAGE_ITEMS_MAX; n++)
            if (atm_message()->item[n].value != partner)
                atm_handle_close(atm_message()->item[n].value);
    }
    (void)again;
    bench_partner_end(partner);
    atm_destroy(endpoint);
    atm_handle_close(endpoint);
    case_print("longest_call_of_two", most);
}

static void longest_create(void)
{
    uint64_t container = 0, process = 0;
    int again;
    for (int i = 0; i < REPEATS; i++) {
        uint64_t begin = ticks();
        struct atm_result r = atm_container_create(bench_container, 64, 1, 10, 0, 0);
        seen(&container, begin, ticks());
        uint64_t c = bench_must("container_create", r.status, r.r[0]);
        begin = ticks();
        r = atm_process_create(c, 0, 0, 0, 0);
        seen(&process, begin, ticks());
        uint64_t p = bench_must("process_create", r.status, r.r[0]);
        do
            MEASURE(container, atm_destroy(c));
        while (again);
        atm_handle_close(c);
        atm_handle_close(p);
    }
    case_print("longest_container", container);
    case_print("longest_process_create", process);
}

void bench_longest(void)
{
    longest_memory();
    longest_superpage();
    longest_create();
    longest_destroy();
    longest_message();
    bench_print("longest", longest, 1);
}
