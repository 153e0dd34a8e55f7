/* SPDX-License-Identifier: MIT */
/*
 * Rows: mapping and unmapping.
 */
#include "bench.h"
#include "lib/sys.h"

#define RW (PAGE_READ | PAGE_WRITE)
#define ANCHOR_VA (PLACE_VA + 0x100000u) /* a page that keeps the page table */
#define SPAN (16u * PAGE_PIECE)          /* pages of a page table */

static void unmap_all(uint64_t va, uint64_t pages)
{
    for (uint64_t i = 0; i < pages;)
        i += MUST("unmap", atm_unmap(0, va + i * PAGE_SIZE, pages - i, 0));
}

static void pages_make(void)
{
    MUST("map", atm_map(0, ANCHOR_VA, 1, RW));
    MUST("map", atm_map(0, SOURCE_VA, 1, RW));
}
static void pages_end(void)
{
    unmap_all(ANCHOR_VA, 1);
    unmap_all(SOURCE_VA, 1);
}

static void share_unmap(uint64_t rounds)
{
    LOOP(rounds, atm_share(0, SOURCE_VA, 0, PLACE_VA, 1, PAGE_READ); atm_unmap(0, PLACE_VA, 1, 0));
    MUST("share", atm_share(0, SOURCE_VA, 0, PLACE_VA, 1, PAGE_READ));
    unmap_all(PLACE_VA, 1);
}

static void map_unmap_fresh(uint64_t rounds)
{
    LOOP(rounds, atm_map(0, PLACE_VA, 1, RW); atm_unmap(0, PLACE_VA, 1, 0));
    MUST("map", atm_map(0, PLACE_VA, 1, RW));
    unmap_all(PLACE_VA, 1);
}

/* Shares all pages of a page table into an empty one, as many as a call takes at a time; a round is a
   page. What was shared is unmapped again, which is not measured. */
static void bulk_share(uint64_t rounds)
{
    for (uint64_t i = 0; i < SPAN; i += MAP_PIECE)
        MUST("map", atm_map(0, SOURCE_VA + i * PAGE_SIZE, MAP_PIECE, RW));
    for (uint64_t done = 0; done < rounds; done += SPAN) {
        uint64_t calls = 0, from = SOURCE_VA, to = PLACE_VA;
        LOOP(SPAN / PAGE_PIECE, calls += atm_share(0, from, 0, to, PAGE_PIECE, PAGE_READ).r[0];
             from += PAGE_PIECE * PAGE_SIZE; to += PAGE_PIECE * PAGE_SIZE);
        bench_must("share takes a piece", calls == SPAN ? 0 : -ERR_QUOTA, 0);
        unmap_all(PLACE_VA, SPAN);
    }
    unmap_all(SOURCE_VA, SPAN);
}

/* The same with fresh pages. */
static void bulk_map(uint64_t rounds)
{
    for (uint64_t done = 0; done < rounds; done += SPAN) {
        uint64_t pages = 0, to = PLACE_VA;
        LOOP(SPAN / MAP_PIECE, pages += atm_map(0, to, MAP_PIECE, RW).r[0];
             to += MAP_PIECE * PAGE_SIZE);
        bench_must("map takes a piece", pages == SPAN ? 0 : -ERR_QUOTA, 0);
        unmap_all(PLACE_VA, SPAN);
    }
}

const struct bench_row rows_memory[] = {
    {.name = "share_unmap",
     .rounds = 20000,
     .prepare = pages_make,
     .run = share_unmap,
     .finish = pages_end},
    {.name = "map_unmap_fresh",
     .rounds = 20000,
     .prepare = pages_make,
     .run = map_unmap_fresh,
     .finish = pages_end},
    {.name = "bulk_share_page", .rounds = 64 * SPAN, .step = SPAN, .run = bulk_share},
    {.name = "bulk_map_page", .rounds = 64 * SPAN, .step = SPAN, .run = bulk_map},
    {0}};
