/* SPDX-License-Identifier: MIT */
/*
 * The allocator: sparse sets on three scales, see alloc.h. region_count_set and giga_count_set keep a
 * region, or giga, in the sets its count belongs to; the rest is choosing.
 */
#define ALLOC_PROOF
#include "core/alloc.h"

uint32_t alloc_regions;
uint32_t partial_count;
uint32_t giga_free[GIGAS_MAX];
uint32_t giga_partial_slot[GIGAS_MAX];
uint32_t giga_partial_pos[GIGAS_MAX];
uint32_t giga_partial_count;
uint32_t giga_whole_slot[GIGAS_MAX];
uint32_t giga_whole_pos[GIGAS_MAX];
uint32_t giga_whole_count;
uint64_t free_frames;

#define SET(name) frame_##name
#define SET_SLOT free_slot
#define SET_POS free_pos
#define SET_SIZE (alloc_regions * 512)
#define SET_GROUP 512
#include "core/set_template.h"

#define SET(name) big_##name
#define SET_SLOT big_slot
#define SET_POS big_pos
#define SET_SIZE alloc_regions
#define SET_GROUP 512
#include "core/set_template.h"

#define SET(name) partial_##name
#define SET_SLOT partial_slot
#define SET_POS partial_pos
#define SET_SIZE alloc_regions
#define SET_GROUP NO_GROUPS
#define SET_COUNT partial_count
#include "core/set_template.h"

#define SET(name) giga_partial_##name
#define SET_SLOT giga_partial_slot
#define SET_POS giga_partial_pos
#define SET_SIZE GIGAS_MAX
#define SET_GROUP NO_GROUPS
#define SET_COUNT giga_partial_count
#include "core/set_template.h"

#define SET(name) giga_whole_##name
#define SET_SLOT giga_whole_slot
#define SET_POS giga_whole_pos
#define SET_SIZE GIGAS_MAX
#define SET_GROUP NO_GROUPS
#define SET_COUNT giga_whole_count
#include "core/set_template.h"

/* A region has count free frames now. */
/*@ requires alloc_range && partial_perm && alloc_partial && region < alloc_regions;
    requires count <= 512 || count == BLOCK_TAKEN;
    assigns region_free[region], partial_slot[0 .. REGIONS_MAX - 1],
            partial_pos[0 .. REGIONS_MAX - 1], partial_count;
    ensures perm: partial_perm;
    ensures partial: alloc_partial;
    ensures range: alloc_range;
    ensures set: region_free[region] == count;
*/
static void region_count_set(uint32_t region, uint32_t count)
{
    region_free[region] = count;
    partial_put(region, count > 0 && count < 512);
}

/* A giga has count wholly free regions now. */
/*@ requires alloc_range && giga_partial_perm && giga_whole_perm && alloc_gigas && giga < GIGAS_MAX;
    requires count <= 512 || count == BLOCK_TAKEN;
    assigns giga_free[giga], giga_partial_slot[0 .. GIGAS_MAX - 1],
            giga_partial_pos[0 .. GIGAS_MAX - 1], giga_partial_count,
            giga_whole_slot[0 .. GIGAS_MAX - 1], giga_whole_pos[0 .. GIGAS_MAX - 1],
            giga_whole_count;
    ensures perm: giga_partial_perm;
    ensures whole_perm: giga_whole_perm;
    ensures gigas: alloc_gigas;
    ensures range: alloc_range;
    ensures set: giga_free[giga] == count;
*/
static void giga_count_set(uint32_t giga, uint32_t count)
{
    giga_free[giga] = count;
    giga_partial_put(giga, count > 0 && count < 512);
    giga_whole_put(giga, count == 512);
}

/* A wholly free region, the last in its giga's set, a partial giga first; 0: there is none. */
/*@ requires alloc_wf;
    assigns \nothing;
    ensures some: \result != 0 ==> 0 < \result < alloc_regions && region_free[\result] == 512 &&
        0 < giga_free[\result / 512] <= 512 &&
        big_pos[\result] == \result / 512 * 512 + giga_free[\result / 512] - 1;
*/
static uint32_t region_find(void)
{
    uint32_t giga;
    if (giga_partial_count > 0)
        giga = giga_partial_slot[giga_partial_count - 1];
    else if (giga_whole_count > 0)
        giga = giga_whole_slot[giga_whole_count - 1];
    else
        return 0;
    //@ assert giga: giga < GIGAS_MAX && 0 < giga_free[giga] <= 512;
    uint32_t place = giga * 512 + giga_free[giga] - 1;
    //@ assert group: place / 512 == giga && place % 512 == giga_free[giga] - 1;
    uint32_t region = big_slot[place];
    //@ assert region: region < alloc_regions && region / 512 == giga && big_pos[region] == place;
    return region;
}

