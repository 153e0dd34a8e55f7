/* SPDX-License-Identifier: MIT */
/*
 * The arena lies at a fixed place and grows page by page as it is used, up to what the program's
 * container has when it starts, less what is reserved.
 */
#include "memory.h"
#include "lib/memory.h"
#include "lib/startup.h"
#include "lib/sys.h"

#define BUCKETS_VA 0x500000000000u
#define ARENA_VA 0x510000000000u
#define GROW_PAGES 64u
#define BLOCKS_PER_BUCKET 2u
#define PAGES_LEAST 320u      /* with less no value of full size could be kept */
#define ARENA_MAX (1ul << 38) /* bytes: block numbers are 32 bits wide */

static uint64_t arena_grow(uint64_t at)
{
    int64_t status = memory_map(0, ARENA_VA + at, GROW_PAGES, PAGE_READ | PAGE_WRITE);
    return status == 0 ? GROW_PAGES * PAGE_SIZE : 0;
}

/* Pages the container may still use. */
static uint64_t pages_free(void)
{
    struct atm_result r = atm_container_info(startup_handle("container"));
    return r.status == 0 ? r.r[0] - r.r[1] - r.r[2] : 0;
}

int64_t memory_make(struct store_memory *memory, uint64_t reserved)
{
    uint64_t free = pages_free(), count = 1024;
    reserved = reserved < free / 2 ? reserved : free / 2;
    if (free < reserved + PAGES_LEAST)
        return -ERR_QUOTA;
    uint64_t bytes = (free - reserved) * PAGE_SIZE;
    bytes = bytes < ARENA_MAX ? bytes : ARENA_MAX;
    while (count * 2 * BLOCKS_PER_BUCKET * STORE_BLOCK <= bytes)
        count *= 2;
    uint64_t table = count * sizeof memory->buckets[0];
    bytes -= table;
    int64_t status = memory_map(0, BUCKETS_VA, table / PAGE_SIZE, PAGE_READ | PAGE_WRITE);
    *memory = (struct store_memory){
        .base = (void *)(uintptr_t)ARENA_VA,
        .bytes_max = bytes / (GROW_PAGES * PAGE_SIZE) * (GROW_PAGES * PAGE_SIZE),
        .buckets = (uint32_t *)(uintptr_t)BUCKETS_VA,
        .bucket_count = (uint32_t)count,
        .grow = arena_grow,
    };
    return status;
}
