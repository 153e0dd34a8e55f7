/* SPDX-License-Identifier: MIT */
/*
 * The allocator: blocks of 4 KiB, 2 MiB (a region) and 1 GiB (a giga), each aligned to its size, given
 * and taken back in constant time; small blocks merge into larger ones by themselves. It owns
 * free_slot .. partial_pos of window.h.
 *
 * Invariant alloc_wf, with R = alloc_regions and everything below for frames p < R * 512, regions
 * r < R and gigas g < GIGAS_MAX only:
 *   - free_slot and free_pos are inverse permutations that keep each frame in its region
 *     (free_pos[p] / 512 == p / 512); big_slot and big_pos the same for regions in their giga;
 *     partial_slot and partial_pos are inverse permutations of the regions, giga_partial_slot and _pos,
 *     giga_whole_slot and _pos of the gigas.
 *   - region_free[r] is 0 .. 512, or BLOCK_TAKEN: the region is one allocated 2 MiB block;
 *     giga_free[g] is 0 .. 512 or BLOCK_TAKEN: the giga is one allocated 1 GiB block, and then
 *     region_free is 512 in all of its 512 regions.
 *   - in a giga that is not taken: region r is wholly free exactly when region_free[r] == 512, and
 *     exactly when big_pos[r] % 512 < giga_free[g]; g * 512 + giga_free[g] <= R unless it is 0.
 *   - frame p is free when its giga and region are not taken and free_pos[p] % 512 <
 *     region_free[p / 512]. Frame 0 is not free.
 *   - a frame with frame_kind != FRAME_FREE is not free; in a taken region or giga it is the first
 *     frame, and FRAME_USER. Objects are among the frames p < R * 512.
 *   - partial_pos[r] < partial_count exactly when 0 < region_free[r] < 512; giga_partial_pos[g] <
 *     giga_partial_count exactly when 0 < giga_free[g] < 512; giga_whole_pos[g] < giga_whole_count
 *     exactly when giga_free[g] == 512.
 *   - alloc_free_frames() is the number of free frames.
 */
#ifndef CORE_ALLOC_H
#define CORE_ALLOC_H

#include "core/frame.h"

#define BLOCK_TAKEN 1024u

/* The allocator's own state. */
extern uint32_t alloc_regions;                /* regions that exist: 0 .. alloc_regions - 1 */
extern uint32_t partial_count;                /* regions that are partly free */
extern uint32_t giga_free[GIGAS_MAX];         /* wholly free regions in each */
extern uint32_t giga_partial_slot[GIGAS_MAX]; /* gigas some of whose regions are wholly free */
extern uint32_t giga_partial_pos[GIGAS_MAX];
extern uint32_t giga_partial_count;
extern uint32_t giga_whole_slot[GIGAS_MAX]; /* gigas all of whose regions are */
extern uint32_t giga_whole_pos[GIGAS_MAX];
extern uint32_t giga_whole_count;
extern uint64_t free_frames;
/*@ ghost extern uint64_t alloc_weight[REGIONS_MAX]; */

/* clang-format off */
#define ALLOC_STATE                                                                                \
    free_slot[0 .. FRAMES_MAX - 1], free_pos[0 .. FRAMES_MAX - 1],                                 \
    region_free[0 .. REGIONS_MAX - 1], big_slot[0 .. REGIONS_MAX - 1],                             \
    big_pos[0 .. REGIONS_MAX - 1], partial_slot[0 .. REGIONS_MAX - 1],                             \
    partial_pos[0 .. REGIONS_MAX - 1], partial_count, giga_free[0 .. GIGAS_MAX - 1],               \
    giga_partial_slot[0 .. GIGAS_MAX - 1], giga_partial_pos[0 .. GIGAS_MAX - 1],                   \
    giga_partial_count, giga_whole_slot[0 .. GIGAS_MAX - 1], giga_whole_pos[0 .. GIGAS_MAX - 1],   \
    giga_whole_count, free_frames, alloc_weight[0 .. REGIONS_MAX - 1]
