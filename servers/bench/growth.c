/* SPDX-License-Identifier: MIT */
/*
 * Whether calls cost the same however much there is in the system: makes ever more objects of one
 * kind and measures rows of the table in between. Prints "growth KIND COUNT ROW VALUE", and
 * "memory KIND COUNT PAGES", which is what the container has been charged for them.
 */
#include "bench.h"
#include "lib/sys.h"
#include <stdio.h>
#include <string.h>

#define HANDLES_EACH 1000u   /* that one process gets */
#define FAR_VA 0x8000000000u /* where mappings are made */
#define LOW 1u               /* priority of threads that are only to be there */
#define SHARE 20u /* of the rounds that a row does otherwise, one in so many is enough here */
#define CONTAINER_PAGES 1u

static const char *const rows[] = {"nop",
                                   "yield",
                                   "signal",
                                   "call_reply_2as",
                                   "call_reply_10words",
                                   "call_reply_page",
                                   "call_reply_handle",
                                   "yield_pingpong",
                                   "signal_pingpong",
                                   "fault_roundtrip",
                                   "share_unmap",
                                   "map_unmap_fresh",
                                   "handle_copy_close",
                                   "endpoint_create_destroy",
                                   "thread_create_destroy",
                                   "process_create_destroy"};

static uint64_t keeper; /* process that the newest handles or endpoints are in */
static uint64_t named;  /* endpoint that handles are of */

/* Ready, but others are always before it; should it run, it needs no stack. */
__attribute__((naked)) static void spin(uint64_t argument __attribute__((unused)))
{
    __asm__ volatile("1: pause\n\tjmp 1b");
}

static void one_thread(uint64_t n)
{
    (void)n;
    atm_handle_close(
        MUST("thread_create", atm_thread_create(0, (uintptr_t)&spin, 0, 0, SETUP(LOW, 0), 0)));
}

static uint64_t process_make(void)
{
    return MUST("process_create", atm_process_create(bench_container, 0, 0, 0, 0));
}

static void one_process(uint64_t n)
{
    (void)n;
    atm_handle_close(process_make());
}

static void one_container(uint64_t n)
{
    (void)n;
    atm_handle_close(MUST("container_create",
                          atm_container_create(bench_container, CONTAINER_PAGES, 1, LOW, 0, 0)));
}

/* All of one page. */
static void one_mapping(uint64_t n)
{
    if (n == 0)
        MUST("map", atm_map(0, FAR_VA, 1, PAGE_READ));
    MUST("share", atm_share(0, FAR_VA, 0, FAR_VA + (n + 1) * PAGE_SIZE, 1, PAGE_READ));
}

/* Another process to hold things, when the last one is full. */
static void keeper_for(uint64_t n, uint64_t each)
{
    if (n % each != 0)
        return;
    if (keeper != 0)
        atm_handle_close(keeper);
    keeper = process_make();
}

static void one_handle(uint64_t n)
{
    keeper_for(n, HANDLES_EACH);
    if (n == 0)
        named = MUST("endpoint_create", atm_endpoint_create(0));
    MUST("handle_copy", atm_handle_copy(keeper, named, RIGHTS_ALL, 0));
}

static void one_endpoint(uint64_t n)
{
    keeper_for(n, ENDPOINTS_MAX);
    atm_handle_close(MUST("endpoint_create", atm_endpoint_create(keeper)));
}

static const struct {
    const char *name;
    void (*make)(uint64_t n); /* the n-th, from 0 */
} kinds[] = {{"threads", one_thread}, {"processes", one_process},  {"mappings", one_mapping},
             {"handles", one_handle}, {"endpoints", one_endpoint}, {"containers", one_container}};

static uint64_t charged(void)
{
    struct atm_result r = atm_container_info(bench_container);
    bench_must("container_info", r.status, 0);
    return r.r[1] + r.r[2];
}

static void measure(const char *kind, uint64_t count)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct bench_row *row = bench_row_find(rows[i]);
        printf("growth %s %lu ", kind, count);
        bench_measure(row, row->rounds / SHARE, ENTRIES_ALL);
    }
}

int bench_growth(const char *kind, uint64_t most)
{
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (strcmp(kinds[k].name, kind) != 0)
            continue;
        uint64_t made = 0, before = charged();
        for (uint64_t count = 1; count <= most; count *= 10) {
            while (made < count)
                kinds[k].make(made++);
            printf("memory %s %lu %lu\n", kind, count, charged() - before);
            measure(kind, count);
        }
        return 0;
    }
    printf("bench: nothing grows that is called '%s'\n", kind);
    return 1;
}
