/* SPDX-License-Identifier: MIT */
/* The allocator: sparse sets on three scales, see alloc.h. */
#include "core/alloc.h"

struct giga_set giga_partial;
struct giga_set giga_whole;
uint32_t giga_free[GIGAS_MAX];
uint32_t partial_count;
uint32_t alloc_regions;
static uint64_t free_frames;

#define SET_SLOT free_slot
#define SET_POS free_pos
#define SET_SWAP frame_swap
#include "core/set_template.h"

#define SET_SLOT big_slot
#define SET_POS big_pos
#define SET_SWAP big_swap
#include "core/set_template.h"

#define SET_SLOT partial_slot
#define SET_POS partial_pos
#define SET_SWAP partial_swap
#include "core/set_template.h"

#define SET_SLOT giga_partial.slot
#define SET_POS giga_partial.pos
#define SET_SWAP giga_partial_swap
#include "core/set_template.h"

#define SET_SLOT giga_whole.slot
#define SET_POS giga_whole.pos
#define SET_SWAP giga_whole_swap
#include "core/set_template.h"

static void partial_add(uint32_t r)
{
    partial_swap(r, partial_count);
    partial_count++;
}

static void partial_remove(uint32_t r)
{
    partial_count--;
    partial_swap(r, partial_count);
}

static void giga_partial_add(uint32_t g)
{
    giga_partial_swap(g, giga_partial.count);
    giga_partial.count++;
}

static void giga_partial_remove(uint32_t g)
{
    giga_partial.count--;
    giga_partial_swap(g, giga_partial.count);
}

static void giga_whole_add(uint32_t g)
{
    giga_whole_swap(g, giga_whole.count);
    giga_whole.count++;
}

static void giga_whole_remove(uint32_t g)
{
    giga_whole.count--;
    giga_whole_swap(g, giga_whole.count);
}

/* Takes a wholly free region out of its giga, a partial giga first; 0: none. Its region_free stays 512. */
static uint32_t region_take(void)
{
    uint32_t g;
    if (giga_partial.count > 0) {
        g = giga_partial.slot[giga_partial.count - 1];
    } else if (giga_whole.count > 0) {
        g = giga_whole.slot[giga_whole.count - 1];
        giga_whole_remove(g);
        giga_partial_add(g);
    } else {
        return 0;
    }
    uint32_t left = giga_free[g] - 1;
    giga_free[g] = left;
    if (left == 0)
        giga_partial_remove(g);
    return big_slot[g * 512 + left];
}

/* Gives a region, all of whose frames are free again, to its giga. */
static void region_give(uint32_t r)
{
    uint32_t g = r / 512;
    uint32_t count = giga_free[g];
    big_swap(r, g * 512 + count);
    giga_free[g] = count + 1;
    if (count == 0)
        giga_partial_add(g);
    if (count == 511) {
        giga_partial_remove(g);
        giga_whole_add(g);
    }
}

static pfn_t frame_take(void)
{
    uint32_t r;
    if (partial_count > 0) {
        r = partial_slot[partial_count - 1];
    } else {
        r = region_take();
        if (r == 0)
            return 0;
        partial_add(r);
    }
    uint32_t left = region_free[r] - 1;
    region_free[r] = left;
    if (left == 0)
        partial_remove(r);
    free_frames--;
    return free_slot[r * 512 + left];
}

static void frame_give(pfn_t p)
{
    uint32_t r = p / 512;
    uint32_t count = region_free[r];
    frame_swap(p, r * 512 + count);
    region_free[r] = count + 1;
    free_frames++;
    if (count == 0)
        partial_add(r);
    if (count == 511) {
        partial_remove(r);
        region_give(r);
    }
}

static pfn_t region_block_take(void)
{
    uint32_t r = region_take();
    if (r == 0)
        return 0;
    region_free[r] = BLOCK_TAKEN;
    free_frames -= PAGES_2M;
    return r * PAGES_2M;
}

static void region_block_give(pfn_t p)
{
    uint32_t r = p / PAGES_2M;
    region_free[r] = PAGES_2M;
    free_frames += PAGES_2M;
    region_give(r);
}

static pfn_t giga_block_take(void)
{
    if (giga_whole.count == 0)
        return 0;
    uint32_t g = giga_whole.slot[giga_whole.count - 1];
    giga_whole_remove(g);
    giga_free[g] = BLOCK_TAKEN;
    free_frames -= PAGES_1G;
    return g * PAGES_1G;
}

static void giga_block_give(pfn_t p)
{
    uint32_t g = p / PAGES_1G;
    giga_free[g] = 512;
    free_frames += PAGES_1G;
    giga_whole_add(g);
}

pfn_t block_alloc(uint8_t size)
{
    if (size == BLOCK_4K)
        return frame_take();
    if (size == BLOCK_2M)
        return region_block_take();
    return giga_block_take();
}

void block_free(pfn_t p, uint8_t size)
{
    if (size == BLOCK_4K)
        frame_give(p);
    else if (size == BLOCK_2M)
        region_block_give(p);
    else
        giga_block_give(p);
}

static void gigas_reset(void)
{
    giga_partial.count = 0;
    giga_whole.count = 0;
    for (uint32_t g = 0; g < GIGAS_MAX; g++) {
        giga_free[g] = 0;
        giga_partial.slot[g] = g;
        giga_partial.pos[g] = g;
        giga_whole.slot[g] = g;
        giga_whole.pos[g] = g;
    }
}

static void regions_reset(void)
{
    partial_count = 0;
    for (uint32_t r = 0; r < alloc_regions; r++) {
        region_free[r] = 0;
        big_slot[r] = r;
        big_pos[r] = r;
        partial_slot[r] = r;
        partial_pos[r] = r;
    }
}

void alloc_reset(pfn_t frames)
{
    free_frames = 0;
    alloc_regions = (frames - 1) / 512 + 1;
    gigas_reset();
    regions_reset();
    for (pfn_t p = 0; p < alloc_regions * 512; p++) {
        free_slot[p] = p;
        free_pos[p] = p;
    }
}

uint64_t alloc_free_frames(void)
{
    return free_frames;
}

pfn_t frame_create(uint8_t kind)
{
    pfn_t p = frame_take();
    if (p != 0)
        frame_retype(p, kind);
    return p;
}

void frame_destroy(pfn_t p)
{
    frame_retire(p);
    frame_give(p);
}

void page_map(pfn_t p)
{
    frame_maps[p]++;
}

int page_unmap(pfn_t p, uint8_t size)
{
    frame_maps[p]--;
    if (frame_maps[p] > 0)
        return 0;
    frame_retire(p);
    block_free(p, size);
    return 1;
}