#define FRAME_CREATE_ASSIGNS                                                                       \
    ALLOC_STATE, frame_kind[0 .. FRAMES_MAX - 1], frame_generation[0 .. FRAMES_MAX - 1],           \
    frame_maps[0 .. FRAMES_MAX - 1], frame_next_birth, thread_at[0 .. FRAMES_MAX - 1],             \
    process_at[0 .. FRAMES_MAX - 1], container_at[0 .. FRAMES_MAX - 1],                            \
    table_at[0 .. FRAMES_MAX - 1], page_at[0 .. FRAMES_MAX - 1],                                   \
    endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], handle_at[0 .. FRAMES_MAX * SLOTS - 1]
/* clang-format on */

/*@
predicate giga_taken{L}(integer p) = giga_free[p / 512 / 512] == BLOCK_TAKEN;
predicate region_taken{L}(integer p) = region_free[p / 512] == BLOCK_TAKEN;
predicate frame_exists{L}(integer p) = is_frame(p) && p < alloc_regions * 512;
predicate frame_free{L}(integer p) = frame_exists(p) && !giga_taken(p) && !region_taken(p) &&
    free_pos[p] % 512 < region_free[p / 512];
// The block of that size that begins at p is allocated.
predicate block_held{L}(integer p, integer size) = frame_exists(p) &&
    (size == BLOCK_4K ==> !giga_taken(p) && !region_taken(p) &&
        free_pos[p] % 512 >= region_free[p / 512]) &&
    (size == BLOCK_2M ==> p % 512 == 0 && !giga_taken(p) && region_taken(p)) &&
    (size == BLOCK_1G ==> p % PAGES_1G == 0 && giga_taken(p));
logic integer block_pages(integer size) = size == BLOCK_4K ? 1 : size == BLOCK_2M ? 512 : PAGES_1G;
// Size of the block that frame p, not free, begins or is part of.
logic integer block_size_of{L}(integer p) =
    giga_free[p / 512 / 512] == BLOCK_TAKEN ? BLOCK_1G :
    region_free[p / 512] == BLOCK_TAKEN ? BLOCK_2M : BLOCK_4K;
// All blocks but the one of that size at p stay as they are; blocks_kept: none begins or ends.
predicate blocks_but{K,L}(integer p, integer size) = \forall integer q, s; 0 <= s < BLOCK_SIZES &&
    !(q == p && s == size) ==> (block_held{K}(q, s) <==> block_held{L}(q, s));
// An object stays in its block.
predicate sizes_kept{K,L} = \forall integer p; is_frame(p) && \at(frame_kind[p],L) > FRAME_RESERVED ==>
    block_size_of{K}(p) == block_size_of{L}(p);
// Where an object is, in which kind of block.
predicate kind_placed{L}(integer p) = frame_kind[p] != FRAME_FREE ==>
    (frame_kind[p] > FRAME_RESERVED ==> p < alloc_regions * 512) &&
    (p < alloc_regions * 512 && giga_taken(p) ==> p % PAGES_1G == 0 && frame_kind[p] == FRAME_USER) &&
    (p < alloc_regions * 512 && !giga_taken(p) && region_taken(p) ==>
        p % 512 == 0 && frame_kind[p] == FRAME_USER) &&
    (p < alloc_regions * 512 && !giga_taken(p) && !region_taken(p) ==>
        free_pos[p] % 512 >= region_free[p / 512]);
*/

#ifdef ALLOC_PROOF
#define ALLOC_FACT lemma
#include "core/alloc_wf.h"
#else
#define ALLOC_FACT axiom
/*@ axiomatic alloc {
    predicate alloc_wf{L} reads ALLOC_STATE, alloc_regions, frame_kind[0 .. FRAMES_MAX - 1];
} */
/* clang-format off */
#define ALLOC_ENSURED ensures alloc: alloc_wf;
/* clang-format on */
#endif

