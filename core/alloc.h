/* SPDX-License-Identifier: MIT */
/*
 * The allocator: blocks of 4 KiB, 2 MiB (a region) and 1 GiB (a giga), each aligned to its size, given and taken back
 * in constant time; small blocks merge into larger ones by themselves. It owns free_slot .. partial_pos of window.h.
 *
 * Invariant alloc_wf, with R = alloc_regions() and everything below for frames p < R * 512 and regions r < R only:
 *   - free_slot and free_pos are inverse permutations that keep each frame in its region (free_pos[p] / 512 == p / 512);
 *     big_slot and big_pos the same for regions in their giga; partial_slot and partial_pos are inverse permutations of
 *     the regions, giga_partial and giga_whole (struct giga_set) of the gigas 0 .. GIGAS_MAX - 1.
 *   - region_free[r] is 0 .. 512, or BLOCK_TAKEN: the region is one allocated 2 MiB block; giga_free[g] is 0 .. 512 or
 *     BLOCK_TAKEN: the giga is one allocated 1 GiB block, and then region_free is 512 in all of its 512 regions.
 *   - in a giga that is not taken: region r is wholly free exactly when region_free[r] == 512, and exactly when
 *     big_pos[r] % 512 < giga_free[g].
 *   - frame p is free when its giga and region are not taken and free_pos[p] % 512 < region_free[p / 512]; then
 *     frame_kind[p] == FRAME_FREE. Frame 0 is not free.
 *   - partial_pos[r] < the number of partial regions exactly when 0 < region_free[r] < 512; giga_partial.pos[g] <
 *     giga_partial.count exactly when 0 < giga_free[g] < 512; giga_whole the same for giga_free[g] == 512.
 *   - alloc_free_frames() is the number of free frames.
 */
#ifndef CORE_ALLOC_H
#define CORE_ALLOC_H

#include "core/frame.h"

#define BLOCK_TAKEN 1024u

/* A set of gigas: sparse set as in set_template.h. */
struct giga_set {
    uint32_t slot[GIGAS_MAX];
    uint32_t pos[GIGAS_MAX];
    uint32_t count;
};

/* For the check of the invariant alone: the allocator's own state. */
extern struct giga_set giga_partial;  /* some regions are wholly free */
extern struct giga_set giga_whole;    /* all regions are */
extern uint32_t giga_free[GIGAS_MAX]; /* wholly free regions in each */
extern uint32_t partial_count;        /* regions that are partly free */
extern uint32_t alloc_regions;        /* regions that exist: 0 .. alloc_regions - 1 */

/* Nothing is free, and frames 0 .. frames - 1 (at most FRAMES_MAX), rounded up to a region, exist. */
/*@ requires 0 < frames <= FRAMES_MAX; */
void alloc_reset(pfn_t frames);

/* First frame of a block of a size (enum block_size), whose frames have kind FRAME_FREE; 0: there is none. */
/*@ requires size < BLOCK_SIZES; */
pfn_t block_alloc(uint8_t size);

/* Gives a block back, which was allocated with this size or, 4 KiB frames only, never free before. All its frames have
   kind FRAME_FREE. */
/*@ requires is_frame(p) && size < BLOCK_SIZES; */
void block_free(pfn_t p, uint8_t size);

/* Number of free 4 KiB frames. */
/*@ assigns \nothing; */
uint64_t alloc_free_frames(void);

/* A new object of a kind: block_alloc and frame_retype; 0: no memory. */
/*@ requires FRAME_RESERVED < kind < FRAME_KINDS;
    ensures \result != 0 ==> is_frame(\result) && frame_kind[\result] == kind; */
pfn_t frame_create(uint8_t kind);

/* The end of a 4 KiB object: frame_retire and block_free. */
/*@ requires is_frame(p) && FRAME_RESERVED < frame_kind[p] < FRAME_KINDS; */
void frame_destroy(pfn_t p);

/* One more page-table entry maps user block p. */
/*@ requires is_user(p) && frame_maps[p] < UINT32_MAX;
    assigns frame_maps[p];
    ensures frame_maps[p] == \old(frame_maps[p]) + 1; */
void page_map(pfn_t p);

/* One fewer does. 1: it was the last, and the block (of that size) is free now; else 0. */
/*@ requires is_user(p) && frame_maps[p] > 0 && size < BLOCK_SIZES;
    ensures \result == 0 || \result == 1; */
int page_unmap(pfn_t p, uint8_t size);

#endif