/* clang-format off */
#define GIGA_STATE                                                                                 \
    giga_free[0 .. GIGAS_MAX - 1], giga_partial_slot[0 .. GIGAS_MAX - 1],                          \
    giga_partial_pos[0 .. GIGAS_MAX - 1], giga_partial_count,                                      \
    giga_whole_slot[0 .. GIGAS_MAX - 1], giga_whole_pos[0 .. GIGAS_MAX - 1], giga_whole_count
#define REGION_STATE                                                                               \
    region_free[0 .. REGIONS_MAX - 1], partial_slot[0 .. REGIONS_MAX - 1],                         \
    partial_pos[0 .. REGIONS_MAX - 1], partial_count
/* clang-format on */

/* Takes a wholly free region out of its giga's set: region_find, and 0 as there. */
/*@ requires alloc_wf;
    assigns GIGA_STATE;
    ALLOC_REST_ENSURED
    ensures none: \result == 0 ==> alloc_big;
    ensures some: \result != 0 ==> alloc_big_but(\result) && region_free[\result] == 512;
    ensures taken: \forall integer g; 0 <= g < GIGAS_MAX ==>
        (giga_free[g] == BLOCK_TAKEN <==> \old(giga_free[g]) == BLOCK_TAKEN);
    ensures blocks: blocks_but{Pre,Post}(0, BLOCK_4K);
*/
static uint32_t region_take(void)
{
    uint32_t region = region_find();
    if (region == 0)
        return 0;
    /*@ assert alone: \forall integer r; 0 <= r < alloc_regions && r / 512 == region / 512 &&
            big_pos[r] % 512 == giga_free[region / 512] - 1 ==> big_pos[r] == big_pos[region]; */
    /*@ assert only: \forall integer r; 0 <= r < alloc_regions && r / 512 == region / 512 &&
            big_pos[r] % 512 == giga_free[region / 512] - 1 ==> r == region; */
    giga_count_set(region / 512, giga_free[region / 512] - 1);
    return region;
}

/* Puts a wholly free region into its giga's set. */
/*@ requires alloc_rest && alloc_big_but(region) && region_free[region] == 512;
    assigns GIGA_STATE, big_slot[0 .. REGIONS_MAX - 1], big_pos[0 .. REGIONS_MAX - 1];
    ALLOC_ENSURED
    ensures taken: \forall integer g; 0 <= g < GIGAS_MAX ==>
        (giga_free[g] == BLOCK_TAKEN <==> \old(giga_free[g]) == BLOCK_TAKEN);
    ensures blocks: blocks_but{Pre,Post}(0, BLOCK_4K);
*/
static void region_give(uint32_t region)
{
    uint32_t giga = region / 512;
    uint32_t count = giga_free[giga];
    //@ assert room: giga * 512 + count <= big_pos[region] < alloc_regions;
    //@ assert group: (giga * 512 + count) / 512 == giga && (giga * 512 + count) % 512 == count;
    big_swap(region, giga * 512 + count);
    /*@ assert rest: \forall integer r; 0 <= r < alloc_regions && r != region && r / 512 == giga ==>
            (big_pos[r] % 512 < count + 1 <==> \at(big_pos[r],Pre) % 512 < count); */
    /*@ assert away: \forall integer r; 0 <= r < alloc_regions && r / 512 != giga ==>
            big_pos[r] == \at(big_pos[r],Pre); */
    giga_count_set(giga, count + 1);
    //@ assert this: alloc_big_at(region);
    /*@ assert near: \forall integer r; 0 <= r < alloc_regions && r != region && r / 512 == giga ==>
            alloc_big_at(r); */
    /*@ assert far: \forall integer r; 0 <= r < alloc_regions && r / 512 != giga ==>
            giga_free[r / 512] == \at(giga_free[r / 512],Pre) && alloc_big_at(r); */
}