/*@ predicate alloc_same{K,L} =
        \at(alloc_regions,K) == \at(alloc_regions,L) && \at(partial_count,K) == \at(partial_count,L) &&
        \at(giga_partial_count,K) == \at(giga_partial_count,L) &&
        \at(giga_whole_count,K) == \at(giga_whole_count,L) && \at(free_frames,K) == \at(free_frames,L) &&
        (\forall integer p; 0 <= p < FRAMES_MAX ==> \at(free_slot[p],K) == \at(free_slot[p],L) &&
            \at(free_pos[p],K) == \at(free_pos[p],L)) &&
        (\forall integer r; 0 <= r < REGIONS_MAX ==> \at(region_free[r],K) == \at(region_free[r],L) &&
            \at(big_slot[r],K) == \at(big_slot[r],L) && \at(big_pos[r],K) == \at(big_pos[r],L) &&
            \at(partial_slot[r],K) == \at(partial_slot[r],L) &&
            \at(partial_pos[r],K) == \at(partial_pos[r],L) &&
            \at(alloc_weight[r],K) == \at(alloc_weight[r],L)) &&
        (\forall integer g; 0 <= g < GIGAS_MAX ==> \at(giga_free[g],K) == \at(giga_free[g],L) &&
            \at(giga_partial_slot[g],K) == \at(giga_partial_slot[g],L) &&
            \at(giga_partial_pos[g],K) == \at(giga_partial_pos[g],L) &&
            \at(giga_whole_slot[g],K) == \at(giga_whole_slot[g],L) &&
            \at(giga_whole_pos[g],K) == \at(giga_whole_pos[g],L));

axiomatic alloc_facts {
ALLOC_FACT alloc_placed{L}: alloc_wf{L} ==> \forall integer p; is_frame(p) ==> kind_placed{L}(p);
}
*/
#undef ALLOC_FACT

/* Nothing is free, and frames 0 .. frames - 1 (at most FRAMES_MAX), rounded up to a region, exist. */
/*@ requires 0 < frames <= FRAMES_MAX;
    requires \forall integer p; is_frame(p) ==> frame_kind[p] == FRAME_RESERVED;
    assigns ALLOC_STATE, alloc_regions;
    ALLOC_ENSURED
    ensures regions: alloc_regions == (frames + 511) / 512;
    ensures none: \forall integer p; frame_exists(p) ==> block_held(p, BLOCK_4K);
*/
void alloc_reset(pfn_t frames);

/* First frame of a block of a size (enum block_size), whose frames have kind FRAME_FREE; 0: there is none. */
/*@ requires alloc_wf && size < BLOCK_SIZES;
    assigns ALLOC_STATE;
    ALLOC_ENSURED
    ensures none: \result == 0 ==> blocks_but{Pre,Post}(0, size);
    ensures held: \result != 0 ==> block_held(\result, size) && !block_held{Pre}(\result, size);
    ensures free: \result != 0 ==> \forall integer p; \result <= p < \result + block_pages(size) ==>
        is_frame(p) && frame_kind[p] == FRAME_FREE;
    ensures others: blocks_but{Pre,Post}(\result, size);
    ensures sizes: sizes_kept{Pre,Post};
*/
pfn_t block_alloc(uint8_t size);

/* Gives a block back, which was allocated with this size or, 4 KiB frames only, never free before. */
/*@ requires alloc_wf && size < BLOCK_SIZES && block_held(p, size);
    requires free: \forall integer q; p <= q < p + block_pages(size) ==> frame_kind[q] == FRAME_FREE;
    assigns ALLOC_STATE;
    ALLOC_ENSURED
    ensures gone: !block_held(p, size);
    ensures others: blocks_but{Pre,Post}(p, size);
    ensures sizes: sizes_kept{Pre,Post};
*/
void block_free(pfn_t p, uint8_t size);

/* Gives back all 4 KiB frames of the region that begins at p, none of which is free, at once. */
/*@ requires alloc_wf && 0 < p < alloc_regions * 512 && p % 512 == 0;
    requires held: giga_free[p / 512 / 512] != BLOCK_TAKEN && region_free[p / 512] == 0;
    requires free: \forall integer q; p <= q < p + 512 ==> frame_kind[q] == FRAME_FREE;
    assigns ALLOC_STATE;
    ALLOC_ENSURED
    ensures gone: \forall integer q; p <= q < p + 512 ==> frame_free(q);
    ensures others: \forall integer q, s; 0 <= s < BLOCK_SIZES && !(p <= q < p + 512) ==>
        (block_held{Pre}(q, s) <==> block_held(q, s));
    ensures sizes: sizes_kept{Pre,Post};
*/
void block_free_all(pfn_t p);

/* Number of free 4 KiB frames. */
/*@ assigns \nothing; ensures \result == free_frames; */
uint64_t alloc_free_frames(void);

