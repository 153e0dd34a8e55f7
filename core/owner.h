/* SPDX-License-Identifier: MIT */
/*
 * The tree of ownership: each container, process and thread is on the list of its owner, eldest first. All operations
 * take constant time. Called where objects are created and destroyed.
 *
 * Invariant owners_wf: the frames x with frame_owner[x] == o are exactly those on the chain own_first[o] .. own_last[o]
 * by own_next, own_prev is its inverse, the ends' outer links are 0, and so are the links of frames on no list and the
 * ends of empty lists.
 */
#ifndef CORE_OWNER_H
#define CORE_OWNER_H

#include "core/window.h"

/* Puts x, which has no owner, at the end of owner's list. */
/*@ requires is_frame(owner) && is_frame(x) && frame_owner[x] == 0;
    assigns own_next[0 .. FRAMES_MAX - 1], own_prev[x], frame_owner[x], own_first[owner], own_last[owner];
    ensures frame_owner[x] == owner; */
void owner_add(pfn_t owner, pfn_t x);

/* Takes x off its owner's list. */
/*@ requires is_frame(x) && frame_owner[x] != 0;
    assigns own_next[0 .. FRAMES_MAX - 1], own_prev[0 .. FRAMES_MAX - 1], frame_owner[x],
            own_first[frame_owner[x]], own_last[frame_owner[x]];
    ensures frame_owner[x] == 0; */
void owner_remove(pfn_t x);

#endif