/* Takes a free frame of a region that has some, and is not in its giga's set (any more). */
/*@ requires alloc_rest && alloc_big_but(region) && 0 < region_free[region] <= 512;
    assigns REGION_STATE;
    ALLOC_ENSURED
    ensures some: \result != 0 && block_held(\result, BLOCK_4K) && frame_free{Pre}(\result);
    ensures others: blocks_but{Pre,Post}(\result, BLOCK_4K);
    ensures sizes: sizes_kept{Pre,Post};
*/
static pfn_t frame_take_from(uint32_t region)
{
    uint32_t left = region_free[region] - 1;
    uint32_t place = region * 512 + left;
    //@ assert group: place / 512 == region && place % 512 == left;
    pfn_t p = free_slot[place];
    //@ assert frame: p / 512 == region && free_pos[p] == place && p != 0;
    region_count_set(region, left);
    return p;
}

/* A free frame, of a region that is not wholly free if possible; 0: there is none. */
/*@ requires alloc_wf;
    assigns REGION_STATE, GIGA_STATE;
    ALLOC_ENSURED
    ensures none: \result == 0 ==> blocks_but{Pre,Post}(0, BLOCK_4K);
    ensures some: \result != 0 ==>
        block_held(\result, BLOCK_4K) && frame_free{Pre}(\result);
    ensures others: blocks_but{Pre,Post}(\result, BLOCK_4K);
    ensures sizes: sizes_kept{Pre,Post};
*/
static pfn_t frame_take(void)
{
    if (partial_count > 0)
        return frame_take_from(partial_slot[partial_count - 1]);
    uint32_t region = region_take();
    if (region == 0)
        return 0;
    return frame_take_from(region);
}

/*@ requires alloc_wf && block_held(p, BLOCK_4K) && frame_kind[p] == FRAME_FREE;
    assigns REGION_STATE, GIGA_STATE, big_slot[0 .. REGIONS_MAX - 1],
            big_pos[0 .. REGIONS_MAX - 1], free_slot[0 .. FRAMES_MAX - 1],
            free_pos[0 .. FRAMES_MAX - 1];
    ALLOC_ENSURED
    ensures gone: frame_free(p);
    ensures others: blocks_but{Pre,Post}(p, BLOCK_4K);
    ensures sizes: sizes_kept{Pre,Post};
*/
static void frame_give(pfn_t p)
{
    uint32_t region = p / 512;
    uint32_t count = region_free[region];
    uint32_t place = region * 512 + count;
    //@ assert room: place <= free_pos[p] && free_pos[p] / 512 == region;
    //@ assert group: place / 512 == region && place % 512 == count;
    frame_swap(p, place);
    region_count_set(region, count + 1);
    //@ assert blocks: blocks_but{Pre,Here}(p, BLOCK_4K);
    //@ assert next: free_pos[p] == place && (region == 0 ==> free_pos[0] % 512 > count);
    if (count + 1 < 512)
        return;
    region_give(region);
}

/*@ requires alloc_wf;
    assigns REGION_STATE, GIGA_STATE;
    ALLOC_ENSURED
    ensures none: \result == 0 ==> blocks_but{Pre,Post}(0, BLOCK_2M);
    ensures some: \result != 0 ==> block_held(\result, BLOCK_2M);
    ensures free: \result != 0 ==> \forall integer p; \result <= p < \result + 512 ==>
        frame_free{Pre}(p);
    ensures others: blocks_but{Pre,Post}(\result, BLOCK_2M);
    ensures sizes: sizes_kept{Pre,Post};
*/
static pfn_t region_block_take(void)
{
    uint32_t region = region_take();
    if (region == 0)
        return 0;
    region_count_set(region, BLOCK_TAKEN);
    return region * 512;
}

/*@ requires alloc_wf && block_held(p, BLOCK_2M);
    requires free: \forall integer q; p <= q < p + 512 ==> frame_kind[q] == FRAME_FREE;
    assigns REGION_STATE, GIGA_STATE, big_slot[0 .. REGIONS_MAX - 1],
            big_pos[0 .. REGIONS_MAX - 1];
    ALLOC_ENSURED
    ensures gone: !block_held(p, BLOCK_2M);
    ensures others: blocks_but{Pre,Post}(p, BLOCK_2M);
    ensures sizes: sizes_kept{Pre,Post};
*/
static void region_block_give(pfn_t p)
{
    uint32_t region = p / 512;
    region_count_set(region, 512);
    region_give(region);
}