/*@ // No frame but p changes what it is, nor its contents.
    predicate frames_but{K,L}(integer p) = \forall integer q; is_frame(q) && q != p ==>
        \at(frame_kind[q],K) == \at(frame_kind[q],L) &&
        \at(frame_generation[q],K) == \at(frame_generation[q],L) &&
        \at(frame_maps[q],K) == \at(frame_maps[q],L);
    predicate windows_but{K,L}(integer p) =
        (\forall integer q; is_frame(q) && q != p ==>
            \at(thread_at[q],K) == \at(thread_at[q],L) && \at(process_at[q],K) == \at(process_at[q],L) &&
            \at(container_at[q],K) == \at(container_at[q],L) && \at(table_at[q],K) == \at(table_at[q],L) &&
            \at(page_at[q],K) == \at(page_at[q],L)) &&
        (\forall integer e; 0 <= e < FRAMES_MAX * SLOTS && e / SLOTS != p ==>
            \at(endpoint_at[e],K) == \at(endpoint_at[e],L) && \at(handle_at[e],K) == \at(handle_at[e],L));
*/

/* A new object of a kind: block_alloc and frame_retype; 0: no memory. */
/*@ requires alloc_wf && frames_wf && FRAME_RESERVED < kind < FRAME_KINDS;
    assigns FRAME_CREATE_ASSIGNS;
    ALLOC_ENSURED
    ensures frames: frames_wf;
    ensures frame: \result != 0 ==> is_frame(\result) && \old(frame_kind[\result]) == FRAME_FREE &&
        frame_kind[\result] == kind && frame_maps[\result] == 0;
    ensures birth: \result != 0 ==>
        frame_generation[\result] == \old(frame_next_birth) < frame_next_birth;
    ensures blank: \result != 0 ==> frame_blank(\result);
    ensures held: \result != 0 ==> block_held(\result, BLOCK_4K);
    ensures others: frames_but{Pre,Post}(\result);
    ensures windows: windows_but{Pre,Post}(\result);
    ensures blocks: blocks_but{Pre,Post}(\result, BLOCK_4K);
    ensures none: \result == 0 ==> frame_next_birth == \old(frame_next_birth);
    ensures sizes: \forall integer p; is_frame(p) && p != \result && frame_kind[p] > FRAME_RESERVED ==>
        block_size_of(p) == block_size_of{Pre}(p);
*/
pfn_t frame_create(uint8_t kind);

/* The end of a 4 KiB object: frame_retire and block_free. */
/*@ requires alloc_wf && frames_wf && is_object(p) && block_size_of(p) == BLOCK_4K;
    assigns ALLOC_STATE, frame_kind[p], frame_generation[p];
    ALLOC_ENSURED
    ensures frames: frames_wf;
    ensures free: frame_kind[p] == FRAME_FREE && frame_generation[p] == 0;
    ensures blocks: blocks_but{Pre,Post}(p, BLOCK_4K);
    ensures sizes: sizes_kept{Pre,Post};
*/
void frame_destroy(pfn_t p);

/* One more page-table entry maps user block p. */
/*@ requires is_user(p) && frame_maps[p] < UINT32_MAX;
    assigns frame_maps[p];
    ensures maps: frame_maps[p] == \old(frame_maps[p]) + 1;
*/
void page_map(pfn_t p);

/* One fewer does. 1: it was the last, and the block (of that size) is free now; else 0. */
/*@ requires alloc_wf && frames_wf && is_user(p) && frame_maps[p] > 0 && size < BLOCK_SIZES;
    requires size: block_size_of(p) == size;
    assigns ALLOC_STATE, frame_kind[p], frame_generation[p], frame_maps[p];
    ALLOC_ENSURED
    ensures frames: frames_wf;
    ensures maps: frame_maps[p] == \old(frame_maps[p]) - 1;
    ensures kept: \old(frame_maps[p]) > 1 ==> \result == 0 && is_user(p) && blocks_but{Pre,Post}(0, 0);
    ensures last: \old(frame_maps[p]) == 1 ==> \result == 1 && frame_kind[p] == FRAME_FREE &&
        frame_generation[p] == 0;
    ensures blocks: blocks_but{Pre,Post}(p, size);
    ensures sizes: sizes_kept{Pre,Post};
*/
int page_unmap(pfn_t p, uint8_t size);

#endif
