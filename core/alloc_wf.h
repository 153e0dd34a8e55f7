/* SPDX-License-Identifier: MIT */
/* The parts of alloc_wf, each its own goal; for alloc.c alone. Clients see alloc_wf as alloc.h has it. */
#ifndef CORE_ALLOC_WF_H
#define CORE_ALLOC_WF_H

/* slot and pos are inverse permutations of 0 .. size - 1 that keep each number in its group. */
/* clang-format off */
#define IS_PERM(slot, pos, size, group)                                                            \
    (\forall integer x; 0 <= x < (size) ==>                                                        \
        0 <= pos[x] < (size) && slot[pos[x]] == x && pos[x] / (group) == x / (group)) &&           \
    (\forall integer j; 0 <= j < (size) ==> 0 <= slot[j] < (size) && pos[slot[j]] == j)
/* clang-format on */
#define NO_GROUPS 65536u

/*@
lemma giga_index: \forall integer p; 0 <= p ==> p / 512 / 512 == p / 262144;
lemma frame_index: \forall integer p; 0 <= p < FRAMES_MAX ==>
    0 <= p / 512 < REGIONS_MAX && 0 <= p / 512 / 512 < GIGAS_MAX;
predicate frame_perm{L} = IS_PERM(free_slot, free_pos, alloc_regions * 512, 512);
predicate big_perm{L} = IS_PERM(big_slot, big_pos, alloc_regions, 512);
predicate partial_perm{L} = IS_PERM(partial_slot, partial_pos, alloc_regions, NO_GROUPS);
predicate giga_partial_perm{L} =
    IS_PERM(giga_partial_slot, giga_partial_pos, GIGAS_MAX, NO_GROUPS);
predicate giga_whole_perm{L} = IS_PERM(giga_whole_slot, giga_whole_pos, GIGAS_MAX, NO_GROUPS);
predicate alloc_range{L} = 0 < alloc_regions <= REGIONS_MAX &&
    (\forall integer r; 0 <= r < alloc_regions ==>
        0 <= region_free[r] <= 512 || region_free[r] == BLOCK_TAKEN) &&
    (\forall integer g; 0 <= g < GIGAS_MAX ==>
        0 <= giga_free[g] <= 512 || giga_free[g] == BLOCK_TAKEN);
predicate alloc_partial{L} = partial_count <= alloc_regions &&
    \forall integer r; 0 <= r < alloc_regions ==>
        (partial_pos[r] < partial_count <==> 0 < region_free[r] < 512);
predicate alloc_gigas{L} = giga_partial_count <= GIGAS_MAX && giga_whole_count <= GIGAS_MAX &&
    \forall integer g; 0 <= g < GIGAS_MAX ==>
        (giga_partial_pos[g] < giga_partial_count <==> 0 < giga_free[g] < 512) &&
        (giga_whole_pos[g] < giga_whole_count <==> giga_free[g] == 512);
predicate alloc_fits{L} = \forall integer g; 0 <= g < GIGAS_MAX ==>
    (0 < giga_free[g] <= 512 ==> g * 512 + giga_free[g] <= alloc_regions) &&
    (giga_free[g] == BLOCK_TAKEN ==> g * 512 + 512 <= alloc_regions);
predicate alloc_big_at{L}(integer r) =
    (giga_free[r / 512] != BLOCK_TAKEN ==>
        (big_pos[r] % 512 < giga_free[r / 512] <==> region_free[r] == 512)) &&
    (giga_free[r / 512] == BLOCK_TAKEN ==> region_free[r] == 512);
predicate alloc_big{L} = \forall integer r; 0 <= r < alloc_regions ==> alloc_big_at(r);
// The same but for one region, which is on its way into or out of its giga's set.
predicate alloc_big_but{L}(integer x) = 0 <= x < alloc_regions &&
    giga_free[x / 512] != BLOCK_TAKEN && big_pos[x] % 512 >= giga_free[x / 512] &&
    \forall integer r; 0 <= r < alloc_regions && r != x ==> alloc_big_at(r);
predicate alloc_kinds{L} = \forall integer p; is_frame(p) ==> kind_placed(p);
predicate alloc_zero{L} = region_free[0] < 512 && free_pos[0] % 512 >= region_free[0];
predicate alloc_perms{L} = frame_perm && big_perm && partial_perm && giga_partial_perm &&
    giga_whole_perm;
predicate alloc_rest{L} = alloc_perms && alloc_range && alloc_partial && alloc_gigas &&
    alloc_fits && alloc_kinds && alloc_zero;
predicate alloc_wf{L} = alloc_rest && alloc_big;
*/

/* clang-format off */
#define ALLOC_REST_ENSURED                                                                         \
    ensures frame_perm: frame_perm; ensures big_perm: big_perm;                                    \
    ensures partial_perm: partial_perm; ensures giga_partial_perm: giga_partial_perm;              \
    ensures giga_whole_perm: giga_whole_perm; ensures range: alloc_range;                          \
    ensures partial: alloc_partial; ensures gigas: alloc_gigas; ensures fits: alloc_fits;          \
    ensures kinds: alloc_kinds; ensures zero: alloc_zero;
#define ALLOC_ENSURED ALLOC_REST_ENSURED ensures big: alloc_big;
/* clang-format on */

#endif