/*@ requires alloc_wf;
    assigns GIGA_STATE;
    ALLOC_ENSURED
    ensures none: \result == 0 ==> blocks_but{Pre,Post}(0, BLOCK_1G);
    ensures some: \result != 0 ==> block_held(\result, BLOCK_1G);
    ensures free: \result != 0 ==> \forall integer p; \result <= p < \result + PAGES_1G ==>
        frame_free{Pre}(p);
    ensures others: blocks_but{Pre,Post}(\result, BLOCK_1G);
    ensures sizes: sizes_kept{Pre,Post};
*/
static pfn_t giga_block_take(void)
{
    if (giga_whole_count == 0)
        return 0;
    uint32_t giga = giga_whole_slot[giga_whole_count - 1];
    //@ assert whole: giga < GIGAS_MAX && giga_free[giga] == 512 && giga != 0;
    /*@ assert inside: \forall integer p; giga * PAGES_1G <= p < giga * PAGES_1G + PAGES_1G ==>
            p / 512 / 512 == giga && p / 512 < alloc_regions; */
    giga_count_set(giga, BLOCK_TAKEN);
    return giga * PAGES_1G;
}

/*@ requires alloc_wf && block_held(p, BLOCK_1G);
    requires free: \forall integer q; p <= q < p + PAGES_1G ==> frame_kind[q] == FRAME_FREE;
    assigns GIGA_STATE;
    ALLOC_ENSURED
    ensures gone: !block_held(p, BLOCK_1G);
    ensures others: blocks_but{Pre,Post}(p, BLOCK_1G);
    ensures sizes: sizes_kept{Pre,Post};
*/
static void giga_block_give(pfn_t p)
{
    uint32_t giga = p / PAGES_1G;
    //@ assert inside: p / 512 / 512 == giga && giga < GIGAS_MAX;
    giga_count_set(giga, 512);
}

/* Counts frames that are free no more. The conditions always hold; that the count is exact is checked
   by the invariant's twin in invariant.c and not yet proved. */
/*@ assigns free_frames; */
static void count_take(uint32_t pages)
{
    if (free_frames >= pages)
        free_frames -= pages;
}

/* Counts frames that are free again. */
/*@ assigns free_frames; */
static void count_give(uint32_t pages)
{
    if (free_frames <= UINT64_MAX - pages)
        free_frames += pages;
}

pfn_t block_alloc(uint8_t size)
{
    pfn_t p;
    //@ assert idle: \forall integer q; frame_free(q) ==> frame_kind[q] == FRAME_FREE;
    if (size == BLOCK_4K) {
        p = frame_take();
        if (p != 0)
            count_take(1);
        return p;
    }
    if (size == BLOCK_2M) {
        p = region_block_take();
        if (p != 0)
            count_take(PAGES_2M);
        return p;
    }
    p = giga_block_take();
    if (p != 0)
        count_take(PAGES_1G);
    return p;
}

void block_free(pfn_t p, uint8_t size)
{
    if (size == BLOCK_4K) {
        frame_give(p);
        count_give(1);
        return;
    }
    if (size == BLOCK_2M) {
        region_block_give(p);
        count_give(PAGES_2M);
        return;
    }
    giga_block_give(p);
    count_give(PAGES_1G);
}

void block_free_all(pfn_t p)
{
    uint32_t region = p / 512;
    region_count_set(region, 512);
    region_give(region);
    count_give(PAGES_2M);
}

uint64_t alloc_free_frames(void) { return free_frames; }

/* The gigas are in no set. */
/*@ assigns GIGA_STATE;
    ensures perm: giga_partial_perm;
    ensures whole: giga_whole_perm;
    ensures none: giga_partial_count == 0 && giga_whole_count == 0;
    ensures free: \forall integer g; 0 <= g < GIGAS_MAX ==> giga_free[g] == 0;
*/
static void gigas_reset(void)
{
    giga_partial_count = 0;
    giga_whole_count = 0;
    /*@ loop invariant range: 0 <= g <= GIGAS_MAX;
        loop invariant free: \forall integer i; 0 <= i < g ==> giga_free[i] == 0;
        loop invariant partial: \forall integer i; 0 <= i < g ==>
            giga_partial_slot[i] == i && giga_partial_pos[i] == i;
        loop invariant whole: \forall integer i; 0 <= i < g ==>
            giga_whole_slot[i] == i && giga_whole_pos[i] == i;
        loop assigns g, giga_free[0 .. GIGAS_MAX - 1], giga_partial_slot[0 .. GIGAS_MAX - 1],
            giga_partial_pos[0 .. GIGAS_MAX - 1], giga_whole_slot[0 .. GIGAS_MAX - 1],
            giga_whole_pos[0 .. GIGAS_MAX - 1];
        loop variant GIGAS_MAX - g;
    */
    for (uint32_t g = 0; g < GIGAS_MAX; g++) {
        giga_free[g] = 0;
        giga_partial_slot[g] = g;
        giga_partial_pos[g] = g;
        giga_whole_slot[g] = g;
        giga_whole_pos[g] = g;
    }
}

/* Nothing is free in any region. */
/*@ requires 0 < alloc_regions <= REGIONS_MAX;
    assigns REGION_STATE, big_slot[0 .. REGIONS_MAX - 1], big_pos[0 .. REGIONS_MAX - 1];
    ensures perm: partial_perm;
    ensures big: big_perm;
    ensures none: partial_count == 0;
    ensures free: \forall integer r; 0 <= r < alloc_regions ==> region_free[r] == 0;
*/
static void regions_reset(void)
{
    partial_count = 0;
    /*@ loop invariant range: 0 <= r <= alloc_regions;
        loop invariant free: \forall integer i; 0 <= i < r ==> region_free[i] == 0;
        loop invariant big: \forall integer i; 0 <= i < r ==> big_slot[i] == i && big_pos[i] == i;
        loop invariant partial: \forall integer i; 0 <= i < r ==>
            partial_slot[i] == i && partial_pos[i] == i;
        loop assigns r, region_free[0 .. REGIONS_MAX - 1], big_slot[0 .. REGIONS_MAX - 1],
            big_pos[0 .. REGIONS_MAX - 1], partial_slot[0 .. REGIONS_MAX - 1],
            partial_pos[0 .. REGIONS_MAX - 1];
        loop variant alloc_regions - r;
    */
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
    /*@ loop invariant range: 0 <= p <= alloc_regions * 512;
        loop invariant same: \forall integer i; 0 <= i < p ==> free_slot[i] == i && free_pos[i] == i;
        loop assigns p, free_slot[0 .. FRAMES_MAX - 1], free_pos[0 .. FRAMES_MAX - 1];
        loop variant alloc_regions * 512 - p;
    */
    for (pfn_t p = 0; p < alloc_regions * 512; p++) {
        free_slot[p] = p;
        free_pos[p] = p;
    }
}

pfn_t frame_create(uint8_t kind)
{
    pfn_t p = block_alloc(BLOCK_4K);
    if (p == 0)
        return 0;
    /*@ assert slots: \forall integer e; 0 <= e && e / SLOTS != p ==>
            !(p * SLOTS <= e <= p * SLOTS + 127); */
    frame_retype(p, kind);
    return p;
}

void frame_destroy(pfn_t p)
{
    frame_retire(p);
    block_free(p, BLOCK_4K);
}

void page_map(pfn_t p) { frame_maps[p]++; }

int page_unmap(pfn_t p, uint8_t size)
{
    frame_maps[p]--;
    if (frame_maps[p] > 0)
        return 0;
    /*@ assert rest3: size == BLOCK_2M ==> \forall integer q; p < q < p + 512 ==>
            q / 512 == p / 512 && q % 512 != 0; */
    /*@ assert rest2: size == BLOCK_2M ==> \forall integer q; p < q < p + 512 ==>
            is_frame(q) && frame_kind[q] == FRAME_FREE; */
    /*@ assert rest1: size == BLOCK_1G ==> \forall integer q; p < q < p + PAGES_1G ==>
            q / 512 / 512 == p / 512 / 512 && q % PAGES_1G != 0; */
    /*@ assert rest0: size == BLOCK_1G ==> \forall integer q; p < q < p + PAGES_1G ==>
            is_frame(q) && frame_kind[q] == FRAME_FREE; */
    frame_retire(p);
    block_free(p, size);
    return 1;
}
